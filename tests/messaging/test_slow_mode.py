"""Slow mode and blocks: who may send now."""

import pytest

from common.errors import ParleyError
from messaging.drafts import check_draft
from messaging.services import send_messages
from rooms.models import Membership, Room
from tests.filling import draft
from tests.messaging.people import block

WAIT_S = 30


@pytest.fixture
def room(ada, bob, eve):
    """Ada's private room in slow mode, with bob and eve in it; its head is 4."""
    room = ada.room(bob, eve)
    Room.objects.filter(pk=room).update(slow_mode_s=WAIT_S)
    return room


def sent(person, room, client_id, body="Hello"):
    return person.post(f"rooms/{room}/messages/", {"client_id": client_id, "body": body})


def refused(answer):
    """The seconds to wait."""
    assert (answer.status, answer.code) == (429, "slow_mode")
    assert 0 < answer.body["retry_after"] <= WAIT_S
    assert answer.body["retry_after"] <= int(answer.headers["Retry-After"]) < answer.body["retry_after"] + 1
    return answer.body["retry_after"]


def test_a_member_waits_between_two_messages(bob, eve, room, turned):
    assert sent(bob, room, "1").status == 201
    assert refused(sent(bob, room, "2")) == WAIT_S
    assert sent(eve, room, "1").status == 201
    turned.turn(WAIT_S - 0.5)
    assert refused(sent(bob, room, "2")) == 0.5
    turned.turn(0.5)
    assert sent(bob, room, "2").status == 201
    assert refused(sent(bob, room, "3")) == WAIT_S


@pytest.mark.parametrize("role", ["admin", "owner"])
def test_who_moderates_does_not_wait(bob, room, role, turned):
    Membership.objects.filter(user=bob.user).update(role=role)
    assert [sent(bob, room, f"{n}").status for n in range(3)] == [201] * 3


def test_what_was_sent_before_it_was_slow_counts(ada, bob, turned):
    room = ada.room(bob)
    bob.send(room)
    turned.turn(10)
    Room.objects.filter(pk=room).update(slow_mode_s=WAIT_S)
    assert refused(sent(bob, room, "2")) == 20


def test_leaving_and_coming_back_is_no_way_round(ada, bob, room, turned):
    sent(bob, room, "1")
    bob.leave(room)
    ada.add(room, bob)
    assert refused(sent(bob, room, "2")) == WAIT_S


def test_a_repetition_and_a_conflict_come_first(bob, room, turned):
    first = sent(bob, room, "1")
    again = sent(bob, room, "1")
    assert (again.status, again.body) == (200, first.body)
    assert sent(bob, room, "1", "other").code == "client_id_conflict"
    assert refused(sent(bob, room, "2"))


def test_neither_a_refusal_nor_an_edit_nor_a_deletion_makes_one_wait(bob, room, turned):
    sent(bob, room, "0", " ")
    body = {"client_id": "0", "body": "x", "reply_to": room}
    assert bob.post(f"rooms/{room}/messages/", body).code == "invalid"
    message = bob.send(room)
    turned.turn(WAIT_S)
    bob.erase(bob.edit(message, "other"))
    assert sent(bob, room, "2").status == 201


def test_the_muted_are_told_that(bob, room, turned):
    sent(bob, room, "1")
    Membership.objects.filter(user=bob.user).update(muted_until=turned.at.replace(year=2100))
    assert sent(bob, room, "2").code == "muted"


def test_in_one_batch_too(ada, bob, eve, room, turned):
    elsewhere = ada.room(bob)
    drafts = [
        draft(bob, room, client_id="1"),
        draft(bob, room, client_id="2"),
        draft(bob, room, client_id="1"),
        draft(bob, elsewhere),
        draft(eve, room),
        draft(bob, elsewhere),
        draft(ada, room),
        draft(ada, room),
    ]
    told = [r.code if isinstance(r, ParleyError) else r.message.seq for r in send_messages(drafts)]
    assert told == [5, "slow_mode", 5, 4, 6, 5, 7, 8]


def test_in_a_batch_a_refused_message_makes_nobody_wait(bob, room):
    bad = check_draft(room_id=room, author_id=bob.user.id, client_id="1", body="x", reply_to=room)
    drafts = [bad, draft(bob, room), draft(bob, room)]
    told = [r.code if isinstance(r, ParleyError) else r.message.seq for r in send_messages(drafts)]
    assert told == ["invalid", 5, "slow_mode"]


@pytest.mark.parametrize("blocker", ["ada", "bob"])
def test_in_a_direct_room_a_block_by_either_stops_both(ada, bob, blocker):
    room = ada.direct(bob)
    first = sent(ada, room, "1")
    people = {"ada": ada, "bob": bob}
    block(people.pop(blocker), *people.values())
    for person in (ada, bob):
        answer = sent(person, room, "2")
        assert (answer.status, answer.code) == (403, "blocked")
    assert sent(ada, room, "1").body == first.body
    assert sent(ada, room, "1", "other").code == "client_id_conflict"
    assert bob.see(f"rooms/{room}/messages/")["results"] == [first.body]
    assert bob.read(room, 4) == {"last_read_seq": 4, "unread_count": 0}


def test_elsewhere_a_block_stops_nobody(ada, bob, eve):
    room, other = ada.room(bob), ada.direct(eve)
    block(ada, bob)
    assert sent(bob, room, "1").status == 201
    assert sent(ada, other, "1").status == 201


def test_the_muted_are_told_so_before_a_block(ada, bob, turned):
    room = ada.direct(bob)
    block(ada, bob)
    Membership.objects.filter(user=bob.user).update(muted_until=turned.at.replace(year=2100))
    assert sent(bob, room, "1").code == "muted"
