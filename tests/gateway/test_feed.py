"""Whatever the bus does with a room's events, every subscriber gets each once, in order (generated cases).

The log is a list here, and nothing else is made up: the real feed, subscriptions and event loop.
"""

import asyncio
import random
from unittest import mock
from uuid import UUID

import pytest
from django.db import OperationalError
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.feed import RoomFeed
from gateway.subscription import Subscription
from realtime.publish import RoomEvent, read_room_message, room_message

ROOM, ADA, EVE = UUID(int=1), UUID(int=2), UUID(int=3)
AT_ONCE = {"HUB_GAP_GRACE_S": 0, "REPLAY_PAGE_EVENTS": 3}


class Log:
    """The room's committed events, and a pool that reads them; each `True` in `trouble` is a read that fails."""

    def __init__(self, trouble=()):
        self.events: list[RoomEvent] = []
        self.reads = 0
        self._trouble = list(trouble)

    def append(self, *, left=None):
        seq = len(self.events) + 1
        self.events.append(RoomEvent(seq, f"event {seq}", left, "removed" if left else ""))

    async def read(self, work):
        await asyncio.sleep(0)  # the answer is of this moment, and comes later
        self.reads += 1
        if self._trouble and self._trouble.pop():
            raise OperationalError("gone")
        found = work()
        await asyncio.sleep(0)
        return found

    def page(self, room_id, after, limit, max_bytes):
        assert room_id == ROOM
        return self.events[after : after + limit]


class Outbox:
    """Keeps what it is given; counts what does not count towards the bound."""

    closing = False
    full = True

    def __init__(self):
        self.frames: list[str] = []
        self.uncounted = 0

    def put(self, frame, *, counted=True):
        self.frames.append(frame)
        self.uncounted += not counted

    def put_run(self, run, *, counted=True):
        for event in run.events:
            self.put(event.frame, counted=counted)
        return True

    async def drained(self):
        await asyncio.sleep(0)


class Reader:
    """A socket with one subscription."""

    def __init__(self, feed, position, known_head, user_id=ADA):
        self.user_id = user_id
        self.outbox = Outbox()
        self.since = position
        self.reason = None
        self.subscription = Subscription(self, feed, position=position, known_head=known_head)

    def subscription_ended(self, subscription, reason):
        assert subscription is self.subscription
        assert self.reason is None
        self.reason = reason

    def go(self, log):
        if not self.subscription.try_live():
            return asyncio.ensure_future(self.subscription.replay(log))
        return None


def run(story, **more):
    """Run a story with the list as the log, without waiting anywhere."""
    with (
        override_settings(**AT_ONCE | more),
        mock.patch("gateway.feed._RETRY_S", 0),
        mock.patch("gateway.subscription._RETRY_S", 0),
    ):
        return asyncio.run(asyncio.wait_for(story(), 10))


