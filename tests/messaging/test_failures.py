"""When the database fails in the middle of a batch: nothing stored twice, nothing half, nothing told early."""

import threading

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from common.errors import InternalError, StorageUnavailable, Unavailable
from messaging.drafts import Draft
from messaging.models import Message
from messaging.services import Sent, send_messages
from realtime.publish import publisher, read_room_message
from rooms.models import LogEntry, Membership, Room
from rooms.services import leave_room
from tests.api import register
from tests.filling import draft

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ada():
    return register("ada")


@pytest.fixture
def room(ada):
    """Its log holds 1 and 2."""
    return ada.room()


@pytest.fixture
def told(monkeypatch):
    """What is handed to the bus: (type, number, whether another connection saw it stored by then)."""
    found = []

    def put(group, message, size=200, **how):
        if message["type"] == "room.events":
            room_id, events = read_room_message(message)
            found.extend((event.seq, seen_elsewhere(room_id, event.seq)) for event in events)

    monkeypatch.setattr(publisher, "put", put)
    return found


def seen_elsewhere(room_id, seq):
    """Whether the log has this number for another connection than this one."""
    seen = []

    def look():
        seen.append(LogEntry.objects.filter(room_id=room_id, seq=seq).exists())
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return seen[0]


def spoilt(author, room):
    """A draft that the database itself refuses: it has no body (NOT NULL)."""
    good = draft(author, room)
    return Draft(good.room_id, good.author_id, good.client_id, None, good.digest)


def failing(part, error, *, times=10):
    """An execute wrapper that fails each statement with `part` in it, at most `times`; counts them."""
    felt = []

    def wrapper(execute, sql, params, many, context):
        if part in sql and len(felt) < times:
            felt.append(sql)
            raise error
        return execute(sql, params, many, context)

    wrapper.felt = felt
    return connection.execute_wrapper(wrapper), felt


def log():
    return list(LogEntry.objects.order_by("seq").values_list("seq", flat=True))


def test_a_draft_the_database_refuses_spoils_nobody_elses(ada, room, told):
    drafts = [draft(ada, room), draft(ada, room), spoilt(ada, room), draft(ada, room)]
    results = send_messages(drafts)
    assert [type(result) for result in results] == [Sent, Sent, InternalError, Sent]
    assert [r.message.seq for r in results if isinstance(r, Sent)] == [3, 4, 5]
    assert log() == [1, 2, 3, 4, 5]
    assert list(Message.objects.order_by("seq").values_list("client_id", "seq")) == [
        (drafts[0].client_id, 3),
        (drafts[1].client_id, 4),
        (drafts[3].client_id, 5),
    ]
    assert told == [(3, True), (4, True), (5, True)]
    assert Membership.objects.get().last_read_seq == 5


def test_a_spoilt_draft_alone_is_an_internal_error_that_leaves_nothing(ada, room, told):
    bad = spoilt(ada, room)
    assert [type(result) for result in send_messages([bad, bad])] == [InternalError, InternalError]
    with pytest.raises(IntegrityError):
        send_messages([bad])
    assert (log(), told, Message.objects.count()) == ([1, 2], [], 0)
    assert Room.objects.get().last_seq == 2


@pytest.mark.parametrize(
    "part", ["INSERT INTO messaging_message", "INSERT INTO rooms_logentry", "last_read_seq = p.seq"]
)
def test_a_database_that_does_not_answer_makes_all_unavailable(ada, room, told, part):
    drafts = [draft(ada, room) for _ in range(3)]
    wrapped, felt = failing(part, OperationalError("gone"))
    with wrapped:
        results = send_messages(drafts)
    assert len(felt) == 2  # tried once more on a new connection
    assert [type(result) for result in results] == [Unavailable] * 3
    assert (log(), told, Message.objects.count()) == ([1, 2], [], 0)
    again = send_messages(drafts)
    assert [(r.message.seq, r.duplicate) for r in again] == [(3, False), (4, False), (5, False)]
    assert told == [(3, True), (4, True), (5, True)]


def test_one_dead_connection_is_not_even_noticed(ada, room, told):
    wrapped, felt = failing("INSERT INTO messaging_message", OperationalError("gone"), times=1)
    with wrapped:
        (result,) = send_messages([draft(ada, room)])
    assert len(felt) == 1
    assert (result.message.seq, told) == (3, [(3, True)])


def test_over_rest_it_is_a_503_that_asks_to_come_again(ada, room):
    wrapped, felt = failing("INSERT INTO messaging_message", OperationalError("gone"))
    body = {"client_id": "a:1", "body": "x"}
    with wrapped:
        answer = ada.post(f"rooms/{room}/messages/", body)
    assert felt
    assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "unavailable", "1")
    assert ada.post(f"rooms/{room}/messages/", body).status == 201
    assert ada.post(f"rooms/{room}/messages/", body).status == 200


def test_a_database_that_takes_no_writes_is_storage_unavailable_and_still_read(ada, room, told):
    ada.send(room)
    ada.see(f"rooms/{room}/messages/")
    told.clear()
    begin_reading = {"sqlite": "PRAGMA query_only = 1", "postgresql": "SET TRANSACTION READ ONLY"}

    def read_only(execute, sql, params, many, context):
        """Each database's own read-only mode, on the new connection of the second try too."""
        if sql.startswith(("INSERT", "WITH")):
            execute(begin_reading[connection.vendor], None, False, context)
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(read_only):
            results = send_messages([draft(ada, room), draft(ada, room)])
            assert [type(result) for result in results] == [StorageUnavailable] * 2
            assert len(ada.see(f"rooms/{room}/messages/")["results"]) == 1
    finally:
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                cursor.execute("PRAGMA query_only = 0")
    assert (log(), told) == ([1, 2, 3], [])
    assert ada.send(room)["seq"] == 4


def test_an_event_is_told_only_after_the_commit_and_never_after_a_rollback(ada, room, told):
    with transaction.atomic():
        send_messages([draft(ada, room)])
        assert told == []
    assert told == [(3, True)]
    told.clear()
    with transaction.atomic():
        send_messages([draft(ada, room)])
        transaction.set_rollback(True)
    assert told == []
    assert log() == [1, 2, 3]


def test_a_number_given_back_is_given_out_again(ada, room, told):
    bob = register("bob")
    ada.add(room, bob)
    told.clear()
    wrapped, felt = failing('UPDATE "rooms_membership"', OperationalError("gone"))
    with wrapped, pytest.raises(OperationalError):
        leave_room(user_id=bob.user.id, room_id=room)
    assert felt
    assert (log(), told) == ([1, 2, 3], [])
    bob.leave(room)
    assert told == [(4, True)]
    assert log() == [1, 2, 3, 4]
