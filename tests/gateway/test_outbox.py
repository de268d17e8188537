"""What is on its way to a reader: the bound, the stall, and the order at the close."""

import asyncio

import msgspec
import pytest
from websockets.frames import Frame, Opcode

from gateway.direct_outbox import DirectOutbox
from gateway.frames import ready_frame
from gateway.outbox import PumpedOutbox
from gateway.run import Hint, Run
from realtime.publish import RoomEvent
from tests.gateway.waiting import until

FRAME = "x" * 100


class Line:
    """A connection whose reader takes nothing while it is held; by ASGI `send`, or as a `Transport`."""

    def __init__(self):
        self.sent = []
        self.cut = False
        self._free = asyncio.Event()
        self._free.set()
        self._buffer = b""

    def hold(self):
        self._free.clear()

    def take(self):
        self._free.set()
        while self._buffer:  # frames of less than 126 bytes, or with two more bytes for their length
            size, start = self._buffer[1], 2
            if size == 126:
                size, start = int.from_bytes(self._buffer[2:4], "big"), 4
            text, self._buffer = self._buffer[start : start + size], self._buffer[start + size :]
            self.sent.append({"type": "websocket.send", "text": text.decode()})

    async def send(self, message):
        await self._free.wait()
        self.sent.append(message)

    def write(self, frames):
        self._buffer += frames
        if self._free.is_set():
            self.take()

    def waiting(self):
        return len(self._buffer)

    async def drained(self):
        await self._free.wait()

    def abort(self):
        self.cut = True
        self._free.set()

    @property
    def texts(self):
        return [message["text"] for message in self.sent if message["type"] == "websocket.send"]

    @property
    def close(self):
        return next((message["code"] for message in self.sent if message["type"] == "websocket.close"), None)

    @property
    def last_error(self):
        return msgspec.json.decode(self.texts[-1])["code"]


@pytest.fixture(autouse=True)
def limits(settings):
    settings.SOCKET_QUEUE_MAX_BYTES = 1_000
    settings.SOCKET_STALL_S = 60
    settings.SOCKET_CLOSE_S = 60


@pytest.fixture
async def line():
    return Line()


@pytest.fixture(params=["pumped", "direct"])
def make(request, line):
    """Makes an outbox on the line: as a server without `parley.transport`, or with it."""
    if request.param == "pumped":
        return lambda: PumpedOutbox(line.send, line.abort)
    return lambda: DirectOutbox(line.send, line)


@pytest.fixture
async def outbox(make):
    box = make()
    yield box
    box.stop()


async def test_frames_are_sent_in_the_order_of_put(line, outbox):
    for number in range(50):
        outbox.put(str(number))
    await outbox.drained()
    assert line.texts == [str(number) for number in range(50)]
    outbox.put("last")
    await outbox.drained()
    assert line.texts[-1] == "last"
    assert not outbox.closing


async def test_whoever_owes_more_than_the_bound_is_closed_with_1013(line, outbox):
    line.hold()
    for _ in range(9):
        outbox.put(FRAME)
    assert not outbox.closing
    outbox.put("x" * 101)
    assert outbox.closing
    outbox.put("never")
    outbox.put("x" * 2_000)  # nor does this take the `error` out again
    line.take()
    await until(lambda: line.close, "closed")
    assert (line.close, line.last_error) == (1013, "too_slow")
    assert "never" not in line.texts
    assert "x" * 101 not in line.texts  # the client resumes from its own position


async def test_what_was_taken_is_owed_no_more(line, outbox):
    for _ in range(30):
        outbox.put(FRAME * 3)
        await outbox.drained()
    assert len(line.texts) == 30
    assert not outbox.closing


async def test_replayed_frames_do_not_count_towards_the_bound(line, outbox):
    line.hold()
    for _ in range(100):
        outbox.put(FRAME, counted=False)
    for _ in range(9):
        outbox.put(FRAME)
    assert not outbox.closing
    line.take()
    await outbox.drained()
    assert len(line.texts) == 109


async def test_whoever_takes_nothing_for_the_stall_is_closed_with_1013_and_cut(settings, line, outbox):
    settings.SOCKET_STALL_S = settings.SOCKET_CLOSE_S = 0.05
    line.hold()
    outbox.put("a")
    await until(lambda: outbox.closing, "given up")
    assert not line.cut
    await until(lambda: line.cut, "cut off")


async def test_whoever_takes_something_now_and_then_is_not_given_up(settings):
    settings.SOCKET_STALL_S = 0.15
    permits, taken = asyncio.Semaphore(0), []

    async def take_one(message):
        await permits.acquire()
        taken.append(message)

    box = PumpedOutbox(take_one, None)
    for number in range(6):
        box.put(str(number))
    for number in range(6):  # 0.3 s in all, never 0.15 s without one
        await asyncio.sleep(0.05)
        permits.release()
        await until(lambda number=number: len(taken) == number + 1, "taken")
    assert not box.closing
    box.stop()


async def test_an_idle_reader_is_never_stalled(settings, line, outbox):
    settings.SOCKET_STALL_S = 0.03
    outbox.put("a")
    await outbox.drained()
    await asyncio.sleep(0.15)  # five times the stall
    outbox.put("b")
    await outbox.drained()
    assert (line.texts, outbox.closing) == (["a", "b"], False)