async def settle(condition):
    for _ in range(3_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it does not come to rest")


def feed_on(log):
    feed = RoomFeed(ROOM, log, lambda feed: None)
    feed.holders += 1
    return feed


def read_from_the_start():
    """An empty log, its feed, and one reader."""
    log = Case.log = Log()
    feed = feed_on(log)
    feed.settle(0)
    reader = Reader(feed, 0, 0)
    reader.go(log)
    return log, feed, reader


@pytest.fixture(autouse=True)
def list_as_log():
    """`read_events` asks the log of the case under way."""
    with (
        mock.patch("gateway.feed.read_events", lambda *asked: Case.log.page(*asked)),
        mock.patch("gateway.subscription.read_events", lambda *asked: Case.log.page(*asked)),
    ):
        yield


class Case:
    log: Log


# What happens next: an event is committed; the bus brings some that are; somebody subscribes; time passes.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), st.integers(1, 5)),
        st.tuples(st.just("bus"), st.lists(st.integers(0, 40), max_size=6)),
        st.tuples(st.just("subscribe"), st.integers(0, 40)),
        st.tuples(st.just("time"), st.integers(1, 8)),
        st.tuples(st.just("check"), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(STEPS, st.lists(st.booleans(), max_size=5))
def test_any_order_repetition_and_loss_on_the_bus_is_made_good(steps, trouble):
    async def story():
        log = Case.log = Log(trouble)
        log.append()
        feed, readers, replays = feed_on(log), [], []
        for kind, what in [*steps, ("subscribe", 0)]:
            head = len(log.events)
            if kind == "commit":
                for _ in range(what):
                    log.append()
            elif kind == "bus":  # any events already committed, any number of times
                feed.offer(log.events[index % head] for index in what)
            elif kind == "subscribe":
                feed.settle(head)
                readers.append(Reader(feed, what % (head + 1), head))
                replays.append(readers[-1].go(log))
            elif kind == "check" and feed.head is not None:
                feed.expect(head, grace_s=0)
            for _ in range(what if kind == "time" else 0):
                await asyncio.sleep(0)
        feed.expect(len(log.events), grace_s=0)  # the periodic check, at the latest
        last = len(log.events)
        await settle(lambda: all(reader.subscription.position == last for reader in readers))
        for reader in readers:
            assert reader.outbox.frames == [f"event {seq}" for seq in range(reader.since + 1, last + 1)]
        for reader in readers:
            reader.subscription.end()
        feed.release()
        await settle(lambda: all(replay is None or replay.done() for replay in replays))
        assert (feed.holders, feed.live) == (0, set())

    run(story)


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(1, 13)), st.sets(st.integers(1, 12)), st.integers(0, 3))
def test_after_any_permutation_with_losses_the_last_event_alone_tells_what_is_missing(order, lost, head):
    async def story():
        log = Case.log = Log()
        for _ in range(head):
            log.append()
        feed = feed_on(log)
        feed.settle(head)
        reader = Reader(feed, head, head)
        reader.go(log)
        for _ in range(12 - head):
            log.append()
        arriving = [seq for seq in order if seq not in lost - {12}]
        for seq in arriving:
            feed.offer([log.events[seq - 1]])
        await settle(lambda: reader.subscription.position == 12)
        assert reader.outbox.frames == [f"event {seq}" for seq in range(head + 1, 13)]

    run(story)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 30), st.integers(0, 30), st.integers(1, 30), st.randoms(use_true_random=False))
def test_a_leaving_ends_the_subscription_if_it_is_later_than_the_membership_seen(at, since, length, chance):
    """At or below the head that was seen it is history; above it, met in the replay or live, it is the end."""

    async def story():
        log = Case.log = Log()
        head = chance.randint(since, 40)
        for seq in range(1, head + 1):
            log.append(left=ADA if seq == at else EVE if seq % 7 == 0 else None)
        feed = feed_on(log)
        feed.settle(head)
        reader = Reader(feed, since, head)
        replay = reader.go(log)
        for seq in range(head + 1, head + length + 1):
            log.append(left=ADA if seq == at else EVE if seq % 7 == 0 else None)
            if chance.random() < 0.7:
                feed.offer(chance.sample(log.events, k=min(3, len(log.events))))
            for _ in range(chance.randint(0, 3)):
                await asyncio.sleep(0)
        feed.expect(len(log.events), grace_s=0)
        ends = at if head < at <= head + length else None
        last = ends or len(log.events)
        await settle(lambda: reader.subscription.position >= last)
        for _ in range(50):
            await asyncio.sleep(0)
        assert reader.outbox.frames == [f"event {seq}" for seq in range(since + 1, last + 1)]
        assert reader.reason == ("removed" if ends else None)
        assert reader.subscription.ended == bool(ends)
        reader.subscription.end()
        feed.release()
        if replay is not None:
            await settle(replay.done)

    run(story)


def test_with_the_repair_switched_off_the_same_story_loses_events():
    """The twin: that the tests above see a loss when there is one."""

    async def story():
        log, feed, reader = read_from_the_start()
        for _ in range(5):
            log.append()
        feed.offer([log.events[0], log.events[2]])
        feed.expect(5, grace_s=0)
        for _ in range(50):
            await asyncio.sleep(0)
        return reader.outbox.frames, log.reads

    assert run(story, GAP_REPAIR=False) == (["event 1", "event 3"], 0)
    assert run(story) == ([f"event {seq}" for seq in range(1, 6)], 2)


