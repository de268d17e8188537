"""Mentions: whom a message names, what counts as unread, and who is told."""

import pytest

from messaging.models import Mention
from rooms.models import Membership
from tests.api import path_of, register
from tests.messaging.people import block


@pytest.fixture
def room(ada, bob, eve):
    """Ada's private room with bob and eve in it; its head is 4."""
    return ada.room(bob, eve)


def mentions(person, room):
    """My mention count, as the room, the list and nothing else say it."""
    count = person.see(f"rooms/{room}/")["me"]["mention_count"]
    listed = {found["id"]: found["me"]["mention_count"] for found in person.all("rooms/")}
    assert listed[room] == count
    return count


def test_a_message_lists_whom_it_names_in_order_wherever_it_is_read(ada, bob, eve, room):
    message = ada.send(room, "@EVE, ask @bob; @eve knows")
    assert message["mentions"] == [eve.id, bob.id]
    assert bob.see(path_of(message)) == message
    assert bob.events(room)[-1]["data"]["message"]["mentions"] == [eve.id, bob.id]
    assert [mentions(person, room) for person in (ada, bob, eve)] == [0, 1, 1]


def test_only_members_are_named_and_never_oneself(ada, bob, eve, room):
    dan = register("dan")
    bob.leave(room)
    message = ada.send(room, "@ada @bob @dan @nobody @eve")
    assert message["mentions"] == [eve.id]
    ada.add(room, bob, dan)
    assert [mentions(person, room) for person in (bob, dan)] == [0, 0]


def test_of_two_possible_names_the_one_in_the_room_is_meant(ada, bob, room):
    register("bob_")
    assert ada.send(room, "_@bob_")["mentions"] == []
    assert ada.send(room, "Is it *@bob_*?")["mentions"] == [bob.id]


def test_reading_past_a_mention_takes_it_from_the_count(ada, bob, room):
    seqs = [ada.send(room, "@bob")["seq"] for _ in range(3)]
    ada.send(room, "nobody")
    assert mentions(bob, room) == 3
    bob.read(room, seqs[1])
    assert mentions(bob, room) == 1
    bob.read(room, 0, force=True)
    assert mentions(bob, room) == 3
    bob.send(room)
    assert mentions(bob, room) == 0


def test_a_deleted_mention_counts_no_more(ada, bob, room):
    message = ada.send(room, "@bob")
    assert ada.erase(message)["mentions"] == []
    assert (mentions(bob, room), Mention.objects.count()) == (0, 0)


def test_an_edit_names_others(ada, bob, eve, room):
    message = ada.send(room, "@bob")
    edited = ada.edit(message, "@eve")
    assert edited["mentions"] == [eve.id]
    assert bob.see(path_of(message)) == edited
    assert [mentions(person, room) for person in (bob, eve)] == [0, 1]
    assert ada.edit(message, "@eve @bob")["mentions"] == [eve.id, bob.id]
    assert [mentions(person, room) for person in (bob, eve)] == [1, 1]
    assert ada.edit(message, "nobody")["mentions"] == []
    assert [mentions(person, room) for person in (bob, eve)] == [0, 0]


def test_an_edit_of_what_is_read_makes_nothing_unread(ada, bob, room):
    message = ada.send(room, "nobody")
    bob.read(room, message["seq"])
    ada.edit(message, "@bob")
    assert mentions(bob, room) == 0


@pytest.mark.parametrize("blocker", ["ada", "bob"])
def test_a_block_silences_mentions_and_the_message_stays_the_same_for_all(ada, bob, eve, room, blocker):
    people = {"ada": ada, "bob": bob}
    block(people.pop(blocker), *people.values())
    message = ada.send(room, "@bob @eve")
    assert message["mentions"] == [bob.id, eve.id]
    assert [mentions(person, room) for person in (bob, eve)] == [0, 1]
    ada.edit(message, "@eve, @bob")
    assert [mentions(person, room) for person in (bob, eve)] == [0, 1]


def test_whoever_wants_no_notifications_still_counts(ada, bob, room):
    Membership.objects.filter(user=bob.user).update(notifications="none")
    ada.send(room, "@bob")
    assert mentions(bob, room) == 1


def test_counting_stops_at_a_hundred(ada, bob, room):
    message = ada.send(room)["id"]
    Mention.objects.bulk_create(
        Mention(room_id=room, user=bob.user, seq=seq, message_id=message) for seq in range(10, 130)
    )
    assert mentions(bob, room) == 100


def test_a_message_names_fifty_at_most(ada):
    people = [register(f"reader{n}") for n in range(52)]
    room = ada.room(*people)
    message = ada.send(room, " ".join(f"@{person.user.username}" for person in people))
    assert message["mentions"] == [person.id for person in people[:50]]
    assert [mentions(person, room) for person in people[48:]] == [1, 1, 0, 0]


def test_in_a_direct_room_people_mention_each_other_too(ada, bob):
    room = ada.direct(bob)
    ada.send(room, "@bob")
    assert mentions(bob, room) == 1


def test_sending_again_mentions_nobody_again(ada, bob, room):
    for _ in range(2):
        ada.send(room, "@bob", "a:1")
    assert mentions(bob, room) == 1
