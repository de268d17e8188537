"""`subscribe` to "all": every room of mine, and each I join later."""

from uuid import UUID, uuid4

from django.conf import settings

from gateway import socket_rooms
from gateway.runtime import runtime
from realtime.protocol import Ack, Position, Refused, Subscriptions, encode_frame
from rooms.selectors import places_of
from tests.gateway.inside import consumer_of
from tests.gateway.test_subscribe import kinds, say, seqs
from tests.gateway.waiting import in_database, until


async def subscribe_all(socket, **more):
    """The answers by room."""
    answers = (await socket.request("subscribe", rooms="all", **more))["rooms"]
    assert len({answer["room"] for answer in answers}) == len(answers)
    return {answer["room"]: answer for answer in answers}


async def test_all_is_every_room_of_mine_each_from_its_since_or_live(ada, bob, room, connect):
    other = (await ada.create_room("public"))["id"]
    await ada.create_room()
    bobs_own = (await bob.create_room())["id"]
    await bob.join(other)
    await say(ada, room, 3)
    socket = await connect(bob)
    answers = await subscribe_all(socket, since={room: 4}, epoch=socket.welcome["epoch"])
    assert answers == {
        room: {"room": room, "seq": 6, "resync": None, "already": False},
        other: {"room": other, "seq": 3, "resync": None, "already": False},
        bobs_own: {"room": bobs_own, "seq": 2, "resync": None, "already": False},
    }
    await say(ada, room, 1, start=4)
    await say(ada, other, 1)
    await socket.find(lambda frame: frame.get("room") == other)
    await socket.find(lambda frame: frame.get("seq") == 7)
    assert (seqs(socket, room), seqs(socket, other), seqs(socket, bobs_own)) == ([5, 6, 7], [4], [])


async def test_the_ack_also_lists_rooms_of_since_that_are_no_longer_mine(ada, bob, eve, room, connect):
    public = (await ada.create_room("public"))["id"]
    never = (await eve.create_room())["id"]
    await bob.join(public)
    await bob.leave(public)
    await ada.remove_member(room, bob.user_id)
    unknown = str(uuid4())
    answers = await subscribe_all(await connect(bob), since={room: 3, public: 2, unknown: 1, never: 1})
    assert answers == {
        public: {"room": public, "code": "not_a_member"},
        room: {"room": room, "code": "not_found"},
        never: {"room": never, "code": "not_found"},
        unknown: {"room": unknown, "code": "not_found"},
    }


async def test_all_again_and_rooms_subscribed_before_are_answered_already(ada, room, connect):
    socket = await connect(ada)
    await socket.request("subscribe", rooms=[{"room": room}])
    other = (await ada.create_room())["id"]
    answers = await subscribe_all(socket, since={room: 0})
    assert (answers[room]["already"], answers[other]["already"]) == (True, False)
    assert {answer["already"] for answer in (await subscribe_all(socket)).values()} == {True}
    await say(ada, room, 1)
    await socket.find(lambda frame: frame.get("seq") == 4)
    assert seqs(socket, room) == [4]


async def test_a_membership_that_moves_while_all_is_begun_takes_no_room_out_of_its_answer(
    server, ada, room, connect, monkeypatch
):
    await say(ada, room, 2)
    socket = await connect(ada)
    consumer, real, moved = consumer_of(server, ada), socket_rooms.places, []
    mine = await in_database(lambda: places_of([UUID(ada.user_id)])[UUID(ada.user_id)])

    async def move():
        consumer.memberships_moved()
        consumer.memberships_are(mine)
        await until(lambda: not consumer.rooms._looking, "it has looked, if it does")

    def places(**query):
        found = real(**query)
        if not moved:
            moved.append(query)
            server.call(move())
        return found

    monkeypatch.setattr(socket_rooms, "places", places)
    answers = await subscribe_all(socket, since={room: 3})
    assert answers[room] == {"room": room, "seq": 5, "resync": None, "already": False}
    await socket.find(lambda frame: frame.get("seq") == 5)
    assert seqs(socket, room) == [4, 5]
    assert "subscribed" not in kinds(socket)


async def test_max_and_epoch_hold_for_all_too(ada, room, connect):
    await say(ada, room, 3)
    for more, resync in (({"max": 2}, "too_far_behind"), ({"epoch": "another"}, "epoch"), ({"max": 3}, None)):
        answers = await subscribe_all(await connect(ada), since={room: 3}, **more)
        assert answers[room]["resync"] == resync, more


