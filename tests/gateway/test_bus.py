"""The bus on its bad days: garbage (B39), memberships it forgets (A18), silence (A19)."""

import asyncio
import copy
import time
from uuid import UUID

import pytest
import redis.asyncio
from channels.layers import get_channel_layer
from django.conf import settings as configured

from gateway.runtime import runtime
from realtime import groups
from realtime.publish import publisher
from tests.gateway.test_subscribe import say, seqs, subscribe
from tests.gateway.waiting import until
from tests.live import LiveServer

ON_REDIS = bool(configured.REDIS_URL)
PREFIX = configured.CHANNEL_LAYERS["default"]["CONFIG"].get("prefix")


@pytest.fixture
def server(transactional_db, settings):
    """Here each test has its own: they differ in the layer and the periods a server starts with."""
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    live = LiveServer()
    live.start()
    yield live
    live.stop()


def room_events(server):
    """A list that gets every `room.events` message that this process hears over the bus from now on."""

    async def listen():
        bus, heard = runtime().hub.bus, []
        hear = bus._on_message

        def hearing(message):
            if message.get("type") == "room.events":
                heard.append(message)
            hear(message)

        bus._on_message = hearing
        return heard

    return server.call(listen())


def as_from_another_process(monkeypatch):
    monkeypatch.setattr(publisher, "_here", None)
    monkeypatch.setattr(publisher, "_alone", False)
    monkeypatch.setattr(publisher, "_origin", "another")


async def test_garbage_on_the_bus_is_ignored(server, ada, room, connect):
    socket = await connect(ada)
    await subscribe(socket, room)
    hexed = UUID(room).hex
    garbage = [
        {"type": "room.events"},
        {"type": "room.events", "room": "zz", "events": []},
        {"type": "room.events", "room": room, "events": None},
        {"type": "room.events", "room": hexed, "events": [[1]]},
        {"type": "room.events", "room": hexed, "events": [["x", "y", "", ""]]},
        {"type": "room.events", "room": hexed, "events": [[4, "{}", "nobody", ""]]},
        {"type": "room.events", "room": 7, "events": 7},
        {"type": "user.memberships"},
        {"type": "user.memberships", "user": "x"},
        {"type": "user.ended", "user": UUID(ada.user_id).hex},
        {"type": "user.ended", "user": UUID(ada.user_id).hex, "credentials": ["x"], "code": "session_ended"},
        {"type": "room.hint", "room": "x"},
        {"type": "user.notice", "user": UUID(ada.user_id).hex},
        {"type": "websocket.disconnect"},
        {"type": "__class__"},
        {"type": ["room.events"]},
        {"no": "type"},
    ]

    async def publish():
        layer = get_channel_layer()
        for group in (groups.room(UUID(room)), groups.user(UUID(ada.user_id))):
            for message in garbage:
                await layer.group_send(group, message)
        if ON_REDIS:  # bytes that no layer wrote
            channel = f"{PREFIX}__group__{groups.room(UUID(room))}"
            async with redis.asyncio.from_url(configured.REDIS_URL) as client:
                for data in (b"", b"\xc1", b"x", b"\x00" * 1_000, b"\xdf\xff\xff\xff\xff", b"\x93\x01"):
                    assert await client.publish(channel, data)

    server.call(publish())
    await say(ada, room, 3)
    await socket.find(lambda frame: frame.get("seq") == 6)
    assert seqs(socket, room) == [4, 5, 6]
    await ada.log_out()
    assert (await socket.wait_closed()).code == 4403  # what is no garbage is still heard


@pytest.fixture
def forgetful_layer(settings):
    """The in-memory layer, whose group memberships end a second or two after joining."""
    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "channels.layers.InMemoryChannelLayer",
            "CONFIG": {"capacity": 10_000, "expiry": 60, "group_expiry": 1},
        }
    }
    settings.HUB_CHECK_S = settings.HUB_CHECK_BUS_DOWN_S = 0.3


@pytest.mark.fault("the layer in memory forgets memberships")
@pytest.mark.parametrize("refreshed", [True, False])
async def test_a_socket_older_than_the_layers_memberships_still_hears_the_bus(
    refreshed, forgetful_layer, server, ada, room, connect, monkeypatch
):
    """And the twin: without the hub's refreshing the bus is deaf, and only the log is left."""
    hub = server.runtime().hub
    as_from_another_process(monkeypatch)
    layer = get_channel_layer()
    group = groups.room(UUID(room))
    if not refreshed:
        monkeypatch.setattr(hub.bus, "refresh", nothing)
    socket = await connect(ada)
    await subscribe(socket, room)
    heard = room_events(server)

    def joined_at():
        return next(iter(copy.copy(layer.groups.get(group, {})).values()), None)

    first = joined_at()
    if refreshed:  # by more than any membership lasts
        await until(lambda: (joined_at() or 0) - first > 2.1, "the membership renewed")
    else:
        await until(
            lambda: joined_at() is None, "the membership forgotten, as the layer sweeps at each message"
        )
    await say(ada, room, 1)
    await socket.find("message.created")
    assert seqs(socket, room) == [4]
    assert len(heard) == (1 if refreshed else 0)


@pytest.fixture
def checked_often(settings):
    settings.HUB_CHECK_S = settings.HUB_CHECK_BUS_DOWN_S = 0.3


