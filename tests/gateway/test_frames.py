"""What every frame has in common: `welcome`, ids, one answer each, unknown types and fields."""

import inspect
import time
from datetime import datetime
from uuid import uuid4

from gateway.bus import Bus
from gateway.commands import COMMANDS
from gateway.consumer import SocketConsumer
from gateway.direct_outbox import DirectOutbox
from gateway.hub import Hub
from gateway.lifetime import Lifetime
from gateway.reader import FrameReader
from gateway.socket_rooms import SocketRooms
from gateway.subscription import Subscription
from gateway.voice import Voice
from tests.gateway.wire import Wire
from tests.limits import WIDE

UUID = str(uuid4())
ODD_ROOMS = [
    "", " ", "/", ".", "..", "../x", "\n", "\x00", "x\x00y", "room.events", "*", "%", "'", '"', "💥", "ROOM", "null",
    "a" * 200, "a" * 36, "-" * 36, UUID.upper(), UUID + "\n", " " + UUID, UUID.replace("-", ""), f"{{{UUID}}}",
    f"urn:uuid:{UUID}", UUID[:-1], UUID + "0", UUID[:-1] + "g", UUID[:-1] + "\n", UUID[:-1] + "٣", UUID,
    f"room.{UUID.replace('-', '')}", UUID.replace("-", "_"),
]  # fmt: skip


async def test_welcome_says_who_until_when_and_this_servers_numbers(settings, server, ada, room):
    before = time.time()
    settings.REPLAY_MAX_EVENTS = 4_321
    settings.SOCKETS_PER_PERSON = 21
    async with await Wire.open(server.ws, ada.access) as wire:
        welcome = await wire.next()
    assert set(welcome) == {"type", "user", "session", "expires_at", "epoch", "server_time", "limits"}
    assert welcome["user"] == {name: ada.user[name] for name in welcome["user"]}
    assert "email" not in welcome["user"]
    assert welcome["session"]["current"] is True
    assert welcome["epoch"] == (await ada.events(room))["epoch"]
    said = datetime.fromisoformat(welcome["server_time"]).timestamp()
    assert before - 1 < said < time.time() + 1
    assert 590 < datetime.fromisoformat(welcome["expires_at"]).timestamp() - said <= 600
    assert welcome["server_time"].endswith("Z")
    assert welcome["expires_at"].endswith("Z")
    assert welcome["limits"] == {
        "frame_max_bytes": 131_072,
        "message_max_chars": 8_000,
        "metadata_max_bytes": 4_096,
        "signal_max_bytes": 4_096,
        "subscribe_max_rooms": 500,
        "socket_max_rooms": 5_000,
        "replay_max_events": 4_321,
        "replay_max_events_per_frame": 20_000,
        "sends_per_s": WIDE["SENDS_PER_S"],
        "sends_burst": WIDE["SENDS_BURST"],
        "frames_per_s": WIDE["FRAMES_PER_S"],
        "frames_burst": WIDE["FRAMES_BURST"],
        "requests_per_s": WIDE["REQUESTS_PER_S"],
        "requests_burst": WIDE["REQUESTS_BURST"],
        "sockets_per_person": 21,
        "ping_interval_s": 25,
        "silence_timeout_s": 60,
    }


async def test_an_id_comes_back_as_it_was(server, ada):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for name in ("x", "", "a" * 64, "💥" * 64, '"\\', 0, 1, -5, 2**53, 2**63 - 1, 2**63, 2**64, 10**30):
            assert await wire.ask({"type": "ping", "id": name}) == {"type": "pong", "id": name}
            answer = await wire.ask({"type": "read", "id": name, "room": "x", "seq": 0})
            assert (answer["type"], answer["id"], answer["code"]) == ("error", name, "not_found")


async def test_what_is_no_id_is_an_invalid_field_and_answers_nothing_else(server, ada):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for text in (
            '"' + "a" * 65 + '"',
            "1.5",
            "1.0",
            "1e2",
            "true",
            "false",
            "[]",
            "[1]",
            "{}",
            '{"a":1}',
        ):
            answer = await wire.ask(f'{{"type":"ping","id":{text}}}')
            assert (answer["type"], answer["id"], answer["code"]) == ("error", None, "invalid"), text
            assert [error["attr"] for error in answer["errors"]] == ["id"]
        for _ in range(20):  # no bad frames
            await wire.ask({"type": "ping", "id": 1.5})
        assert (await wire.ask({"type": "ping", "id": 1}))["type"] == "pong"


async def test_without_an_id_only_errors_come_back(server, ada, room):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for no_id in ({}, {"id": None}):
            assert await wire.ask({"type": "ping", **no_id}) == {"type": "pong", "id": None}
            await wire.send({"type": "subscribe", "rooms": [{"room": room}], **no_id})
            await wire.send({"type": "message.send", "room": room, "client_id": "1", **no_id})
            answer = await wire.next()
            assert (answer["type"], answer["id"], answer["code"]) == ("error", None, "invalid")
        await wire.send({"type": "message.send", "room": room, "client_id": "1", "body": "hi"})
        await wire.send({"type": "message.send", "room": room, "client_id": "1", "body": "other"})
        await wire.send({"type": "read", "room": room, "seq": 4})
        await wire.send({"type": "unsubscribe", "rooms": [room]})
        await wire.send({"type": "ping", "id": "last"})
        await wire.send({"type": "subscribe", "id": "all done", "rooms": []})  # alone, so the last
        seen = [await wire.next()]
        while seen[-1].get("id") != "all done":
            seen.append(await wire.next())
    assert [f["code"] for f in seen if f["type"] == "error"] == ["client_id_conflict"]
    assert [f["id"] for f in seen if f["type"] in ("ack", "pong")] == ["last", "all done"]


