"""A client that does not resume, for runs that must complain of it."""

from tests.client.resuming import ResumingClient
from tests.client.socket import Socket
from tests.client.strict_json import Json


class Forgetful(ResumingClient):
    """Comes back, says not where it stood, and takes what it gets for the rest of what it had."""

    async def _subscribe(self, socket: Socket) -> None:
        self.positions.clear()
        await super()._subscribe(socket)

    def _placed(self, entry: Json, *, by_server: bool = False) -> None:
        record = self.records.get(entry["room"])
        if record is None or record.open is None:
            super()._placed(entry, by_server=by_server)
        else:
            self.positions[entry["room"]] = entry["seq"]
