"""Where people stand in rooms, as sockets ask for it."""

from common import clock
from common.ids import new_id
from rooms.models import Epoch, Room
from rooms.selectors import Head, Place, current_epoch, heads, new_epoch, places, places_of


def key(room):
    return Room.objects.get(pk=room).id


def test_a_place_says_whether_one_is_in_it_and_where_its_log_stands(ada, bob, eve):
    mine, others, public, gone, left = (
        key(room)
        for room in (
            ada.room(bob), bob.room(), bob.room(kind="public"), ada.room(), bob.room(ada, eve),
        )
    )  # fmt: skip
    ada.leave(left)
    Room.objects.filter(pk=gone).update(deleted_at=clock.now())
    Room.objects.filter(pk=mine).update(first_seq=2)
    epoch = current_epoch()
    asked = [mine, others, public, gone, left, new_id()]
    assert places(user_id=ada.user.id, room_ids=asked) == {
        mine: Place(mine, False, 2, 3, 2, epoch),
        others: Place(others, False, None, 2, 1, epoch),
        public: Place(public, True, None, 2, 1, epoch),
        left: Place(left, False, None, 5, 1, epoch),
    }
    assert places(user_id=ada.user.id, room_ids=[]) == {}


def test_who_came_back_stands_at_the_latest_joining(ada, bob):
    room = key(ada.room(bob))
    bob.leave(room)
    ada.add(room, bob)
    assert places(user_id=bob.user.id, room_ids=[room])[room].joined_seq == 5


def test_everybodys_rooms_are_read_at_once(ada, bob, eve, statements):
    one, two = sorted((key(ada.room(bob)), key(ada.room(kind="public"))))
    deleted, left = ada.room(bob), ada.room(bob)
    bob.leave(left)
    Room.objects.filter(pk=deleted).update(deleted_at=clock.now())
    ids = [person.user.id for person in (ada, bob, eve)]
    found = places_of(ids)
    assert [place.room_id for place in found[ada.user.id]] == [one, two, key(left)]
    assert len(found[bob.user.id]) == 1
    assert found[eve.user.id] == []
    mine = {place.room_id: place for place in found[ada.user.id]}
    assert mine == places(user_id=ada.user.id, room_ids=mine)
    assert len(statements(lambda: places_of(ids))) == 1


def test_heads_are_told_of_deleted_rooms_too(ada):
    room = key(ada.room())
    Room.objects.filter(pk=room).update(deleted_at=clock.now())
    assert heads([room, new_id()]) == {room: Head(2, 1)}


def test_the_epoch_stays_until_it_is_changed(db):
    Epoch.objects.all().delete()
    word = current_epoch()
    assert word == current_epoch()
    changed = new_epoch()
    assert changed == current_epoch() != word
    assert Epoch.objects.count() == 1
