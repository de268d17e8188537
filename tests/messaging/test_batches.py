"""Many drafts in one transaction: each answered by itself, numbered in their order."""

import pytest

from common.errors import ClientIdConflict, Muted, NotAMember, NotFound, ParleyError
from common.ids import new_id
from messaging.models import Message
from messaging.services import Sent, send_messages
from rooms.models import LogEntry, Membership
from tests.filling import draft


def outcome(result):
    """A result as its number, with whether it is a repetition, or the error's code."""
    if isinstance(result, ParleyError):
        return result.code
    assert isinstance(result, Sent)
    return (result.message.seq, result.duplicate)


def outcomes(*drafts):
    return [outcome(result) for result in send_messages(drafts)]


def test_numbers_follow_the_order_of_the_drafts_in_every_room(ada, bob):
    one, two = ada.room(bob), ada.room(bob)
    drafts = [draft(person, room) for _ in range(3) for room in (two, one) for person in (bob, ada)]
    assert outcomes(*drafts) == [
        (seq, False) for pair in ((4, 5), (6, 7), (8, 9)) for _ in range(2) for seq in pair
    ]
    for room in (one, two):
        assert list(LogEntry.objects.filter(room_id=room).order_by("seq").values_list("seq", flat=True)) == (
            list(range(1, 10))
        )


def test_a_bad_draft_spoils_nobody_elses_and_takes_no_number(ada, bob, eve, turned):
    room, public = ada.room(bob), ada.room(kind="public")
    Membership.objects.filter(user=bob.user).update(muted_until=turned.at.replace(year=2100))
    results = send_messages(
        [
            draft(ada, room),
            draft(eve, room),
            draft(bob, room),
            draft(ada, str(new_id())),
            draft(eve, public),
            draft(ada, room),
        ]
    )
    assert [outcome(result) for result in results] == [
        (4, False),
        "not_found",
        "muted",
        "not_found",
        "not_a_member",
        (5, False),
    ]
    assert [type(result) for result in results[1:5]] == [NotFound, Muted, NotFound, NotAMember]
    assert Message.objects.count() == 2
    assert ada.see(f"rooms/{room}/")["last_seq"] == 5


def test_one_client_id_twice_in_a_batch_is_one_message(ada, bob):
    room = ada.room(bob)
    results = send_messages(
        [
            draft(ada, room, "x", "a:1"),
            draft(ada, room, "x", "a:1"),
            draft(ada, room, "y", "a:1"),
            draft(bob, room, "y", "a:1"),
        ]
    )
    assert [outcome(result) for result in results] == [
        (4, False),
        (4, True),
        ClientIdConflict.code,
        (5, False),
    ]
    assert results[0].message == results[1].message
    assert Message.objects.count() == 2


def test_a_batch_sent_again_stores_nothing(ada, bob):
    room = ada.room(bob)
    drafts = [draft(person, room) for person in (ada, bob, ada)]
    first = send_messages(drafts)
    again = send_messages([*drafts, draft(ada, room)])
    assert [outcome(result) for result in again] == [(4, True), (5, True), (6, True), (7, False)]
    assert [result.message for result in again[:3]] == [result.message for result in first]


def test_the_answer_and_what_is_read_later_are_the_same(ada, bob):
    room = ada.room(bob)
    sent = send_messages([draft(ada, room, "😀 'x' \" \\ %s"), draft(bob, room)])
    again = send_messages([draft(ada, room, "😀 'x' \" \\ %s", sent[0].message.client_id)])
    assert again[0] == Sent(sent[0].message, True)


def test_an_author_reads_up_to_their_own_last_message(ada, bob):
    room = ada.room(bob)
    send_messages([draft(ada, room), draft(ada, room), draft(bob, room)])
    assert dict(Membership.objects.values_list("user__username", "last_read_seq")) == {"ada": 5, "bob": 6}


def test_an_empty_batch_is_no_work(ada):
    assert send_messages([]) == []


@pytest.mark.parametrize("count", [1, 500])
def test_any_size_is_the_same_number_of_statements(ada, statements, count):
    room = ada.room()
    drafts = [draft(ada, room) for _ in range(count)]
    assert len(statements(lambda: send_messages(drafts))) == 6
