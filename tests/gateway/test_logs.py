"""No token and no message body is in anything that is logged, at any level."""

import logging

import pytest

from gateway import sends
from tests.api import PASSWORD
from tests.client.rest import Rest
from tests.client.socket import Refused
from tests.gateway.wire import Wire

CLIENTS = ("httpx", "httpcore", "websockets.client", "asyncio")  # the tests' own side of the line
BODY = "the-body-that-nobody-logs"
STORED = "a batch of 1 messages could not be stored"


class Everything(logging.Handler):
    """Every record as it came and as it is written."""

    def __init__(self):
        super().__init__(logging.NOTSET)
        self.lines = []
        [written] = [
            h.formatter for h in logging.getLogger().handlers if "ProcessorFormatter" in repr(h.formatter)
        ]
        self._written = written

    def emit(self, record):
        if not record.name.startswith(CLIENTS):
            fields = {name: value for name, value in vars(record).items() if name != "exc_info"}
            self.lines.append(f"{record.name} {record.getMessage()} {fields} {self._written.format(record)}")


@pytest.fixture
def logged(caplog):
    caplog.set_level(logging.DEBUG)
    handler = Everything()
    logging.getLogger().addHandler(handler)
    yield handler.lines
    logging.getLogger().removeHandler(handler)


async def test_a_session_leaves_neither_token_nor_body_nor_password_in_the_logs(
    logged, alarms, monkeypatch, server, ada, bob, room, connect
):
    secrets = {BODY, PASSWORD, ada.access, ada.refresh_token, bob.access, bob.refresh_token}
    for auth in ("header", "subprotocol", "frame"):
        socket = await connect(ada, auth=auth)
        await socket.request("subscribe", rooms=[{"room": room, "since": 0}])
        await socket.request("message.send", room=room, client_id=auth, body=f"{BODY} {auth}")
        with pytest.raises(Refused):
            await socket.request("message.send", room=room, client_id=auth, body=f"{BODY} other")
        with pytest.raises(Refused):
            await socket.request("message.send", room=room, client_id="1", body=f"{BODY}\x00")
        await socket.find(lambda frame: frame.get("type") == "message.created")
    await ada.send(room, "rest", BODY)
    await ada.refresh()
    secrets |= {ada.access, ada.refresh_token}
    await socket.request("auth", token=ada.access)
    for url in (
        f"{server.ws}?token={bob.access}",
        f"{server.ws}rooms/{room}/?since={bob.access}&token={bob.access}",
    ):
        async with await Wire.open(url, ada.access) as wire:
            await wire.next()
            await wire.send(f'{{"type":"message.send","body":"{BODY}"')
            await wire.send(f'{{"type":"{BODY}","token":"{ada.access}"}}')
            await wire.send({"type": "message.send", "room": BODY, "client_id": BODY, "body": 1, "id": BODY})
            await wire.send({"type": "auth", "token": ada.access[:-3] + "abc", "id": 1})
            await wire.skip_to("error", id=1)
    secrets.add(ada.access[:-3])
    async with await Wire.open(server.ws, ada.access[:-3] + "abc") as wire:
        assert (await wire.ends())[1] == 4401

    def crash(drafts):
        raise ValueError("somewhere below")

    alarms.expected.add(STORED)
    with monkeypatch.context() as broken:
        broken.setattr(sends, "send_messages", crash)
        with pytest.raises(Refused, match="internal_error"):
            await socket.request("message.send", room=room, client_id="crash", body=BODY)
    stranger = Rest(server.http)
    with pytest.raises(Exception, match="401"):
        await stranger.log_in("ada", PASSWORD + "!")
    await stranger.close()
    await ada.log_out()
    await socket.wait_closed()
    text = "\n".join(logged)
    assert "duration_ms" in text
    assert STORED in text
    assert "somewhere below" in text
    assert [secret[:20] for secret in secrets if secret in text] == []
    assert ada.access.split(".")[2] not in text  # nor a token's signature alone
