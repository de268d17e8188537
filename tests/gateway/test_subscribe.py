"""`subscribe` and `unsubscribe`: positions, replay, what cannot be replayed, limits."""

import asyncio
from uuid import uuid4

import pytest

from rooms.models import Room
from rooms.selectors import new_epoch
from tests.client.socket import Refused
from tests.daphne_server import seen
from tests.gateway.waiting import in_database


async def say(rest, room, count, start=1):
    """`count` messages, one after the other."""
    for number in range(start, start + count):
        await rest.send(room, f"c{number}", f"message {number}")


def seqs(socket, room):
    return [event["seq"] for event in socket.events(room)]


def kinds(socket, start=0):
    """The types of its frames but for notices, which are hints and come when they like."""
    return [r.frame["type"] for r in socket.frames[start:] if r.frame["type"] != "notice"]


async def subscribe(socket, *rooms, **more):
    """The answers, in the order asked; a room is an id or (id, since)."""
    asked = [{"room": r} if isinstance(r, str) else {"room": r[0], "since": r[1]} for r in rooms]
    return (await socket.request("subscribe", rooms=asked, **more))["rooms"]


async def test_the_ack_names_the_head_and_only_live_events_follow(ada, room, connect):
    await say(ada, room, 4)
    socket = await connect(ada)
    assert await subscribe(socket, room) == [{"room": room, "seq": 7, "resync": None, "already": False}]
    await say(ada, room, 2, start=5)
    await socket.find(lambda frame: frame.get("seq") == 9)
    assert seqs(socket, room) == [8, 9]


async def test_with_since_what_was_missed_comes_first_and_is_what_live_readers_got(ada, bob, room, connect):
    live = await connect(bob)
    await subscribe(live, (room, 0))
    await say(ada, room, 5)
    late = await connect(bob)
    assert await subscribe(late, (room, 2)) == [{"room": room, "seq": 8, "resync": None, "already": False}]
    await say(ada, room, 1, start=6)
    for socket in (live, late):
        await socket.find(lambda frame: frame.get("seq") == 9)
    assert seqs(live, room) == list(range(1, 10))
    assert late.events(room)[1:] == live.events(room)[3:]
    assert late.events(room)[0]["type"] == "member.joined"