async def test_every_frame_with_an_id_gets_exactly_one_answer(server, ada, room):
    frames = [
        frame
        for n in range(40)
        for frame in (
            {"type": "message.send", "room": room, "client_id": f"c{n}", "body": "hi"},
            {"type": "message.send", "room": room, "client_id": f"c{n}", "body": "hi"},
            {"type": "message.send", "room": room, "client_id": f"c{n}", "body": ""},
            {"type": "subscribe", "rooms": [{"room": room}]},
            {"type": "unsubscribe", "rooms": [room]},
            {"type": "read", "room": room, "seq": n},
            {"type": "read", "room": room, "seq": -1},
            {"type": "typing", "room": room, "active": True},
            {"type": "signal", "room": room, "name": "x", "data": n},
            {"type": "signal", "room": "x", "name": "x"},
            {"type": "auth", "token": ada.access if n % 2 else "x"},
            {"type": "nonsense"},
            {"type": "ping"},
        )
    ]
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for number, frame in enumerate(frames):
            await wire.send(frame | {"id": number})
        answers = {}
        while len(answers) < len(frames):
            frame = await wire.next()
            if "id" in frame:
                assert frame["id"] not in answers
                answers[frame["id"]] = frame["type"]
        await wire.send({"type": "ping", "id": "last"})
        assert (await wire.skip_to("pong"))["id"] == "last"
    kinds = [answers[number] for number in range(len(frames))]
    assert kinds == [
        kind
        for n in range(40)
        for kind in (
            "ack",
            "ack",
            "error",
            "ack",
            "ack",
            "ack",
            "error",
            "ack",
            "ack",
            "error",
            "ack" if n % 2 else "error",
            "error",
            "pong",
        )
    ]


async def test_unknown_fields_are_ignored(server, ada, room):
    more = {
        "x": 1,
        "seq_": {"deep": [[[]]]},
        "user": "x",
        "author": "x",
        "type_": "ping",
        "created_at": "2020-01-01",
    }
    async with await Wire.open(server.ws) as wire:
        await wire.send({"type": "auth", "id": 1, "token": ada.access, **more})
        await wire.skip_to("welcome")
        for frame in (
            {"type": "subscribe", "id": 2, "rooms": [{"room": room, **more}]},
            {"type": "message.send", "id": 3, "room": room, "client_id": "1", "body": "hi"},
            {"type": "read", "id": 4, "room": room, "seq": 1},
            {"type": "unsubscribe", "id": 5, "rooms": [room]},
        ):
            await wire.send(frame | more)
            assert (await wire.skip_to("ack"))["id"] == frame["id"]
        message = (await ada.history(room))[-1]
        assert (message["author"]["id"], message["created_at"][:4]) == (
            ada.user_id,
            message["created_at"][:4],
        )
        assert message["created_at"] > "2021"


async def test_no_method_or_message_of_ours_is_a_frame_type(server, ada):
    ours = (SocketConsumer, FrameReader, SocketRooms, Voice, Lifetime, Hub, Bus, Subscription, DirectOutbox)
    names = {name for each in ours for name, _ in inspect.getmembers(each)} | {
        "websocket.connect", "websocket.disconnect", "websocket.receive", "websocket.send", "websocket.close",
        "websocket_connect", "room.events", "user.memberships", "user.ended", "user.notice", "user.blocks", "room.hint", "process.beat", "room.kick",
        "http.request", "lifespan.shutdown", "_carry_out", "__class__", "__init__.__globals__", "welcome", "ack",
        "pong", "error", "subscribed", "unsubscribed", "notice", "message.created", "member.left", "", " ", "PING",
        "ping ", "message_send", "message", ".", "\x00", "é", "a" * 10_000,
    }  # fmt: skip
    names -= {*COMMANDS, "ping"}
    assert {
        "_connect",
        "dispatch",
        "ended",
        "__call__",
        "_say",
        "blocks_moved",
        "close_all",
        "_hear",
    } <= names
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for name in sorted(names):
            answer = await wire.ask({"type": name, "id": 1, "code": 1000, "room": "x", "user": ada.user_id})
            assert (answer["type"], answer["id"], answer["code"]) == ("error", 1, "unknown_type"), name
            assert name == "" or len(name) < 20 or name not in answer["detail"]
        assert await wire.ask({"type": "ping", "id": 2}) == {"type": "pong", "id": 2}


async def test_no_text_is_a_room_id_but_a_rooms_own(server, ada):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        ack = await wire.ask({"type": "subscribe", "id": 1, "rooms": [{"room": text} for text in ODD_ROOMS]})
        assert ack["data"]["rooms"] == [{"room": text, "code": "not_found"} for text in ODD_ROOMS]
        ack = await wire.ask(
            {"type": "subscribe", "id": 2, "rooms": "all", "since": dict.fromkeys(ODD_ROOMS, 1)}
        )
        assert ack["data"]["rooms"] == [{"room": text, "code": "not_found"} for text in ODD_ROOMS]
        for text in ODD_ROOMS:
            for frame in (
                {"type": "message.send", "id": 3, "room": text, "client_id": "1", "body": "hi"},
                {"type": "read", "id": 3, "room": text, "seq": 1},
            ):
                answer = await wire.ask(frame)
                assert (answer["type"], answer["id"], answer["code"]) == ("error", 3, "not_found"), repr(text)
        assert await wire.ask({"type": "unsubscribe", "id": 4, "rooms": ODD_ROOMS}) == {
            "type": "ack",
            "id": 4,
            "data": {},
        }
