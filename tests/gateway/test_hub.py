"""The hub on the real server: people come and go, and what the bus does wrong is made good from the log."""

import asyncio
from uuid import UUID, uuid4

from django.db import OperationalError

from gateway import socket_rooms
from gateway.runtime import runtime
from realtime import groups
from realtime.publish import publisher
from tests.gateway.inside import consumer_of
from tests.gateway.test_subscribe import say, seqs, subscribe
from tests.gateway.waiting import until


class Visitor:
    """As the hub knows a socket."""

    follows_memberships = False
    api_token = None

    def __init__(self, user_id):
        self.user_id = user_id
        self.credential_id = uuid4()
        self.over = asyncio.Event()

    def ended(self, code):
        self.over.set()


async def test_whoever_comes_back_the_moment_they_leave_is_still_told(server):
    async def story():
        hub, user_id = runtime().hub, uuid4()
        first, second = Visitor(user_id), Visitor(user_id)
        await hub.arrive(first)
        hub.depart(first)
        await hub.arrive(second)
        for _ in range(20):  # what the leaving began has run
            await asyncio.sleep(0)
        end = {
            "type": "user.ended", "user": user_id.hex, "credentials": [second.credential_id.hex],
            "code": "session_ended",
        }  # fmt: skip
        for _ in range(20):  # Redis confirms a subscription late
            publisher.put(groups.user(user_id), end)
            try:
                await asyncio.wait_for(second.over.wait(), 0.1)
                break
            except TimeoutError:
                continue
        hub.depart(second)
        return second.over.is_set()

    assert server.call(story())


async def test_who_left_before_their_first_check_takes_nobody_elses(server):
    """A check begins a turn of the loop after it was said whom it is for."""

    async def story():
        hub, here = runtime().hub, Visitor(uuid4())
        await hub.arrive(here)
        await hub._compare((), (uuid4(), here.user_id))
        hub.depart(here)
        return here.over.is_set()

    assert server.call(story()), "a session there never was has ended"


async def test_whoever_goes_while_a_room_is_entered_holds_nothing(server, monkeypatch):
    async def story():
        hub = runtime().hub
        asked = asyncio.Event()

        async def join(group):
            asked.set()
            await asyncio.sleep(0.05)

        monkeypatch.setattr(hub.bus, "join", join)
        entering = asyncio.create_task(hub.enter([uuid4(), uuid4()]))
        await asked.wait()
        assert len(hub._feeds) == 2
        entering.cancel()
        await asyncio.gather(entering, return_exceptions=True)
        return len(hub._feeds)

    assert server.call(story()) == 0


async def test_one_subscription_of_the_bus_serves_all_sockets_and_goes_with_the_last(
    server, ada, bob, room, connect
):
    hub = server.runtime().hub
    group = groups.room(UUID(room))
    sockets = [await connect(who) for who in (ada, ada, bob)]
    for socket in sockets:
        await subscribe(socket, room)
    assert group in hub.bus._joined
    [feed] = hub._feeds.values()
    await until(lambda: len(feed.live) == feed.holders == 3, "all are live: just after their acks")
    await sockets[0].request("unsubscribe", rooms=[room])
    await sockets[1].close()
    await until(lambda: feed.holders == 1, "one holder")
    assert (group in hub.bus._joined, len(hub._people)) == (True, 2)
    await sockets[2].abort()
    await until(lambda: not hub._feeds and group not in hub.bus._joined, "the feed is gone")
    await until(lambda: len(hub._people) == 1, "bob is gone")
    await say(ada, room, 1)
    await subscribe(sockets[0], (room, 3))
    await sockets[0].find(lambda frame: frame.get("seq") == 4)


async def test_what_the_bus_loses_repeats_and_turns_round_reaches_everybody_once_in_order(
    server, ada, bob, room, connect
):
    """A third of the messages is lost, the rest comes late, reversed and twice."""

    async def break_the_bus():
        bus = runtime().hub.bus
        hear, held, counts = bus._on_message, [], {"lost": 0, "late": 0}

        def worse(message):
            if message["type"] != "room.events":
                hear(message)
            elif (counts["lost"] + counts["late"]) % 3 == 0:
                counts["lost"] += 1
            else:
                counts["late"] += 1
                held.append(message)
                if len(held) == 4:
                    for late in [*reversed(held), *held]:
                        hear(late)
                    held.clear()

        bus._on_message = worse
        return counts

    counts = server.call(break_the_bus())
    readers = [await connect(who) for who in (ada, bob, bob)]
    await subscribe(readers[0], room)
    await subscribe(readers[1], (room, 0))
    sender = await connect(ada)
    for number in range(60):
        await sender.request("message.send", room=room, client_id=f"c{number}", body="hi")
        if number == 30:
            await subscribe(readers[2], (room, 2))
    server.call(server.runtime().hub.check())
    for reader, since in zip(readers, (3, 0, 2), strict=True):
        await reader.find(lambda frame: frame.get("seq") == 63)
        assert seqs(reader, room) == list(range(since + 1, 64))
    assert counts["lost"] >= 5
    assert counts["late"] >= 10


async def test_a_look_at_the_memberships_that_fails_is_made_again_by_the_next_check(
    monkeypatch, server, ada, bob, room, connect
):
    socket = await connect(bob)
    await socket.request("subscribe", rooms="all")
    failed = []

    def fail(user_ids):
        failed.append(user_ids)
        raise OperationalError("gone")

    with monkeypatch.context() as broken:
        broken.setattr(socket_rooms, "places_of", fail)
        later = (await ada.create_room(members=[bob.user_id]))["id"]
        await until(lambda: failed, "the look has failed")
        await until(lambda: not consumer_of(server, bob).rooms._looking, "the look has ended")
    server.call(server.runtime().hub.check())
    begun = await socket.find("subscribed")
    assert [place["room"] for place in begun.frame["rooms"]] == [later]