async def test_a_room_made_joined_or_added_to_later_begins_with_ones_own_joining(ada, bob, connect):
    socket = await connect(bob)
    assert await subscribe_all(socket) == {}
    added = (await ada.create_room())["id"]
    await say(ada, added, 2)
    await ada.add_member(added, bob.user_id)
    public = (await ada.create_room("public"))["id"]
    await bob.join(public)
    own = (await bob.create_room())["id"]
    for room, start in ((added, 4), (public, 2), (own, 1)):
        begun = await socket.find(
            lambda frame, room=room: (
                frame["type"] == "subscribed" and room in [place["room"] for place in frame["rooms"]]
            )
        )
        assert {"room": room, "seq": start, "resync": None} in begun.frame["rooms"]
        first = await socket.find(lambda frame, room=room: frame.get("room") == room)
        assert (first.frame["type"], first.frame["seq"]) == ("member.joined", start + 1)
        assert first.frame["data"]["member"]["user"]["id"] == bob.user_id
        assert socket.frames.index(begun) < socket.frames.index(first)
    await say(ada, added, 1, start=3)
    await socket.find(lambda frame: frame.get("seq") == 6)
    assert seqs(socket, added) == [5, 6]


async def test_an_unsubscribed_room_stays_out_of_all(server, ada, bob, room, connect):
    other = (await ada.create_room(members=[bob.user_id]))["id"]
    socket = await connect(bob)
    await subscribe_all(socket)
    await socket.request("unsubscribe", rooms=[room])
    later = (await ada.create_room(members=[bob.user_id]))["id"]  # bob's memberships moved
    await socket.find("subscribed")
    server.call(server.runtime().hub.check())
    await say(ada, room, 1)
    await say(ada, other, 1)
    await socket.find(lambda frame: "seq" in frame and frame["room"] == later)
    await socket.find(lambda frame: frame.get("room") == other)
    assert {frame["room"] for frame in socket.events()} == {other, later}
    # Until the client wants it again.
    assert (await socket.request("subscribe", rooms=[{"room": room, "since": 3}]))["rooms"][0][
        "already"
    ] is False
    await socket.find(lambda frame: frame.get("room") == room and frame.get("seq") == 4)


async def test_a_room_left_and_entered_again_under_all_begins_anew(ada, bob, room, connect):
    socket = await connect(bob)
    await subscribe_all(socket)
    for round_ in range(3):
        start = len(socket.frames)
        await ada.remove_member(room, bob.user_id)
        await say(ada, room, 1, start=round_)
        await ada.add_member(room, bob.user_id)
        await socket.find(lambda f: f["type"] == "member.joined" and f["room"] == room, start=start)
        assert kinds(socket, start) == ["member.left", "unsubscribed", "subscribed", "member.joined"]
    assert seqs(socket, room) == [4, 6, 7, 9, 10, 12]


async def test_a_joining_told_before_the_late_leaving_is_not_missed(
    settings, server, ada, bob, room, connect
):
    """The bus loses an event, so `member.left` waits for the log, while the memberships are looked at."""
    settings.HUB_GAP_GRACE_S = 0.4
    socket = await connect(bob)
    await subscribe_all(socket)

    async def lose_one():
        bus = runtime().hub.bus
        hear, lost = bus._on_message, []

        def deaf_once(message):
            if message["type"] == "room.events" and not lost:
                lost.append(message)
            else:
                hear(message)

        bus._on_message = deaf_once
        return lost

    lost = server.call(lose_one())
    await say(ada, room, 1)
    await bob.leave(room)
    await ada.add_member(room, bob.user_id)
    begun = await socket.find("subscribed", timeout_s=3)
    assert lost
    await socket.find(lambda frame: frame.get("seq") == 6, timeout_s=3)
    assert kinds(socket, 2) == [
        "message.created", "member.left", "unsubscribed", "subscribed", "member.joined",
    ]  # fmt: skip
    assert begun.frame["rooms"] == [{"room": room, "seq": 5, "resync": None}]


async def test_a_room_for_which_there_is_no_place_is_told_and_begun_when_there_is(
    settings, ada, bob, connect
):
    settings.SOCKET_MAX_ROOMS = 2
    for _ in range(2):
        await bob.create_room()
    socket = await connect(bob)
    first, second = await subscribe_all(socket)
    third = (await ada.create_room(members=[bob.user_id]))["id"]
    refused = await socket.find("error")
    assert (refused.frame["id"], refused.frame["code"]) == (None, "too_many_rooms")
    seen = len(socket.frames)
    fourth = (await ada.create_room(members=[bob.user_id]))["id"]
    await socket.find("error", start=seen)
    await socket.request("unsubscribe", rooms=[first])
    begun = await socket.find("subscribed")
    assert [place["room"] for place in begun.frame["rooms"]] == [third]
    seen = len(socket.frames)
    await socket.request("unsubscribe", rooms=[second])
    begun = await socket.find("subscribed", start=seen)
    assert [place["room"] for place in begun.frame["rooms"]] == [fourth]


async def test_the_ack_of_as_many_rooms_as_one_may_be_in_fits_into_what_a_socket_may_owe():
    """Beside as many of `since` that are no longer mine as a frame can hold."""
    mine = [Position(uuid4(), 10**9, "too_far_behind", already=True)] * 5_000
    gone = [Refused(str(uuid4()), "not_a_member")] * (settings.FRAME_MAX_BYTES // 40)
    ack = encode_frame(Ack("x" * 64, Subscriptions([*mine, *gone])))
    assert len(ack) < settings.SOCKET_QUEUE_MAX_BYTES