@pytest.mark.parametrize("refreshed", [True, pytest.param(False, marks=pytest.mark.slow)])
async def test_memberships_that_the_layer_forgot_are_back_with_the_next_refresh(
    refreshed, checked_often, server, ada, room, connect, monkeypatch
):
    """As after a day's expiry, of which the pub/sub layer has none; and the twin without the hub's refreshing."""
    hub = server.runtime().hub
    as_from_another_process(monkeypatch)
    if not refreshed:
        monkeypatch.setattr(hub.bus, "refresh", nothing)
    socket = await connect(ada)
    await subscribe(socket, room)
    heard = room_events(server)
    await until(lambda: not hub.bus.failing, "the bus works")
    await forget_memberships(server)
    if refreshed:
        await until(lambda: server.call(listening(room)), "the membership is back")
    else:
        await until(lambda: hub.bus.failing, "not even its own heartbeat is heard")
        assert not server.call(listening(room))
    await say(ada, room, 1)
    await socket.find("message.created")
    assert seqs(socket, room) == [4]
    assert len(heard) == (1 if refreshed else 0)


async def nothing():
    return None


async def forget_memberships(server):
    """The layer and its store have none left; the line to Redis stays."""

    async def forget():
        layer = get_channel_layer()
        if not ON_REDIS:
            layer.groups.clear()
            return
        own = layer._get_layer()
        known = tuple(own.groups)
        own.groups.clear()
        for group in known:
            await own._get_shard(group).unsubscribe(group)

    server.call(forget())


async def listening(room):
    """Whether what is said to the group of the room gets to this process."""
    layer, group = get_channel_layer(), groups.room(UUID(room))
    if not ON_REDIS:
        return bool(layer.groups.get(group))
    async with redis.asyncio.from_url(configured.REDIS_URL) as client:
        [(_, number)] = await client.pubsub_numsub(f"{PREFIX}__group__{group}")
    return number > 0


@pytest.fixture
def silent_bus(settings):
    """Nothing is said over the bus unless there is something to say, and nobody looks into the log."""
    settings.BUS_HEARTBEAT_S = settings.HUB_CHECK_S = settings.HUB_CHECK_BUS_DOWN_S = 3_600
    settings.HUB_FIRST_CHECK_S = 3_600


@pytest.mark.fault("nothing is said")
@pytest.mark.slow
@pytest.mark.parametrize("idle_s", [6, 30])
async def test_idle_sockets_stay_open_and_are_heard_when_the_bus_was_silent(
    idle_s, silent_bus, server, ada, bob, room, connect, monkeypatch
):
    """redis-py 8 gives up on a silent connection after 5 s."""
    as_from_another_process(monkeypatch)
    found = await after_silence(asyncio.sleep(idle_s), server, ada, bob, room, connect)
    assert found == {"closed": 0, "heard": 1, "told": 3}


async def after_silence(silence, server, ada, bob, room, connect, within_s=10):
    """Of three sockets: how many `silence` closed, and how many a message reached then, of how many by the bus."""
    sockets = [await connect(who) for who in (ada, bob, bob)]
    for socket in sockets:
        await subscribe(socket, room)
    heard = room_events(server)
    await silence
    closed = sum(socket.ending is not None for socket in sockets)
    await say(ada, room, 1)
    told = await asyncio.gather(
        *(socket.find("message.created", timeout_s=within_s) for socket in sockets), return_exceptions=True
    )
    return {
        "closed": closed,
        "heard": len(heard),
        "told": sum(not isinstance(each, BaseException) for each in told),
    }


async def test_a_process_that_stood_still_does_not_call_the_bus_failing(server, settings, caplog):
    async def stand_still():
        bus = runtime().hub.bus
        await until(lambda: not bus.failing, "the bus works")
        caplog.clear()
        for _ in range(3):
            time.sleep(4 * settings.BUS_HEARTBEAT_S)  # noqa: ASYNC251 - the loop is to stand still
            await asyncio.sleep(settings.BUS_HEARTBEAT_S / 4)
        await asyncio.sleep(settings.BUS_HEARTBEAT_S)
        return bus.failing

    assert server.call(stand_still()) is False
    assert "bus: failing" not in caplog.text


async def test_sends_of_this_process_are_delivered_without_the_bus_and_once_with_it(
    settings, server, ada, bob, room, connect, monkeypatch
):
    settings.HUB_CHECK_S = 60
    sent = []

    async def lose(gathered):
        sent.extend(one for one in gathered if one[1]["type"] == "room.events")

    socket = await connect(bob)
    await subscribe(socket, room)
    await say(ada, room, 3)
    await socket.find(lambda frame: frame.get("seq") == 6)
    monkeypatch.setattr(publisher, "_send", lose)
    await say(ada, room, 3, start=4)
    await socket.find(lambda frame: frame.get("seq") == 9)
    if ON_REDIS:
        await until(lambda: len(sent) >= 3, "they are given to the bus, which need not be before")
    assert len(sent) == (
        3 if ON_REDIS else 0
    )  # the layer in memory is this process's alone: nobody else hears it
    assert seqs(socket, room) == list(range(4, 10))


async def test_what_gathered_goes_to_redis_in_one_pipeline_and_arrives_in_order(settings):
    if not settings.REDIS_URL:
        layer = get_channel_layer()
        assert not hasattr(layer, "group_send_many")  # in memory there is no round trip to save
        return
    layer = get_channel_layer()
    channel = await layer.new_channel()
    for number in range(5):
        await layer.group_add(f"g{number}", channel)
    await layer.group_send_many([(f"g{number % 6}", {"type": "x", "number": number}) for number in range(60)])
    expected = [number for number in range(60) if number % 6 != 5]
    assert [(await layer.receive(channel))["number"] for _ in expected] == expected
    await layer.flush()
