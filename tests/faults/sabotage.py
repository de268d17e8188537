"""Cures, each switched off in one process by a patch of our own code: what a fault then does, a checker must find.

`SABOTAGE=<the name of a function here>` in the environment of a process that tests.faults.watched starts; nothing of it is
in the product. A name that is not there any more ends the process: no twin passes because its patch does nothing.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
from django.db import DatabaseError, InterfaceError, connection, transaction

from gateway import socket_rooms
from gateway.consumer import SocketConsumer
from gateway.feed import RoomFeed
from gateway.pool import Writer
from gateway.run import Run
from gateway.server import Server
from gateway.subscription import Subscription
from messaging.drafts import Draft
from messaging.services import sending
from realtime.publish import Publisher, _runs_here

STORED_LATER_S = 0.5
READ_LATER_S = 0.2
HELD_UP_S = 0.15


def _instead(owner: object, name: str, by: Callable[..., Any]) -> None:
    """AttributeError where there is nothing of that name."""
    getattr(owner, name)
    setattr(owner, name, by)


def answers_before_the_commit() -> None:
    """A send is answered as if it were stored, and stored STORED_LATER_S later."""
    send_once = sending._send_once

    def store(drafts: Sequence[Draft]) -> None:
        with contextlib.suppress(DatabaseError, InterfaceError):
            send_once(drafts)
        connection.close()

    def answer(drafts: Sequence[Draft]) -> Any:
        with transaction.atomic():
            answers = send_once(drafts)
            transaction.set_rollback(True)
        threading.Timer(STORED_LATER_S, store, [drafts]).start()
        return answers

    _instead(sending, "_send_once", answer)


def hears_of_no_failed_commit() -> None:
    """A send is answered as stored though its transaction failed."""

    class Hasty:
        """In the place of `django.db.transaction`."""

        @staticmethod
        @contextlib.contextmanager
        def atomic() -> Iterator[None]:
            try:
                with transaction.atomic():
                    yield
            except DatabaseError:
                connection.close()

    _instead(sending, "transaction", Hasty)


def looks_up_no_client_id() -> None:
    """A send is a new one, whatever was sent before it."""
    standing = sending._standing
    _instead(sending, "_standing", lambda rows: (standing(rows)[0], {}))


def answers_after_the_bus() -> None:
    """Whoever publishes waits until the bus has taken it, or BUS_TIMEOUT_S are over."""
    put = Publisher.put

    def put_and_wait(publisher: Publisher, *arguments: Any, **more: Any) -> None:
        put(publisher, *arguments, **more)
        loop = publisher._loop
        while loop and not _runs_here(loop) and (publisher._queue or publisher._sending):
            time.sleep(0.001)

    _instead(Publisher, "put", put_and_wait)


def stores_on_the_loop() -> None:
    """What sockets send is stored by the event loop, which waits for it."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    _instead(Writer, "submit", lambda writer, work: work())


def ends_without_a_drain() -> None:
    """A worker that is to stop is gone at once."""

    async def end(*_: object) -> None:
        os._exit(0)

    _instead(Server, "shutdown", end)


def takes_the_read_log_for_all() -> None:
    """A subscription at the end of the log as it was read goes live, and looks not at what came since.

    Reading takes READ_LATER_S more, as from a database far away.
    """
    places = socket_rooms.places

    def places_later(**asked: Any) -> Any:
        found = places(**asked)
        time.sleep(READ_LATER_S)
        return found

    def try_live(subscription: Subscription) -> bool:
        if not subscription.ended and subscription.position < subscription._known_head:
            return False
        if not subscription.ended:
            subscription.feed.live.add(subscription)
        return True

    _instead(socket_rooms, "places", places_later)
    _instead(Subscription, "try_live", try_live)


def goes_by_the_clock() -> None:
    """To a subscription nothing is new that is older than what it had before, by the clocks of who wrote it."""
    deliver = Subscription.deliver_run
    latest: dict[Subscription, str] = {}

    def deliver_newer(subscription: Subscription, run: Run, **more: Any) -> None:
        for event in run.events:
            at = msgspec.json.decode(event.frame)["at"]
            if at >= latest.get(subscription, ""):
                latest[subscription] = at
                deliver(subscription, Run([event]), **more)

    _instead(Subscription, "deliver_run", deliver_newer)


def leaves_a_task_behind() -> None:
    """Each socket that ends leaves a task that waits for ever."""
    clean_up = SocketConsumer._clean_up
    left: list[asyncio.Task[Any]] = []

    def clean_up_less(consumer: SocketConsumer) -> None:
        left.append(asyncio.get_running_loop().create_task(asyncio.Event().wait()))
        clean_up(consumer)

    _instead(SocketConsumer, "_clean_up", clean_up_less)


def holds_up_the_loop() -> None:
    """The loop waits HELD_UP_S for each delivery to a room."""
    advance = RoomFeed._advance

    def advance_slowly(feed: RoomFeed, following: list[Any]) -> None:
        if following:
            time.sleep(HELD_UP_S)
        advance(feed, following)

    _instead(RoomFeed, "_advance", advance_slowly)
