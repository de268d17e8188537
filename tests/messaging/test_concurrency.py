"""Many writers at once: numbers without gaps, in commit order (A23), and one row a `client_id` (A22)."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from uuid import UUID

import pytest
from django.db import DatabaseError, connections

from accounts import services
from messaging.drafts import check_draft
from messaging.models import Message
from messaging.services import Sent, send_messages
from rooms.models import LogEntry, Room
from rooms.services import create_room
from tests.api import PASSWORD
from tests.client.rest import Rest
from tests.client.socket import Socket

WRITERS, EACH = 8, 150


@dataclass
class Race:
    """What came of many writers in one room, and of one who read behind them."""

    expected: list[int]  # the numbers, one a message
    wrote: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)
    stored: list[tuple[int, str]] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """What of the promise was not kept."""
        found = []
        if self.refused:
            found.append(f"refused: {len(self.refused)}, the first: {self.refused[0]}")
        if self.seen != self.expected:
            found.append(f"the reader missed {len({*self.expected} - {*self.seen})} numbers or their order")
        if [seq for seq, _ in self.stored] != self.expected:
            found.append("stored: not every number once")
        for writer in range(WRITERS):
            own = [client_id for _, client_id in self.stored if client_id.startswith(f"{writer}-")]
            if own != [client_id for client_id in self.wrote if client_id.startswith(f"{writer}-")]:
                found.append(f"stored: not what writer {writer} was told, in that order")
        return found


def race(each: int) -> Race:
    """WRITERS threads send `each` messages to one room; another thread asks for what is above its position."""
    ada = services.register(username="ada", password=PASSWORD)
    room = create_room(creator_id=ada.user.id, kind="private", name="story").room
    start = Room.objects.get(id=room.id).last_seq
    total = WRITERS * each
    found = Race(list(range(start + 1, start + total + 1)))
    done = threading.Event()

    def write(writer: int) -> None:
        try:
            for number in range(each):
                client_id = f"{writer}-{number}"
                draft = check_draft(
                    room_id=str(room.id), author_id=ada.user.id, client_id=client_id, body=f"{number}"
                )
                try:
                    [result] = send_messages([draft])
                except DatabaseError as error:
                    found.refused.append(repr(error))
                    continue
                if isinstance(result, Sent) and not result.duplicate:
                    found.wrote.append(client_id)
                else:
                    found.refused.append(repr(result))
        finally:
            connections.close_all()

    def poll() -> None:
        ends_at = time.monotonic() + 60
        try:
            while len(found.seen) < total and time.monotonic() < ends_at:
                last = found.seen[-1] if found.seen else start
                fresh = LogEntry.objects.filter(room_id=room.id, seq__gt=last).order_by("seq")
                was_done = done.is_set()
                found.seen += fresh.values_list("seq", flat=True)
                if was_done:
                    break
                time.sleep(0.002)  # one that never pauses takes the interpreter from the writers
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS + 1) as threads:
        poller = threads.submit(poll)
        try:
            list(threads.map(write, range(WRITERS)))
        finally:
            done.set()
        poller.result(60)
    messages = Message.objects.filter(room_id=room.id).order_by("seq")
    found.stored = list(messages.values_list("seq", "client_id"))
    return found


@pytest.mark.fault("eight write at once into one room, and one reads behind them")
@pytest.mark.django_db(transaction=True)
def test_a_reader_who_asks_for_what_is_above_their_position_misses_nothing() -> None:
    """What `seq > last` shows is never followed by a lower number that committed later."""
    found = race(EACH)
    assert found.wrong == []
    assert len(found.wrote) == WRITERS * EACH


@pytest.mark.django_db(transaction=True)
def test_batches_over_rooms_in_opposite_orders_do_not_wait_for_each_other_for_ever() -> None:
    ada = services.register(username="ada", password=PASSWORD)
    rooms = [str(create_room(creator_id=ada.user.id, kind="private", name="story").room.id) for _ in range(3)]

    def write(writer: int) -> int:
        try:
            kept = 0
            for number in range(20):
                ordered = rooms if writer % 2 else rooms[::-1]
                drafts = [
                    check_draft(
                        room_id=room, author_id=ada.user.id, client_id=f"{writer}-{number}", body="hi"
                    )
                    for room in ordered
                ]
                kept += sum(isinstance(result, Sent) for result in send_messages(drafts))
            return kept
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert sum(threads.map(write, range(4))) == 4 * 20 * 3
    for room in rooms:
        seqs = list(LogEntry.objects.filter(room_id=room).order_by("seq").values_list("seq", flat=True))
        assert seqs == list(range(1, 83))


async def test_one_client_id_sent_twenty_times_at_once_over_rest_and_socket_is_one_message(server) -> None:
    """For three ids, each raced by its author's own devices."""
    async with Rest(server.http) as ada:
        await ada.register("ada", PASSWORD)
        room = (await ada.create_room())["id"]
        sockets = [await Socket.connect(server.http, ada.access) for _ in range(2)]
        for name in ("one", "two", "three"):
            send = {"room": room, "client_id": name, "body": f"body of {name}"}
            by_rest = [asyncio.create_task(ada.send(**send)) for _ in range(10)]
            by_socket = [await socket.ask("message.send", **send) for _ in range(5) for socket in sockets]
            answers = await asyncio.gather(*by_rest)
            acks = [ack["data"] for ack in await asyncio.gather(*by_socket)]
            answers += [(ack["message"] | {"me": {"reactions": []}}, ack["duplicate"]) for ack in acks]
            assert len(answers) == 20
            assert sum(not duplicate for _, duplicate in answers) == 1
            assert all(message == answers[0][0] for message, _ in answers)
        assert [message["client_id"] for message in await ada.history(room)] == ["one", "two", "three"]
        assert [event["seq"] for event in await ada.log(room)] == [1, 2, 3, 4, 5]
        for socket in sockets:
            await socket.close()
            assert socket.violations == []

    def rows() -> int:
        try:
            return Message.objects.filter(room_id=UUID(room)).count()
        finally:
            connections.close_all()

    assert await asyncio.to_thread(rows) == 3
