"""Every command's frames, mutated: each is answered as the contract says, and costs nobody anything (FAULTS B9, B25 to B27)."""

import contextlib
import logging
import random
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.client.strict_json import dumps
from tests.gateway.every_command import SHAPES
from tests.gateway.mutations import expected, mutated
from tests.gateway.raw_frames import CLOSE, PING, PONG, RawSocket, close, frame, text
from tests.gateway.wire import Wire

SEEDS = [1, 2, 3, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(100, 140))]
EACH = 600
RSS_MAX_BYTES = 20_000_000
ANSWERS = ("ack", "error", "pong")
OURS = ("internal_error", "unavailable", "storage_unavailable")


def good_frames(ada, room, message):
    """One of each command with all its fields, and those that have two forms in both."""
    frames = [
        {"type": "auth", "token": ada.access},
        {"type": "subscribe", "rooms": [{"room": room, "since": 1}], "epoch": "x", "max": 9, "presence": False},
        {"type": "subscribe", "rooms": "all", "since": {room: 1}, "epoch": None, "max": 5_000},
        {"type": "unsubscribe", "rooms": [room]},
        {"type": "message.send", "room": room, "client_id": "m-1", "body": "Smörgås 💥", "reply_to": message,
         "thread": None, "attachments": [], "metadata": {"a": [1, {"b": None}], "c": "d"}},
        {"type": "message.edit", "room": room, "message": message, "body": "The mill."},
        {"type": "message.delete", "room": room, "message": message},
        {"type": "read", "room": room, "seq": 2, "force": True},
        {"type": "typing", "room": room, "active": True},
        {"type": "signal", "room": room, "name": "cursor", "data": {"x": [1.5, "é", None]}},
        {"type": "ping"},
    ]  # fmt: skip
    assert {each["type"] for each in frames} == set(SHAPES)
    return frames


def rss_bytes():
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024


class Warnings(logging.Handler):
    """A frame of a client's is no reason to warn, either."""

    def __init__(self):
        super().__init__(logging.WARNING)
        self.said = []

    def emit(self, record):
        self.said.append(self.format(record))


@pytest.fixture
def warnings():
    handler = Warnings()
    logging.getLogger("gateway").addHandler(handler)
    yield handler.said
    logging.getLogger("gateway").removeHandler(handler)


async def answers_before(wire, mark):
    """What answers the frame before the one with this id, which ran alone."""
    answers = []
    while True:
        said = await wire.next()
        if said["type"] == "ack" and said["id"] == mark:
            return answers
        if said["type"] in ANSWERS:
            answers.append(said)


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_frame_gets_its_one_answer(settings, server, ada, room, warnings, seed):
    settings.BAD_FRAMES_PER_MINUTE = 1_000_000
    rng = random.Random(seed)
    message = (await ada.send(room, "m-0", "The mill is running."))[0]["id"]
    frames = good_frames(ada, room, message)
    texts = []
    while len(texts) < EACH:
        chosen = rng.choice(frames) | {"id": rng.choice([f"f-{len(texts)}", len(texts)])}
        text = mutated(chosen, sorted(SHAPES), rng)
        if len(text.encode()) < settings.FRAME_MAX_BYTES:
            texts.append(text)
    before = 0
    async with (
        await Wire.open(server.ws, ada.access) as wire,
        await Wire.open(server.ws, ada.access) as other,
    ):
        await wire.next()
        await other.next()

        for number, text in enumerate(texts):
            await wire.send(text)
            await wire.send({"type": "unsubscribe", "id": f"mark-{number}", "rooms": []})
            answers = await answers_before(wire, f"mark-{number}")
            assert expected(text).holds(answers), (seed, number, text[:500], answers, expected(text))
            assert not [said for said in answers if said.get("code") in OURS], (seed, text[:500], answers)
            if number == 50:  # when all that is loaded by need is there
                before = rss_bytes()
        assert rss_bytes() - before < RSS_MAX_BYTES
        await other.send({"type": "ping", "id": "other"})
        await other.skip_to("pong", id="other")
    assert warnings == [], (seed, warnings[0])


@pytest.mark.parametrize("seed", SEEDS)
async def test_a_first_auth_is_answered_and_let_in_or_closed(server, ada, warnings, seed):
    rng = random.Random(seed)
    for _ in range(20):
        text = mutated({"type": "auth", "id": 1, "token": ada.access}, ["auth", "ping", "read"], rng)
        async with await Wire.open(server.ws) as wire:
            await wire.send(text)
            await wire.send({"type": "unsubscribe", "id": "mark", "rooms": []})
            frames = []
            with contextlib.suppress(ConnectionClosed):
                while not frames or frames[-1].get("id") != "mark":
                    frames.append(await wire.next(5))
            code = wire.connection.close_code
            assert code in (None, 4401, 4403), (seed, text[:500], code)
            if code is None:  # let in, or still nobody
                assert expected(text).holds([said for said in frames[:-1] if said["type"] in ANSWERS]), (
                    seed,
                    text,
                )
            else:
                assert [said["id"] for said in frames if said["type"] == "error"][-1] is None, (
                    seed,
                    text[:500],
                )
    assert warnings == []


@pytest.mark.parametrize("seed", SEEDS)
async def test_flipped_bits_of_frames_end_at_most_their_own_line(server, ada, room, seed):
    """Of headers, masks and payloads alike."""
    rng = random.Random(seed)
    async with await RawSocket.open(server, ada.access) as other:
        for _ in range(40):
            stream = bytearray()
            for _ in range(rng.randrange(1, 5)):
                said = dumps({"type": "read", "id": 1, "room": room, "seq": 2}).encode()
                cut = rng.randrange(len(said))
                stream += rng.choice(
                    [
                        text(said),
                        text(said[:cut], fin=False) + frame(PING, b"x") + frame(0, said[cut:]),
                        frame(PING, b"x" * rng.choice((0, 1, 125))),
                        frame(PONG, b"x"),
                        close(rng.choice((1000, 3000, 4999)), b"bye"),
                    ]
                )
            for _ in range(rng.randrange(1, 4)):
                place = rng.choice((rng.randrange(min(8, len(stream))), rng.randrange(len(stream))))
                stream[place] ^= 1 << rng.randrange(8)
            async with await RawSocket.open(server, ada.access) as raw:
                with contextlib.suppress(OSError):  # ended already
                    await raw.send(bytes(stream))
                    raw.finish()
                ending = await raw.end()
            assert ending.code not in (1006, 1011), (seed, bytes(stream), ending)
        await other.send(frame(PING, b"still here"))
        while (said := await other.next()) != (PONG, b"still here"):
            assert said[0] != CLOSE
