"""What no client should send: B25 to B29 on the socket, the count of ten, and that nothing stays behind (A17)."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed

from gateway.runtime import runtime
from tests.daphne_server import seen
from tests.gateway.waiting import until
from tests.gateway.wire import Wire

NO_FRAMES = [
    "", " ", "x", "{", "}", "[]", "[{}]", '"ping"', "1", "null", "true", "{}", '{"id":1}', '{"type":1}', '{"type":null}',
    '{"type":["ping"]}', "{'type':'ping'}", '{"type":"ping"', '{"type":"ping"}x', '{"type":"ping",}', '\ufeff{"type":"ping"}',
    '{"type":"ping","id":NaN}', '{"type":"ping","x":Infinity}', '{"type":"ping","id":-Infinity}',
    '{"type":"ping","id":1e400}', '{"type":"ping","id":{"a":1e400}}', '{"type":"ping","id":{"a":[{"b":' + "1" * 5_000 + "}]}}",
    '{"type":"ping","id":' + "1" * 5_000 + "}", '{"type":"pi\x00ng"}', '{"type":"\\ud800"}',
    '{"type":"ping","id":01}', "[" * 100_000, '{"a":' * 20_000, "[" * 60_000 + "]" * 60_000,
    '{"type":"ping","id":' + "[" * 50_000 + "]" * 50_000 + "}", '{"type":"ping","x":' + "[" * 50_000 + "]" * 50_000 + "}",
    '{"type":"ping","x":' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "}",
]  # fmt: skip
INTEGERS = [
    "-1",
    str(2**63),
    str(10**30),
    "1" * 4_000,
    '"1e5"',
    '"1"',
    "true",
    "false",
    '""',
    "1.5",
    "1.0",
    "1e5",
    "[]",
    "{}",
]
NO_TEXT = [
    "",
    " ",
    "\n\t \u2003",
    "\u200b",
    " \u2060\ufeff",
    "\x00",
    "a\x00b",
    "a" * 8_001,
    "💥" * 8_001,
    "é" * 40_000,
]
TEXTS = [
    "hi", " hi ", "👩‍👩‍👧‍👦 🇳🇱 ☺️", "می‌خواهم", "\u202eabc", "a\u200bb", "Ω≈ç√", "a" * 8_000, "💥" * 8_000, "<img onerror=1>",
    "null", "{}", '"', "\\", "a\u2028b", "line\r\nline", "\x07", "\U0010ffff", "e\u0301",
]  # fmt: skip


async def test_ten_bad_frames_are_answered_and_the_eleventh_closes(server, ada):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for number in range(10):
            answer = await wire.ask(NO_FRAMES[number])
            assert (answer["type"], answer["id"], answer["code"]) == ("error", None, "invalid")
            assert await wire.ask({"type": "ping", "id": number}) == {"type": "pong", "id": number}
        await wire.send("x")
        frames, code = await wire.ends()
    assert code == 4400
    assert [(frame["id"], frame["code"]) for frame in frames] == [(None, "invalid"), (None, "bad_frames")]


HALVES = [
    ('{"type":"message.send","id":%s,"room":"r","client_id":"c","body":"cut \\ud83d"}', "body"),
    ('{"type":"subscribe","id":%s,"rooms":[{"room":"a"},{"room":"\\udc00"}]}', "rooms.1.room"),
    ('{"type":"ping","id":%s,"more":{"deep":[1,{"x":"\\ud800\\ud800"}]}}', "more.deep.1.x"),
]


async def test_a_text_cut_in_the_middle_of_an_emoji_is_an_error_with_its_id_and_no_bad_frame(server, ada):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for _ in range(5):
            for number, (frame, attr) in enumerate(HALVES):
                answer = await wire.ask(frame % number)
                assert (answer["id"], answer["code"]) == (number, "invalid"), frame
                [error] = answer["errors"]
                assert (error["attr"], error["code"]) == (attr, "bad_character")
        for more, attr in (("", "id"), ('"more":"\\ud800",', "more")):
            answer = await wire.ask('{"type":"ping",' + more + '"id":"\\ud800"}')
            assert (answer["id"], answer["errors"][0]["attr"]) == (None, attr)
        assert await wire.ask({"type": "ping", "id": 1}) == {"type": "pong", "id": 1}


async def test_ten_bad_frames_count_before_auth_too(server):
    async with await Wire.open(server.ws) as wire:
        for _ in range(11):
            await wire.send("x")
        frames, code = await wire.ends()
    assert (code, len(frames)) == (4400, 12)


async def test_bad_frames_of_more_than_a_minute_ago_are_forgotten(server, ada):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for _ in range(10):
            await wire.ask("x")

        async def a_minute_later():
            for local in runtime().hub._people.values():
                for consumer in local:
                    bad = consumer.reader._bad
                    bad.extend([at - 61 for at in bad])
                    for _ in range(10):
                        bad.popleft()

        server.call(a_minute_later())
        for number in range(10):
            await wire.ask("x")
            assert (await wire.ask({"type": "ping", "id": number}))["type"] == "pong"
        await wire.send("x")
        assert (await wire.ends())[1] == 4400


async def test_each_kind_of_bad_frame_is_told_and_costs_nobody_the_socket(settings, server, ada):
    settings.BAD_FRAMES_PER_MINUTE = 1_000
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for text in NO_FRAMES:
            answer = await wire.ask(text)
            assert (answer["type"], answer["id"], answer["code"]) == ("error", None, "invalid"), text[:50]
        assert await wire.ask({"type": "ping", "id": 1}) == {"type": "pong", "id": 1}


async def test_wrong_fields_and_unknown_types_are_no_bad_frames(settings, server, ada, room):
    settings.BAD_FRAMES_PER_MINUTE = 0
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for frame in (
            {"type": "nonsense", "id": 1},
            {"type": "subscribe", "id": 1},
            {"type": "subscribe", "id": 1, "rooms": "some"},
            {"type": "message.send", "id": 1, "room": room},
            {"type": "ping", "id": "a" * 65},
            {"type": "read", "id": 1, "room": room, "seq": "1"},
        ):
            assert (await wire.ask(frame))["type"] == "error"
        assert await wire.ask({"type": "ping", "id": 1}) == {"type": "pong", "id": 1}
        await wire.send("x")
        assert (await wire.ends())[1] == 4400


async def test_a_binary_frame_closes_with_1003(server, ada):
    for data in (b"", b'{"type":"ping"}', b"\xff\x00" * 1_000):
        async with await Wire.open(server.ws, ada.access) as wire:
            await wire.next()
            await wire.send(data)
            frames, code = await wire.ends()
        assert (code, [(frame["id"], frame["code"]) for frame in frames]) == (
            seen(1003),
            [(None, "unsupported_type")],
        )


async def test_a_frame_may_have_128_kib_and_not_a_byte_more(settings, server, ada):
    for filler in ("x", "é"):  # bytes count, not characters
        async with await Wire.open(server.ws, ada.access) as wire:
            await wire.next()
            frame = '{"type":"ping","id":1,"x":"%s"}'
            room_left = settings.FRAME_MAX_BYTES - len(frame) + 2
            text = frame % (filler * (room_left // len(filler.encode())))
            assert await wire.ask(text) == {"type": "pong", "id": 1}
            await wire.send(text + " " * (settings.FRAME_MAX_BYTES + 1 - len(text.encode())))
            assert (await wire.ends())[1] == seen(1009)


async def test_integers_are_plain_and_in_range(server, ada, room):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for value in INTEGERS:
            for attr, text in (
                ("seq", f'"type":"read","room":"{room}","seq":{value}'),
                ("rooms.0.since", f'"type":"subscribe","rooms":[{{"room":"{room}","since":{value}}}]'),
                ("max", f'"type":"subscribe","rooms":"all","max":{value}'),
                (f"since.{room}", f'"type":"subscribe","rooms":"all","since":{{"{room}":{value}}}'),
            ):
                answer = await wire.ask(f'{{"id":7,{text}}}')
                assert (answer["type"], answer["id"], answer["code"]) == ("error", 7, "invalid"), (
                    attr,
                    value,
                )
                assert answer["errors"][0]["attr"] == attr, answer
        for value in ("1e400", "-1e400", "1" * 5_000, "NaN", "Infinity"):
            answer = await wire.ask(f'{{"id":7,"type":"read","room":"{room}","seq":{value}}}')
            assert (answer["type"], answer["code"]) == ("error", "invalid"), value
        for value in (0, 2**31, 2**63 - 1):
            await wire.send({"type": "read", "id": 8, "room": room, "seq": value})
            ack = await wire.skip_to("ack")  # the notice of it may come first
            assert ack["data"]["last_read_seq"] <= 3
            await wire.send(
                {"type": "subscribe", "id": 8, "rooms": [{"room": room, "since": value}], "max": value}
            )
            ack = await wire.skip_to("ack")
            assert ack["data"]["rooms"][0]["resync"] in ("ahead", "too_far_behind")  # max 0 is none at all
            await wire.ask({"type": "unsubscribe", "id": 8, "rooms": [room]})


async def test_a_number_out_of_range_deep_in_data_is_an_error_of_the_field(server, ada, room):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        for number in ("1e400", "1" * 5_000):
            data = '{"a":{"b":[' + number + ']},"c":1}'
            for attr, fields in (
                ("data", '"type":"signal","name":"x"'),
                ("metadata", '"type":"message.send","client_id":"1","body":"x"'),
            ):
                answer = await wire.ask(f'{{"id":7,{fields},"room":"{room}","{attr}":{data}}}')
                assert (answer["type"], answer["id"], answer["code"]) == ("error", 7, "invalid"), answer
                assert [error["attr"].split(".")[0] for error in answer["errors"]] == [attr]


async def test_what_is_no_text_is_refused_and_every_script_is_taken(ada, bob, room, connect, server):
    reader = await connect(bob)
    await reader.request("subscribe", rooms=[{"room": room}])
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        send = {"type": "message.send", "room": room}
        for number, text in enumerate(NO_TEXT):
            answer = await wire.ask(send | {"id": number, "client_id": f"no-{number}", "body": text})
            assert (answer["type"], answer["id"], answer["code"]) == ("error", number, "invalid"), text[:20]
            assert [error["attr"] for error in answer["errors"]] == ["body"]
        answer = await wire.ask(f'{{"type":"message.send","room":"{room}","client_id":"s","body":"\\ud800"}}')
        assert (answer["id"], answer["code"]) == (None, "invalid")
        for number, text in enumerate(TEXTS):
            ack = await wire.ask(send | {"id": number, "client_id": f"yes-{number}", "body": text})
            assert ack["type"] == "ack", text
            assert ack["data"]["message"]["body"] == text.replace("e\u0301", "é")
    await reader.find(lambda frame: frame.get("seq") == 3 + len(TEXTS))
    assert [event["data"]["message"]["body"] for event in reader.events()] == [
        t.replace("e\u0301", "é") for t in TEXTS
    ]


async def test_client_ids_are_of_plain_characters(server, ada, room):
    async with await Wire.open(server.ws, ada.access) as wire:
        await wire.next()
        send = {"type": "message.send", "id": 1, "room": room, "body": "hi"}
        for text in ("", " ", "a b", "a\n", "é", "a/b", "a" * 65, "\x00", "💥", None, 1, True, ["a"]):
            answer = await wire.ask(send | {"client_id": text})
            assert (answer["code"], answer["errors"][0]["attr"]) == ("invalid", "client_id"), text
        for text in ("a", "A-Za-z0-9._:-", "a" * 64):
            assert (await wire.ask(send | {"client_id": text}))["type"] == "ack"


@pytest.mark.fault("a thousand sockets with frames that are none")
async def test_a_thousand_sockets_with_bad_frames_leave_nothing_behind(server, ada, room):
    assert await bad_frames(server, ada, room, 1_000) == []


async def bad_frames(server, ada, room, number, gone_s=10):
    """So many sockets: each says up to three things it should not, answers a ping all the same, and goes.

    What was not answered, closed or given back as it should be.
    """
    hub = server.runtime().hub

    async def standing():
        return len(hub._feeds), len(hub._people), len(asyncio.all_tasks())

    token, gate = ada.access, asyncio.Semaphore(40)
    kinds = [text for text in NO_FRAMES if len(text) < 10_000] + [
        f'{{"type":"read","room":"{room}","seq":{10**30}}}',
        f'{{"type":"message.send","room":"{room}","client_id":"1","body":"\\u0000"}}',
        f'{{"type":"message.send","room":"{room}\\n","client_id":"1","body":"x"}}',
        '{"type":"__class__"}',
        "[" * 5_000,
    ]
    wires, wrong = [], []

    async def one(index):
        async with gate:
            wire = await Wire.open(server.ws, token)
            wires.append(wire)
            assert (await wire.next())["type"] == "welcome"
            if index % 5 == 0:
                await wire.ask({"type": "subscribe", "id": 1, "rooms": [{"room": room}]})
            for extra in range(index % 3 + 1):
                answer = await wire.ask(kinds[(index * 3 + extra) % len(kinds)])
                if answer["type"] != "error" or answer["code"] == "internal_error":
                    wrong.append(f"answered by {answer}")
            if index % 100 == 0:  # B29, which closes
                await wire.send(b"\x00")
                code = (await wire.ends())[1]
                if code != seen(1003):
                    wrong.append(f"closed with {code}")

    async def tried(index):
        try:
            await one(index)
        except ConnectionClosed as closed:
            wrong.append(f"closed by {closed}")

    before = server.call(standing())
    await asyncio.gather(*(tried(index) for index in range(number)))
    open_ones = [wire for wire in wires if wire.connection.close_code is None]
    if len(open_ones) != number - len(range(0, number, 100)):
        wrong.append(f"{len(open_ones)} are open")
    if server.call(standing())[:2] != (1, 1):
        wrong.append("others' rooms or people are held")
    try:
        for wire in open_ones:
            await wire.send({"type": "ping", "id": 2})
        if [await wire.next() for wire in open_ones] != [{"type": "pong", "id": 2}] * len(open_ones):
            wrong.append("a ping was not answered")
    except ConnectionClosed as closed:
        wrong.append(f"closed by {closed}")
    for wire in open_ones:
        wire.connection.transport.abort()
    try:
        await until(
            lambda: all(now <= then for now, then in zip(server.call(standing()), before, strict=True)),
            f"back to {before}",
            gone_s,
        )
    except TimeoutError as error:
        wrong.append(f"left behind: {error}")
    return wrong
