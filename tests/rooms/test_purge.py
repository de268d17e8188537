"""The rows of deleted rooms: all of them go, a few at a time, and nobody else's."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connections

from common.ids import new_id
from messaging.models import Mention, Message, MessageEdit
from rooms.models import LogEntry, Room
from rooms.services import purge_deleted_rooms
from tests.api import register
from tests.filling import fill

DAY = 86_400
OURS = [model for model in apps.get_models() if model._meta.app_label in ("rooms", "messaging")]


def rows():
    """How many rows each table of rooms and messages has."""
    return {model.__name__: model._base_manager.count() for model in OURS if model.__name__ != "Epoch"}


def full(owner, *others):
    """A room with something of everything in it; its id."""
    room = owner.room(*others, kind="public")
    fill(room, owner, *others, count=20)
    owner.ban(room, others[0])
    for message in Message.objects.filter(room_id=room)[:5]:
        MessageEdit.objects.create(message=message, body="before", written_at=message.created_at)
        Mention.objects.create(room_id=room, user=owner.user, seq=message.seq, message=message)
    return room


def delete(owner, room):
    assert owner.delete(f"rooms/{room}/").status == 204


def test_after_a_day_all_of_a_deleted_room_is_gone_and_nothing_else(ada, bob, eve, turned, settings):
    settings.PURGE_BATCH_ROWS = 7
    kept = full(ada, bob, eve)
    before = rows()
    room = full(ada, bob, eve)
    delete(ada, room)
    turned.turn(DAY - 1)
    assert list(purge_deleted_rooms()) == []
    turned.turn(1)
    steps = list(purge_deleted_rooms())
    assert rows() == before
    assert not Room.objects.filter(pk=room).exists()
    assert all(0 < step <= 7 for step in steps)
    # its log (made, three joined, messages, one banned, deleted), messages, members, ban, edits, mentions, itself
    assert sum(steps) == (1 + 3 + 20 + 1 + 1) + 20 + 3 + 1 + 5 + 5 + 1
    assert LogEntry.objects.filter(room_id=kept).count() == Room.objects.get(pk=kept).last_seq
    assert list(purge_deleted_rooms()) == []


def test_whatever_refers_to_a_room_is_filled_in_these_tests(ada, bob, eve):
    """A table that comes later is to be filled in `full`, so that its purge is tested."""
    full(ada, bob, eve)
    referring = {
        relation.related_model
        for model in OURS
        for relation in model._meta.get_fields(include_hidden=True)
        if relation.auto_created and not relation.concrete
    }
    assert len(referring) >= 6
    assert [model.__name__ for model in referring if not model._base_manager.exists()] == []


def test_a_purge_that_was_cut_off_is_taken_up_again(ada, bob, eve, turned, settings):
    settings.PURGE_BATCH_ROWS = 7
    before = rows()
    for _ in range(2):
        delete(ada, full(ada, bob, eve))
    turned.turn(DAY)
    steps = purge_deleted_rooms()
    for _ in range(5):
        next(steps)
    del steps
    assert rows() != before
    list(purge_deleted_rooms())
    assert rows() == before


def test_its_client_id_may_be_used_again(ada, turned):
    body = {"kind": "private", "name": "x", "client_id": "a:1"}
    room = ada.post("rooms/", body).body["id"]
    delete(ada, room)
    turned.turn(DAY)
    call_command("housekeeping")
    ada = register("ada2")
    assert ada.post("rooms/", body).status == 201


def test_the_command_says_what_went(ada, turned, capsys):
    delete(ada, ada.room())
    turned.turn(DAY)
    call_command("housekeeping")
    assert "purge_deleted_rooms: 5 rows\n" in capsys.readouterr().out
    call_command("housekeeping")
    assert "purge_deleted_rooms: 0 rows\n" in capsys.readouterr().out


@pytest.mark.django_db(transaction=True)
def test_several_at_once_do_not_hinder_each_other(settings, turned):
    settings.PURGE_BATCH_ROWS = 5
    ada, bob, eve = (register(name) for name in ("ada", "bob", "eve"))
    before = rows()
    for _ in range(4):
        delete(ada, full(ada, bob, eve))
    total = sum(rows().values()) - sum(before.values())
    turned.turn(DAY)

    def run(_):
        try:
            return sum(purge_deleted_rooms())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        gone = sum(threads.map(run, range(4)))
    gone += sum(purge_deleted_rooms())  # all may have passed over the last one, locked by another
    assert (rows(), gone) == (before, total)


def test_rooms_there_are_are_never_purged(ada, turned):
    ada.room()
    Room.objects.create(kind="public", created_by=ada.user, name=str(new_id()))
    turned.turn(1_000 * DAY)
    assert list(purge_deleted_rooms()) == []
