"""People of a test: registered, each at an address of their own, and gone when it ends."""

import asyncio
import secrets

from tests.client.rest import Rest
from tests.faults.cluster import Cluster, new_address

PASSWORD = "correct horse battery staple 7"
AT_ONCE = 4  # a registration costs a password hash


class People:
    """Registers users at the balancer, or at one worker, and closes their connections in the end."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self._all: list[Rest] = []
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def register(self, name: str) -> Rest:
        """One user; the name gets a unique ending."""
        rest = Rest(self.cluster.balancer.url, address=new_address())
        self._all.append(rest)
        async with self._gate:
            # A name may fall under a rule for confusable ones: letters and digits alone.
            await rest.register(f"{name}{secrets.token_hex(5)}", PASSWORD)
        return rest

    async def crowd(self, name: str, count: int) -> list[Rest]:
        return list(await asyncio.gather(*(self.register(f"{name}{index}") for index in range(count))))

    def at(self, rest: Rest, url: str) -> Rest:
        """The same person asking one worker directly."""
        other = rest.at(url)
        self._all.append(other)
        return other

    async def close(self) -> None:
        for rest in self._all:
            await rest.close()
