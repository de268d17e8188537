"""What a changed password, an expired token and a logged one do on every worker, with the bus whole and broken."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import jwt
import pytest
from django.utils.crypto import salted_hmac

from tests.client.rest import BEHIND_TLS, Rest
from tests.client.socket import Refused, Socket
from tests.faults.cluster import Cluster
from tests.faults.people import PASSWORD, People
from tests.faults.stores import SECRET_KEY

pytestmark = [
    pytest.mark.faults,
    pytest.mark.parametrize("broken", [False, True], ids=["whole", "broken"]),
]

AT_ONCE_S = 1.0
BUS_BROKEN_S = 5.0  # of the 25 promised: a break is noticed after a second, and then looked for every second
LIFE_S = 3
LATE_S = 5.0  # after the expiry (FAULTS B5)
NEW = "analytical engine no. 2"
A_TOKEN = re.compile(r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}")  # … or the better part of one


@asynccontextmanager
async def bus(cluster: Cluster, *, broken: bool) -> AsyncIterator[None]:
    """Redis is stopped meanwhile, if it is to be."""
    if broken:
        await asyncio.to_thread(cluster.stores.redis.stop)
    try:
        yield
    finally:
        if broken:
            await asyncio.to_thread(cluster.stores.redis.start)


@pytest.mark.parametrize("how", ["password", "all others", "that one"])
async def test_what_ends_another_session_closes_its_sockets_on_both_workers(
    cluster: Cluster, people: People, broken: bool, how: str
) -> None:
    """FAULTS B4; a disabled user and logging out are in test_log_out.py."""
    ada, bob = await people.register("ada"), await people.register("bob")
    tablet = people.at(ada, cluster.b.url)
    ended = (await tablet.log_in(ada.user["username"], PASSWORD))["session"]["id"]
    closes, stays = [
        [await Socket.connect(worker.url, rest.access) for worker in cluster.workers]
        for rest in (tablet, ada)
    ]
    his = await Socket.connect(cluster.b.url, bob.access)
    async with bus(cluster, broken=broken):
        began = time.monotonic()
        at_a = people.at(ada, cluster.a.url)
        if how == "password":
            await at_a.call("POST", "auth/password/change/", {"old": PASSWORD, "new": NEW})
        else:
            await at_a.call("DELETE", "auth/sessions/" if how == "all others" else f"auth/sessions/{ended}/")
        for socket in closes:
            ending = await socket.wait_closed()
            assert (ending.code, ending.why) == (4403, "session_ended")
        assert time.monotonic() - began < (BUS_BROKEN_S if broken else AT_ONCE_S)
        with pytest.raises(Exception, match="session_ended"):
            await tablet.call("GET", "users/me/")
        for socket in (*stays, his):
            await socket.request("ping")
    for socket in (*stays, his):
        await socket.close()


async def test_an_expired_token_closes_its_sockets_on_both_workers_unless_it_is_renewed(
    cluster: Cluster, people: People, broken: bool
) -> None:
    """FAULTS B5."""
    ada, bob = await people.register("ada"), await people.register("bob")
    async with bus(cluster, broken=broken):
        expires_at = int(time.time()) + LIFE_S
        soon = short_lived(ada, expires_at)
        closes, stays = [
            [await Socket.connect(worker.url, soon) for worker in cluster.workers] for _ in range(2)
        ]
        for socket in stays:
            with pytest.raises(Refused, match="forbidden"):
                await socket.request("auth", token=bob.access)
            await socket.request("auth", token=ada.access)
        for socket in closes:
            ending = await socket.wait_closed()
            assert (ending.code, ending.why) == (4401, "token_expired")
            assert expires_at <= time.time() < expires_at + LATE_S
        for socket in stays:
            await socket.request("ping")
            assert socket.welcome["user"]["id"] == ada.user_id
    for socket in stays:
        await socket.close()


async def test_no_token_is_in_a_workers_log_however_it_came(
    cluster: Cluster, people: People, broken: bool
) -> None:
    """FAULTS B6."""
    ada = await people.register("ada")
    assert ada.access is not None
    async with bus(cluster, broken=broken):
        for worker in cluster.workers:
            for auth in ("header", "subprotocol", "frame"):
                socket = await Socket.connect(worker.url, ada.access, auth=auth)
                await socket.request("auth", token=ada.access)
                await socket.close()
            at_it = people.at(ada, worker.url)
            await at_it.call("GET", "users/me/", token=ada.access, access_token=ada.refresh_token)
            await at_it.refresh()
            async with httpx.AsyncClient(trust_env=False, headers=BEHIND_TLS) as http:
                url = f"{worker.url}/ws/v1/?token={ada.access}"
                await http.get(url)  # no handshake: answered as any URL
                await http.get(
                    f"{worker.url}/api/v1/users/me/", headers={"Authorization": f"Bearer {ada.access[:-9]}"}
                )
            ada.access, ada.refresh_token = at_it.access, at_it.refresh_token
            assert ada.access is not None
    for worker in cluster.workers:
        log = worker.log.read_text(errors="replace")
        assert '"path": "/api/v1/users/me/"' in log
        assert not A_TOKEN.search(log)


def short_lived(rest: Rest, expires_at: int) -> str:
    """A token of this person's session that ends then, signed with the workers' own key."""
    assert rest.access is not None
    claims = jwt.decode(rest.access, options={"verify_signature": False})
    key = salted_hmac("parley.jwt", "signing key", secret=SECRET_KEY, algorithm="sha256").hexdigest()
    return jwt.encode(claims | {"exp": expires_at}, key, algorithm="HS256")
