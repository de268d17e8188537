"""Writes that go to the database together, and the commit with them."""

import threading

import pytest
from django.db import IntegrityError, connection, transaction

from common.ids import new_id
from common.statements import Together
from rooms.models import LogEntry, Membership
from tests.api import register

pytestmark = pytest.mark.django_db(transaction=True)

INSERT = (
    "INSERT INTO rooms_logentry (room_id, seq, type, at, actor_id, subject_id, data) "
    "SELECT room_id, %s, type, at, actor_id, subject_id, data FROM rooms_logentry WHERE seq = 1"
)


@pytest.fixture
def room():
    """Its log holds 1 and 2."""
    return register("ada").room()


def written(*seqs):
    writes = Together()
    for seq in seqs:
        writes.add(INSERT, [seq])
    return writes


def log():
    return list(LogEntry.objects.order_by("seq").values_list("seq", flat=True))


def log_elsewhere():
    found = []

    def look():
        found.extend(log())
        connection.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found


def test_what_is_to_be_done_on_commit_is_done_once_it_is_seen_by_others(room):
    seen = []
    with transaction.atomic():
        transaction.on_commit(lambda: seen.append(log_elsewhere()))
        written(3, 4).run_last()
        assert seen == []
    assert seen == [[1, 2, 3, 4]]


def test_a_commit_that_is_refused_leaves_nothing_and_the_connection_works(room):
    """A foreign key is looked at by the commit alone."""
    seen = []
    writes = written(3)
    writes.add("UPDATE rooms_membership SET user_id = %s", [new_id().hex])

    @transaction.atomic
    def work():
        transaction.on_commit(lambda: seen.append("committed"))
        writes.run_last()

    with pytest.raises(IntegrityError, match=r"(?i)foreign key"):
        work()
    assert (log(), seen, Membership.objects.get().user.username) == ([1, 2], [], "ada")
    with transaction.atomic():
        written(3).run_last()
    assert log_elsewhere() == [1, 2, 3]


def test_a_statement_that_fails_takes_the_others_with_it(room):
    with pytest.raises(IntegrityError), transaction.atomic():
        written(3, 1).run_last()
    assert log() == [1, 2]


def test_within_another_block_that_one_commits(room):
    with transaction.atomic():
        with transaction.atomic():
            written(3).run_last()
        assert log_elsewhere() == [1, 2]
        transaction.set_rollback(True)
    assert log() == [1, 2]
