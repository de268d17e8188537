"""The rig itself: the checker complains about each kind of violation, the proxies do what they say."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.client.record import RoomRecord
from tests.client.strict_json import Json
from tests.faults.bus_proxy import BusProxy
from tests.faults.checker import Report, Stored, check
from tests.faults.loop_thread import LoopThread
from tests.faults.proxy import Address, Proxy
from tests.faults.resp import Splitter

pytestmark = pytest.mark.faults

WIRE = (
    b"+OK\r\n-ERR no\r\n:7\r\n$5\r\nhe\r\no\r\n$-1\r\n*-1\r\n_\r\n#t\r\n,1.5\r\n(9\r\n"
    b"*3\r\n$9\r\nsubscribe\r\n$1\r\nx\r\n:1\r\n%1\r\n+k\r\n*1\r\n:1\r\n=7\r\ntxt:abc\r\n~1\r\n:1\r\n"
    b"|1\r\n+ttl\r\n:1\r\n$1\r\nv\r\n"
)
ROOM, PROCESS = b"asgi__group__room.1", b"asgi__group__process.1"


def published(channel: bytes, data: bytes, kind: bytes = b">") -> bytes:
    parts = (b"message", channel, data)
    return kind + b"3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(part), part) for part in parts)


def test_replies_are_cut_whole_wherever_the_pieces_end() -> None:
    whole = [reply.raw for reply in Splitter().feed(WIRE)]
    assert b"".join(whole) == WIRE
    assert len(whole) == 15
    splitter = Splitter()
    assert [reply.raw for i in range(len(WIRE)) for reply in splitter.feed(WIRE[i : i + 1])] == whole


def test_published_messages_are_told_from_answers() -> None:
    data = published(ROOM, b"\r\n*3\r\n") + published(PROCESS, b"x", b"*") + WIRE
    assert [reply.published_on for reply in Splitter().feed(data)] == [ROOM, PROCESS, *[None] * 15]


def event(seq: int) -> Json:
    message = {"id": f"m{seq}", "seq": seq, "client_id": f"c{seq}"}
    return {
        "type": "message.created", "room": "r", "seq": seq, "at": "t", "actor": "u", "data": {"message": message},
    }  # fmt: skip


def stored(*seqs: int, rows: list[int] | None = None) -> Stored:
    history = [event(seq)["data"]["message"] for seq in (seqs if rows is None else rows)]
    return Stored([event(seq) for seq in seqs], history)


def told(start: int, *seqs: int) -> RoomRecord:
    record = RoomRecord()
    record.begin(start)
    for seq in seqs:
        record.add(event(seq))
    return record


def judged(store: Stored, record: RoomRecord, *acked: str) -> Report:
    return check(store, acked, {"ada": record})


def test_the_checker_is_content_with_what_is_right() -> None:
    record = told(1, 2, 3)
    record.end("resync epoch")
    record.begin(3)
    report = check(stored(1, 2, 3), ["c1", "c3"], {"ada": record}, {"eve": RoomRecord(), "bob": None})
    assert (report.violations, report.acked, report.events, report.delivered) == (0, 2, 3, 2)


def test_the_checker_names_each_violation() -> None:
    assert judged(stored(1, 2), told(0, 1, 2), "c9").lost == 2  # neither a row nor an event
    assert judged(stored(1, 2, rows=[1]), told(0, 1, 2), "c2").lost == 1
    assert judged(stored(1, 2, rows=[1, 2, 2]), told(0, 1, 2), "c2").doubled == 1
    assert judged(stored(1, 3), told(0, 1, 3)).gaps == 1
    assert judged(stored(1, 2, 3), told(0, 1, 3)).lost == 1
    assert judged(stored(1, 2, 3), told(0, 1, 2)).lost == 1
    assert judged(stored(1, 2, 3), told(0, 1, 2, 2, 3)).doubled == 1
    assert judged(stored(1, 2, 3), told(1, 1, 2, 3)).doubled == 1
    assert judged(stored(1, 2, 3), told(0, 1, 3, 2)).out_of_order == 1
    assert judged(stored(1, 2), RoomRecord()).lost == 2
    wrong = told(0, 1, 2)
    wrong.stretches[0].frames[0]["data"]["message"]["id"] = "m7"
    assert judged(stored(1, 2), wrong).different == 1
    after_the_end = told(0, 1)
    after_the_end.end("removed")
    after_the_end.add(event(2))
    assert judged(stored(1, 2), after_the_end).leaked == 1
    assert check(stored(1), [], {}, {"eve": told(0, 1)}).leaked == 1


@pytest.fixture
def loop_of_proxies() -> Iterator[LoopThread]:
    thread = LoopThread()
    yield thread
    thread.close()


@pytest.fixture
async def echoes() -> AsyncIterator[list[Address]]:
    """Two servers that say their number and then give back what they get."""

    async def serve(number: int) -> asyncio.Server:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"%d" % number)
            with contextlib.suppress(OSError, asyncio.CancelledError):
                while data := await reader.read(65536):
                    writer.write(data)
                    await writer.drain()
            writer.close()

        return await asyncio.start_server(talk, "127.0.0.1", 0)

    servers = [await serve(0), await serve(1)]
    yield [server.sockets[0].getsockname()[:2] for server in servers]
    for server in servers:
        server.close()


async def dial(proxy: Proxy, address: str) -> tuple[str, asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port, local_addr=(address, 0))
    return (await reader.readexactly(1)).decode(), reader, writer


async def test_a_client_goes_to_the_other_server_each_time(
    echoes: list[Address], loop_of_proxies: LoopThread
) -> None:
    with Proxy(loop_of_proxies, echoes) as proxy:
        ada = [(await dial(proxy, "127.0.0.7"))[0] for _ in range(4)]
        bob = [(await dial(proxy, "127.0.0.8"))[0] for _ in range(3)]
        assert ada in (list("0101"), list("1010"))
        assert bob in (list("010"), list("101"))


async def test_connections_are_cut_held_and_healed(
    echoes: list[Address], loop_of_proxies: LoopThread
) -> None:
    with Proxy(loop_of_proxies, echoes) as proxy:
        _, reader, writer = await dial(proxy, "127.0.0.7")
        proxy.black_hole()
        await asyncio.to_thread(loop_of_proxies.call, asyncio.sleep(0))
        writer.write(b"held")
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(4), 0.2)
        proxy.heal()
        assert await asyncio.wait_for(reader.readexactly(4), 2) == b"held"
        assert proxy.cut_all() == proxy.counts.cut == 1
        with pytest.raises(ConnectionResetError):
            await reader.readexactly(1)
        assert (await dial(proxy, "127.0.0.7"))[0] in "01"


async def test_a_slow_way_is_slow(echoes: list[Address], loop_of_proxies: LoopThread) -> None:
    with Proxy(loop_of_proxies, echoes, bits_per_s=1e6) as proxy:
        _, reader, writer = await dial(proxy, "127.0.0.7")
        loop = asyncio.get_running_loop()
        started = loop.time()
        writer.write(b"x" * 50_000)
        await reader.readexactly(50_000)
        assert 0.3 < loop.time() - started < 1.5  # 0.4 s


async def test_only_the_rooms_messages_are_dropped(loop_of_proxies: LoopThread) -> None:
    async def redis(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.CancelledError):
            while await reader.read(1):
                writer.write(published(ROOM, b"lost?") + published(PROCESS, b"beat", b"*") + b"+PONG\r\n")

    server = await asyncio.start_server(redis, "127.0.0.1", 0)
    with BusProxy(loop_of_proxies, server.sockets[0].getsockname()[:2]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        rest = published(PROCESS, b"beat", b"*") + b"+PONG\r\n"
        for dropping in (False, True, False):
            proxy.dropping = dropping
            writer.write(b".")
            expected = rest if dropping else published(ROOM, b"lost?") + rest
            assert await asyncio.wait_for(reader.readexactly(len(expected)), 2) == expected
        assert (proxy.dropped, proxy.passed) == (1, 2)
        writer.close()
    server.close()