def test_events_in_order_are_delivered_without_a_look_at_the_log():
    async def story():
        log = Case.log = Log()
        feed = feed_on(log)
        feed.settle(0)
        readers = [Reader(feed, 0, 0) for _ in range(3)]
        for reader in readers:
            reader.go(log)
        for _ in range(20):
            log.append()
            feed.offer([log.events[-1]])
        await asyncio.sleep(0)
        assert [len(reader.outbox.frames) for reader in readers] == [20, 20, 20]
        return log.reads

    assert run(story) == 0


def test_two_events_that_overtake_each_other_cost_no_read_within_the_grace():
    async def story():
        log, feed, reader = read_from_the_start()
        for _ in range(2):
            log.append()
        feed.offer([log.events[1]])
        assert reader.outbox.frames == []
        await asyncio.sleep(0)
        feed.offer([log.events[0]])
        assert reader.outbox.frames == ["event 1", "event 2"]
        await asyncio.sleep(0.1)
        return log.reads

    assert run(story, HUB_GAP_GRACE_S=0.05) == 0


def test_what_is_announced_but_not_in_the_log_is_not_waited_for_for_ever():
    async def story():
        log = Case.log = Log()
        log.append()
        feed = feed_on(log)
        feed.settle(1)
        reader = Reader(feed, 1, 1)
        reader.go(log)
        feed.offer([RoomEvent(10**9, "never was")])
        await settle(lambda: log.reads == 1)
        log.append()
        feed.offer([log.events[1]])
        for _ in range(50):
            await asyncio.sleep(0)
        assert reader.outbox.frames == ["event 2"]
        assert log.reads <= 2

    run(story)


def test_replayed_frames_do_not_count_towards_the_bound_and_live_ones_do():
    async def story():
        log = Case.log = Log()
        for _ in range(7):
            log.append()
        feed = feed_on(log)
        feed.settle(7)
        reader = Reader(feed, 0, 7)
        await reader.go(log)
        assert reader.outbox.uncounted == 7
        log.append()
        feed.offer([log.events[7]])
        assert (reader.outbox.uncounted, len(reader.outbox.frames)) == (7, 8)

    run(story)


@given(
    st.lists(
        st.builds(
            RoomEvent,
            st.integers(1, 2**63 - 1),
            st.text(),
            st.none() | st.uuids(),
            st.sampled_from(["", "left", "removed", "banned", "deleted"]),
        ),
        max_size=5,
    ),
    st.uuids(),
)
def test_what_is_put_on_the_bus_is_read_from_it_as_it_was(events, room):
    assert read_room_message(room_message(room, events)) == (room, events)


def test_a_long_run_of_bursts_out_of_order_with_a_fifth_lost_is_made_good():
    """Longer than hypothesis makes them, from one seed."""

    async def story():
        chance = random.Random(7)
        log = Case.log = Log()
        feed = feed_on(log)
        feed.settle(0)
        readers = [Reader(feed, 0, 0)]
        readers[0].go(log)
        on_the_way: list[RoomEvent] = []
        for _ in range(400):
            log.append()
            on_the_way += [log.events[-1]] * chance.choice([0, 1, 1, 1, 2])
            if chance.random() < 0.2:
                chance.shuffle(on_the_way)
                feed.offer(on_the_way)
                on_the_way.clear()
                await asyncio.sleep(0)
            if chance.random() < 0.02:
                feed.settle(len(log.events))
                readers.append(Reader(feed, chance.randint(0, len(log.events)), len(log.events)))
                readers[-1].go(log)
        feed.expect(400, grace_s=0)
        await settle(lambda: all(reader.subscription.position == 400 for reader in readers))
        for reader in readers:
            assert reader.outbox.frames == [f"event {seq}" for seq in range(reader.since + 1, 401)]
        assert len(readers) > 3

    run(story)