async def test_close_sends_what_is_queued_then_the_error_then_the_close_once(line, outbox):
    outbox.put("a")
    outbox.close(4403, "session_ended", "Bye.")
    outbox.close(1011, "internal_error", "Again.")
    outbox.put("late")
    await until(lambda: line.close, "closed")
    await outbox.drained()
    assert line.texts[0] == "a"
    assert msgspec.json.decode(line.texts[1]) == {
        "type": "error", "id": None, "code": "session_ended", "detail": "Bye.",
    }  # fmt: skip
    assert len(line.sent) == 3
    assert line.sent[-1] == {"type": "websocket.close", "code": 4403, "reason": "session_ended"}


async def test_a_server_that_cannot_send_the_code_closes_with_1000_after_the_error(line, outbox):
    async def picky(message):
        if message["type"] == "websocket.close" and message["code"] != 1000 and message["code"] < 3000:
            raise ValueError("invalid close code")  # as daphne's autobahn says
        await line.send(message)

    outbox._send = picky
    outbox.too_slow()
    await until(lambda: line.close, "closed")
    assert (line.close, line.last_error) == (1000, "too_slow")


async def test_a_broken_line_is_gone_and_keeps_nobody_waiting(outbox, line):
    async def broken(message):
        raise OSError("reset")

    outbox._send = broken
    if isinstance(outbox, PumpedOutbox):
        outbox.put("a")
        outbox.put("b")
    else:
        outbox.close(1011, "x", "y")
    await until(lambda: outbox.gone, "gone")
    outbox.put("c")
    outbox.close(1011, "x", "y")
    await asyncio.wait_for(outbox.drained(), 1)
    assert "c" not in line.texts


async def test_stop_forgets_what_waits_and_its_timers(settings, line, make):
    settings.SOCKET_CLOSE_S = 0.01
    box = make()
    line.hold()
    box.put("a")
    box.close(1011, "x", "y")
    box.stop()
    await asyncio.wait_for(box.drained(), 1)
    await asyncio.sleep(0.05)  # five times SOCKET_CLOSE_S
    assert (line.cut, line.sent) == (False, [])


async def test_without_a_line_to_cut_a_stalled_reader_is_closed_all_the_same(settings, line):
    settings.SOCKET_STALL_S = 0.03
    box = PumpedOutbox(line.send, None)  # daphne
    line.hold()
    box.put("a")
    await until(lambda: box.closing, "given up")
    line.take()
    await until(lambda: line.close == 1013, "closed")
    box.stop()


EVENTS = [RoomEvent(seq, f'{{"seq":{seq}}}') for seq in range(4, 8)]


async def test_a_run_is_its_frames_in_order(line, outbox):
    assert outbox.put_run(Run(EVENTS))
    await outbox.drained()
    assert line.texts == [event.frame for event in EVENTS]


async def test_a_run_that_does_not_fit_closes_nobody_and_leaves_space_for_an_answer(line, outbox):
    line.hold()
    assert outbox.put_run(Run([RoomEvent(8, FRAME * 4)]))
    assert not outbox.put_run(Run([RoomEvent(9, FRAME), RoomEvent(10, FRAME * 3)]))
    outbox.put_notice(FRAME * 4)  # dropped
    outbox.put(FRAME * 5)
    assert not outbox.closing
    line.take()
    await outbox.drained()
    assert line.texts == [FRAME * 4, FRAME * 5]
    assert outbox.put_run(Run([RoomEvent(9, FRAME), RoomEvent(10, FRAME * 3)]))
    outbox.put_notice("one")
    await outbox.drained()
    assert line.texts[-3:] == [FRAME, FRAME * 3, "one"]


async def test_replayed_runs_fit_whatever_waits(line, outbox):
    line.hold()
    for seq in range(10):
        assert outbox.put_run(Run([RoomEvent(seq + 1, FRAME * 9)]), counted=False)
    line.take()
    await outbox.drained()
    assert len(line.texts) == 10


async def test_hints_are_dropped_for_whoever_owes_much_and_come_again_for_who_has_read(
    settings, line, outbox
):
    settings.SOCKET_HINTS_MAX_BYTES = 300
    hint = Hint(FRAME, None, "")
    outbox.put_hint(hint)
    await outbox.drained()
    assert line.texts == [FRAME]
    line.hold()
    for _ in range(50):  # 5,000 bytes, of 1,000 that may wait
        outbox.put_hint(hint)
    outbox.put_run(Run(EVENTS))
    assert not outbox.closing
    line.take()
    await outbox.drained()
    assert 3 <= len(line.texts) - 1 - len(EVENTS) <= 5
    assert line.texts[-4:] == [event.frame for event in EVENTS]
    outbox.put_hint(hint)
    await outbox.drained()
    assert line.texts[-1] == FRAME


async def test_a_replay_that_waits_does_not_count_against_hints(settings, line, outbox):
    settings.SOCKET_HINTS_MAX_BYTES = 300
    line.hold()
    outbox.put(FRAME * 50, counted=False)
    outbox.put_hint(Hint(FRAME, None, ""))
    line.take()
    await outbox.drained()
    assert line.texts[-1] == FRAME


def test_a_run_is_framed_as_rfc_6455_says():
    for size in (0, 1, 125, 126, 65_535, 65_536, 300_000):
        text = "x" * (size - 2) + "é" if size > 1 else "x" * size
        library = Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
        assert ready_frame(text) == library
        assert Run([RoomEvent(1, text), RoomEvent(2, "y")]).ready == library + b"\x81\x01y"
