"""Many writers at once: numbers without gaps, in commit order (A23), and one row a `client_id` (A22)."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
from django.db import connections

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
TOTAL = WRITERS * EACH


@pytest.mark.fault("eight write at once into one room, and one reads behind them")
@pytest.mark.django_db(transaction=True)
def test_a_reader_who_asks_for_what_is_above_their_position_misses_nothing() -> None:
    """What `seq > last` shows is never followed by a lower number that committed later."""
    ada = services.register(username="ada", password=PASSWORD)
    room = create_room(creator_id=ada.user.id, kind="private", name="story").room
    start = Room.objects.get(id=room.id).last_seq
    done = threading.Event()

    def write(writer: int) -> int:
        try:
            kept = 0
            for number in range(EACH):
                draft = check_draft(
                    room_id=str(room.id),
                    author_id=ada.user.id,
                    client_id=f"{writer}-{number}",
                    body=f"{number}",
                )
                [result] = send_messages([draft])
                kept += isinstance(result, Sent) and not result.duplicate
            return kept
        finally:
            connections.close_all()

    def poll() -> list[int]:
        seen: list[int] = []
        ends_at = time.monotonic() + 60
        try:
            while len(seen) < TOTAL and time.monotonic() < ends_at:
                last = seen[-1] if seen else start
                fresh = LogEntry.objects.filter(room_id=room.id, seq__gt=last).order_by("seq")
                was_done = done.is_set()
                seen += fresh.values_list("seq", flat=True)
                if was_done:
                    break
                time.sleep(0.002)  # one that never pauses takes the interpreter from the writers
            return seen
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS + 1) as threads:
        poller = threads.submit(poll)
        try:
            assert sum(threads.map(write, range(WRITERS))) == TOTAL
        finally:
            done.set()
        assert poller.result(60) == list(range(start + 1, start + TOTAL + 1))
    stored = Message.objects.filter(room_id=room.id).order_by("seq").values_list("seq", "client_id")
    assert [seq for seq, _ in stored] == list(range(start + 1, start + TOTAL + 1))
    for writer in range(WRITERS):
        own = [client_id for _, client_id in stored if client_id.startswith(f"{writer}-")]
        assert own == [f"{writer}-{number}" for number in range(EACH)]


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
