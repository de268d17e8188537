"""The client sees what a server does wrong: a benchmark that cannot see a loss measures nothing."""

from collections.abc import AsyncIterator, Callable

import pytest
from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from bench.load import crowd, sockets
from bench.load.plan import Closed, Found, Open, Plan, Seat

MEMBERS = 3


class Room:
    """Sends each message to everybody; `faulty` decides what the last socket that entered gets instead."""

    def __init__(self) -> None:
        self.sockets: list[WSTransport] = []
        self.faulty: Callable[[list[bytes]], list[bytes]] = lambda waiting: [waiting.pop()]
        self.waiting: list[bytes] = []
        self.hang_up_after = -1

    def send(self, payload: bytes) -> None:
        self.waiting.append(payload)
        for number, one in enumerate(self.sockets):
            for text in self.faulty(self.waiting) if number == MEMBERS - 1 else [payload]:
                one.send(WSMsgType.TEXT, text)
        self.hang_up_after -= 1
        if self.hang_up_after == 0:
            self.sockets.pop().send_close(4000, b"")  # type: ignore[arg-type]  # a code of an application


class Socket(WSListener):
    def __init__(self, room: Room) -> None:
        self.room = room

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.room.sockets.append(transport)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type is WSMsgType.TEXT:
            self.room.send(frame.get_payload_as_bytes())


@pytest.fixture
async def room(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Room, str]]:
    monkeypatch.setattr(crowd, "QUIET_S", 0.3)
    monkeypatch.setattr(sockets, "SETTLE_S", 0.0)
    room = Room()

    def listener(request: WSUpgradeRequest) -> Socket:
        return Socket(room)

    server = await ws_create_server(listener, "127.0.0.1", 0)
    yield room, f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def play(address: str, load: Closed | Open) -> Found:
    return await sockets.play(
        Plan(
            wire="bare",
            address=address,
            load=load,
            seconds=0.2,
            run="r",
            rooms=["engine-room"],
            seats=[Seat("", [0])] * MEMBERS,
            senders=[0],
            connect_at_once=1,
        )
    )


def wrong(found: Found) -> tuple[bool, bool, bool]:
    return found.lost > 0, found.doubled > 0, found.disordered > 0


async def test_all_is_well(room: tuple[Room, str]) -> None:
    found = await play(room[1], Closed(2))
    assert wrong(found) == (False, False, False)
    assert found.sent > 10
    assert found.expected == found.sent * MEMBERS
    assert 0 < found.messages <= found.sent
    assert found.latency_ms["p50"] > 0


async def test_an_open_loop_sends_by_the_clock(room: tuple[Room, str]) -> None:
    found = await play(room[1], Open(100))
    assert wrong(found) == (False, False, False)
    assert 15 <= found.sent <= 40


async def test_a_loss_is_seen(room: tuple[Room, str]) -> None:
    def every_third_is_lost(waiting: list[bytes]) -> list[bytes]:
        if len(waiting) < 3:
            return waiting[-1:]
        waiting.clear()
        return []

    room[0].faulty = every_third_is_lost
    found = await play(room[1], Closed(1))
    assert wrong(found) == (True, False, False)
    assert found.lost == pytest.approx(found.sent / 3, abs=1)


async def test_a_repetition_is_seen(room: tuple[Room, str]) -> None:
    room[0].faulty = lambda waiting: [waiting[-1], waiting[-1]]
    found = await play(room[1], Closed(1))
    assert wrong(found) == (False, True, False)
    assert found.doubled == found.sent


async def test_an_overtaking_is_seen(room: tuple[Room, str]) -> None:
    def swapped(waiting: list[bytes]) -> list[bytes]:
        if len(waiting) < 2:
            return []
        first, second = waiting
        waiting.clear()
        return [second, first]

    room[0].faulty = swapped
    found = await play(room[1], Closed(1))
    assert found.disordered == found.sent // 2
    assert found.doubled == 0


async def test_a_hang_up_is_seen(room: tuple[Room, str]) -> None:
    room[0].hang_up_after = 5
    found = await play(room[1], Closed(1))
    assert found.closed == {"4000": 1}
    assert found.lost > 0
