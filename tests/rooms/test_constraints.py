"""What the database itself refuses, whoever writes to it; and that the migrations are what the models say."""

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction

from common import clock
from common.ids import new_id
from messaging.models import Message
from rooms.models import Epoch, LogEntry, Membership, Room

ROOM = Room.objects.filter
MEMBERSHIP = Membership.objects.filter
MESSAGE = Message.objects.filter


def refused(write):
    """The name of what `write` broke, in lower case."""

    @transaction.atomic
    def run():
        write()
        connection.check_constraints()

    with pytest.raises(IntegrityError) as raised:
        run()
    return str(raised.value).lower()


@pytest.fixture
def room(ada, bob):
    room = ada.room(bob)
    ada.send(room)
    ada.send(room)
    return room


def test_no_migration_is_missing(db):
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"kind": "secret"}, "room_kind"),
        ({"kind": ""}, "room_kind"),
        ({"kind": "direct"}, "room_direct_pair"),
        ({"member_count": -1}, "room_member_count"),
        ({"slow_mode_s": -1}, "room_slow_mode"),
        ({"changed_seq": 6}, "room_seq"),
        ({"last_seq": -1, "changed_seq": -1}, "room_seq"),
        ({"first_seq": 7}, "room_seq"),
        ({"created_by_id": new_id()}, ""),
        ({"created_at": None}, ""),
    ],
)
def test_a_room_that_cannot_be(room, fields, name):
    assert name in refused(lambda: ROOM(pk=room).update(**fields))


def test_a_log_may_be_pruned_up_to_its_head_and_a_room_is_what_it_is(room):
    assert ROOM(pk=room).update(first_seq=6, changed_seq=5, kind="public", member_count=0) == 1


def direct(low, high):
    return Room.objects.create(kind="direct", created_by=low, direct_low=low, direct_high=high)


def test_a_direct_room_is_of_two_people_in_order_and_once(ada, bob, eve):
    low, high = sorted((ada.user, bob.user), key=lambda user: user.id)
    direct(low, high)
    assert "direct" in refused(lambda: direct(low, high))  # the constraint or its two columns
    assert "room_direct_pair" in refused(lambda: direct(high, low))
    assert "room_direct_pair" in refused(lambda: direct(eve.user, eve.user))
    assert "room_direct_pair" in refused(lambda: direct(low, None))
    assert "room_direct_pair" in refused(
        lambda: Room.objects.create(kind="public", created_by=low, direct_low=low, direct_high=high)
    )


def test_a_creator_uses_a_client_id_once(ada, bob):
    Room.objects.create(kind="public", created_by=ada.user, client_id="a:1")
    refused(lambda: Room.objects.create(kind="public", created_by=ada.user, client_id="a:1"))
    Room.objects.create(kind="public", created_by=bob.user, client_id="a:1")
    Room.objects.create(kind="public", created_by=ada.user)
    Room.objects.create(kind="public", created_by=ada.user)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"role": "king"}, "membership_role"),
        ({"role": ""}, "membership_role"),
        ({"notifications": "some"}, "membership_notifications"),
        ({"left_seq": 3}, "membership_left_after"),
        ({"left_seq": 0}, "membership_left_after"),
        ({"user_id": new_id()}, ""),
        ({"room_id": new_id()}, ""),
    ],
)
def test_a_membership_that_cannot_be(bob, room, fields, name):
    assert name in refused(lambda: MEMBERSHIP(room_id=room, user=bob.user).update(**fields))


def test_somebody_is_in_a_room_once(bob, room):
    refused(lambda: Membership.objects.create(room_id=room, user=bob.user, joined_seq=9, changed_seq=9))


@pytest.mark.parametrize(
    "fields",
    [
        {"seq": 5},
        {"reply_count": -1},
        {"author_id": new_id()},
        {"room_id": new_id()},
        {"body": None},
        {"client_id": None},
    ],
)
def test_a_message_that_cannot_be(room, fields):
    refused(lambda: MESSAGE(room_id=room, seq=4).update(**fields))


def test_an_author_uses_a_client_id_once_a_room(room):
    known = MESSAGE(seq=5).values_list("client_id", flat=True)[0]
    refused(lambda: MESSAGE(seq=4).update(client_id=known))


def test_a_number_is_one_event_of_its_room(room):
    refused(lambda: LogEntry.objects.create(room_id=room, seq=5, type="message.created", at=clock.now()))
    LogEntry.objects.create(room_id=room, seq=6, type="message.created", at=clock.now())


def test_there_is_one_epoch(db):
    Epoch.objects.all().delete()
    assert "epoch_once" in refused(lambda: Epoch.objects.create(id=2, word="x"))
    Epoch.objects.create(word="x")
    refused(lambda: Epoch.objects.create(word="y"))
