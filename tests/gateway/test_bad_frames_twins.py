"""What no client should send, where its errors are let through: the same judgement must complain (A17)."""

import pytest

from gateway import reader
from gateway.consumer import SocketConsumer
from tests.gateway.test_bad_frames import bad_frames
from tests.gateway.waiting import until

SOCKETS = 20


@pytest.fixture
def let_through(monkeypatch, alarms):
    """An error of a frame is nobody's to answer: it ends the consumer."""

    def error_frame(key, error):
        raise error

    monkeypatch.setattr(reader, "error_frame", error_frame)
    alarms.expected.add("a socket failed")


async def test_errors_that_are_let_through_close_the_sockets(let_through, server, ada, room):
    """What they held is given back all the same."""
    wrong = await bad_frames(server, ada, room, SOCKETS)
    assert any("internal_error" in complaint for complaint in wrong)
    assert not any("left behind" in complaint for complaint in wrong)


async def test_without_cleaning_up_after_an_error_they_leave_everything_behind(
    let_through, server, ada, room, monkeypatch
):
    """As a consumer's `disconnect` is not called after an exception."""
    real, forgotten = SocketConsumer._clean_up, []
    monkeypatch.setattr(SocketConsumer, "_clean_up", lambda self: forgotten.append(self))
    wrong = await bad_frames(server, ada, room, SOCKETS, gone_s=0.5)
    monkeypatch.undo()

    async def mend():
        for consumer in forgotten:
            real(consumer)

    server.call(mend())
    await until(lambda: not server.runtime().hub._people, "nothing of it stays for other tests")
    assert any("left behind" in complaint for complaint in wrong)