async def test_replay_becomes_live_without_a_gap_while_others_send(settings, ada, bob, room, connect):
    settings.REPLAY_PAGE_EVENTS = 7
    sender = await connect(ada)
    count = 300
    asks = [
        await sender.ask("message.send", room=room, client_id=f"c{n}", body=f"{n}") for n in range(count // 3)
    ]
    readers = []
    for n in range(count // 3, count):
        asks.append(await sender.ask("message.send", room=room, client_id=f"c{n}", body=f"{n}"))
        if n % 40 == 0:
            readers.append((await connect(bob), n % 3))
            await readers[-1][0].ask("subscribe", rooms=[{"room": room, "since": n % 3}])
    await asyncio.gather(*asks)
    assert len(readers) == 5
    for socket, since in readers:
        await socket.find(lambda frame: frame.get("seq") == count + 3)
        assert seqs(socket, room) == list(range(since + 1, count + 4))
        acked = next(i for i, r in enumerate(socket.frames) if r.frame["type"] == "ack")
        assert all("seq" not in received.frame for received in socket.frames[:acked])


async def test_subscribing_again_answers_the_position_and_replays_nothing(ada, room, connect):
    socket = await connect(ada)
    await subscribe(socket, room)
    await say(ada, room, 2)
    await socket.find(lambda frame: frame.get("seq") == 5)
    assert await subscribe(socket, (room, 0)) == [{"room": room, "seq": 5, "resync": None, "already": True}]
    again = await subscribe(socket, (room, 99), room, epoch="another")
    assert again == [{"room": room, "seq": 5, "resync": None, "already": True}] * 2
    await say(ada, room, 1, start=3)
    await socket.find(lambda frame: frame.get("seq") == 6)
    assert seqs(socket, room) == [4, 5, 6]


async def test_a_room_twice_in_one_frame_is_subscribed_once(ada, room, connect):
    socket = await connect(ada)
    first, second = await subscribe(socket, (room, 1), (room, 0))
    assert (first["already"], first["seq"]) == (False, 3)
    assert second["already"] is True
    await say(ada, room, 1)
    await socket.find(lambda frame: frame.get("seq") == 4)
    assert seqs(socket, room) == [2, 3, 4]


async def test_each_room_is_answered_in_the_order_asked_with_why_not(ada, eve, room, connect):
    public = (await ada.create_room("public"))["id"]
    unknown = str(uuid4())
    socket = await connect(eve)
    assert await subscribe(socket, unknown, room, public, "nonsense") == [
        {"room": unknown, "code": "not_found"},
        {"room": room, "code": "not_found"},
        {"room": public, "code": "not_a_member"},
        {"room": "nonsense", "code": "not_found"},
    ]
    assert await subscribe(socket) == []


async def test_no_more_rooms_than_may_be_in_a_frame(settings, ada, room, connect):
    socket = await connect(ada)
    many = [str(uuid4()) for _ in range(500)]
    assert {answer["code"] for answer in await subscribe(socket, *many)} == {"not_found"}
    with pytest.raises(Refused) as refused:
        await subscribe(socket, *many, room)
    assert refused.value.code == "invalid"
    assert [error["attr"] for error in refused.value.frame["errors"]] == ["rooms"]
    await say(ada, room, 1)
    assert (await subscribe(socket, room))[0]["already"] is False  # nothing of the refused frame was done


async def test_no_more_rooms_than_a_socket_may_have(settings, ada, connect):
    settings.SOCKET_MAX_ROOMS = 2
    a, b, c, d = [(await ada.create_room())["id"] for _ in range(4)]
    socket = await connect(ada)
    answers = await subscribe(socket, a, b, c)
    assert [answer.get("code") for answer in answers] == [None, None, "too_many_rooms"]
    assert (await subscribe(socket, a, d))[0]["already"] is True
    await socket.request("unsubscribe", rooms=[a])
    assert [answer.get("code") for answer in await subscribe(socket, c, d)] == [None, "too_many_rooms"]
    everything = await connect(ada)
    answers = (await everything.request("subscribe", rooms="all"))["rooms"]
    assert sorted(answer.get("code", "") for answer in answers) == [
        "",
        "",
        "too_many_rooms",
        "too_many_rooms",
    ]


async def test_more_missed_than_wanted_or_allowed_is_too_far_behind(settings, ada, room, connect):
    await say(ada, room, 7)  # the head is 10
    for limit, most, since, resync in (
        (5_000, None, 0, None),
        (5_000, 10, 0, None),
        (5_000, 9, 0, "too_far_behind"),
        (5_000, 0, 9, "too_far_behind"),
        (5_000, 0, 10, None),
        (9, None, 0, "too_far_behind"),
        (9, 100, 0, "too_far_behind"),
        (9, None, 1, None),
        (9, 5_000, 1, None),
        (5_000, None, 11, "ahead"),
        (5_000, 0, 2**63 - 1, "ahead"),
    ):
        settings.REPLAY_MAX_EVENTS = limit
        socket = await connect(ada)
        [answer] = await subscribe(socket, (room, since), max=most)
        assert answer == {"room": room, "seq": 10, "resync": resync, "already": False}, (limit, most, since)
        await socket.request("ping")
        if resync is None and since < 10:
            await socket.find(lambda frame: frame.get("seq") == 10)
        assert seqs(socket, room) == ([] if resync else list(range(since + 1, 11)))
        await socket.close()


async def test_after_a_resync_the_subscription_stands_at_the_head(ada, room, connect):
    socket = await connect(ada)
    assert (await subscribe(socket, (room, 50)))[0]["resync"] == "ahead"
    await say(ada, room, 1)
    await socket.find(lambda frame: frame.get("seq") == 4)
    assert seqs(socket, room) == [4]


async def test_what_a_frame_may_replay_goes_to_its_first_rooms(settings, ada, connect):
    settings.REPLAY_MAX_EVENTS_PER_FRAME = 7
    rooms = [(await ada.create_room())["id"] for _ in range(4)]  # each log stands at 2
    for room in rooms:
        await say(ada, room, 2)  # … at 4
    socket = await connect(ada)
    answers = await subscribe(socket, (rooms[0], 0), (rooms[1], 0), (rooms[2], 1), (rooms[3], 4))
    assert [answer["resync"] for answer in answers] == [None, "too_far_behind", None, None]
    await socket.find(lambda frame: frame.get("room") == rooms[2] and frame.get("seq") == 4)
    assert [seqs(socket, room) for room in rooms] == [[1, 2, 3, 4], [], [2, 3, 4], []]
    assert (await subscribe(await connect(ada), (rooms[1], 0)))[0][
        "resync"
    ] is None  # the next frame has its own


async def test_a_pruned_log_is_replayed_from_its_first_event_on(ada, room, connect):
    await say(ada, room, 5)
    await in_database(lambda: Room.objects.filter(id=room).update(first_seq=5))
    for since, resync in ((3, "too_far_behind"), (4, None)):
        socket = await connect(ada)
        assert (await subscribe(socket, (room, since)))[0]["resync"] == resync
    await socket.find(lambda frame: frame.get("seq") == 8)
    assert seqs(socket, room) == [5, 6, 7, 8]


async def test_another_epoch_refuses_every_since_and_nothing_else(ada, room, connect):
    socket = await connect(ada)
    other = (await ada.create_room())["id"]
    answers = await subscribe(socket, (room, 1), other, epoch="another")
    assert [answer["resync"] for answer in answers] == ["epoch", None]
    assert seqs(socket, room) == []
    again = await connect(ada)
    assert (await subscribe(again, (room, 2), epoch=again.welcome["epoch"]))[0]["resync"] is None
    await again.find(lambda frame: frame.get("seq") == 3)


async def test_a_restored_database_closes_all_sockets_with_1012(server, ada, bob, room, connect):
    hub = server.runtime().hub
    sockets = [await connect(ada), await connect(bob), await connect(bob, room=room)]
    server.call(hub.check())
    await sockets[0].request("ping")
    epoch = await in_database(new_epoch)
    server.call(hub.check())
    for socket in sockets:
        ending = await socket.wait_closed()
        assert (ending.code, ending.why) == (seen(1012), "restarting")
    socket = await connect(ada)
    assert socket.welcome["epoch"] == epoch
    answers = await subscribe(socket, (room, 1), epoch=sockets[0].welcome["epoch"])
    assert answers[0]["resync"] == "epoch"


async def test_after_the_ack_of_unsubscribe_no_frame_of_the_room_follows(settings, ada, bob, room, connect):
    """Once in the midst of live traffic, once in the midst of a replay."""
    settings.REPLAY_PAGE_EVENTS = 5
    other = (await ada.create_room(members=[bob.user_id]))["id"]
    sender, reader = await connect(ada), await connect(bob)
    await subscribe(reader, room, other)
    over = asyncio.Event()

    async def traffic():
        """Until some went out that are not for the reader, and then enough for many pages."""
        number = 0
        while not over.is_set() or number % 300:
            await sender.request("message.send", room=room, client_id=f"c{number}", body=f"{number}")
            number += 1
        return number

    sending = asyncio.create_task(traffic())
    await reader.find(lambda frame: frame.get("room") == room)
    assert await reader.request("unsubscribe", rooms=[room, "nonsense", str(uuid4())]) == {}
    end = len(reader.frames)
    over.set()
    sent = await sending
    [answer] = await subscribe(reader, (room, 3))
    assert answer == {"room": room, "seq": 3 + sent, "resync": None, "already": False}
    await reader.find(lambda frame: frame.get("room") == room, start=end)
    middle = len(reader.frames)
    await reader.request("unsubscribe", rooms=[room])
    stop = next(i for i in range(middle, len(reader.frames)) if reader.frames[i].frame["type"] == "ack")
    await sender.request("message.send", room=room, client_id="last", body="unseen")
    await sender.request("message.send", room=other, client_id="last", body="seen")
    await reader.find(lambda frame: frame.get("room") == other)
    kinds = [r.frame["type"] for r in reader.frames[end:]]
    assert [r.frame["room"] for r in reader.frames[stop + 1 :]] == [other]
    assert kinds.count("ack") == 2
    first = [r.frame["seq"] for r in reader.frames[:end] if r.frame.get("room") == room]
    second = [r.frame["seq"] for r in reader.frames[end:] if r.frame.get("room") == room]
    assert first == list(range(4, 4 + len(first)))
    assert second == list(range(4, 4 + len(second)))
    assert len(first) < sent
    assert len(second) < sent
    await reader.request("unsubscribe", rooms=[room])  # what is not subscribed is not missed


@pytest.mark.parametrize("most", [1, 20_000, 60_000])
async def test_a_replay_of_long_texts_is_read_in_small_pages_and_is_whole(settings, ada, room, connect, most):
    settings.REPLAY_PAGE_BYTES = most
    for number in range(30):
        await ada.send(room, f"c{number}", "🙂" * (1_000 if number % 10 else 1))
    socket = await connect(ada)
    await subscribe(socket, (room, 0))
    await socket.find(lambda frame: frame.get("seq") == 33)
    assert seqs(socket, room) == list(range(1, 34))
