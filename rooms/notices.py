"""What a person's own sockets are told of the rooms they come into and are out of: hints, REST is the truth."""

from collections.abc import Collection, Iterable
from uuid import UUID

from realtime import objects
from realtime.protocol import RoomAdded, RoomRemoved
from realtime.publish import memberships_moved_on_commit, notify_on_commit


def tell_in_on_commit(user_ids: Collection[UUID], room: objects.Room) -> None:
    """They are in `room` now: each of their sockets gets `room.added`, those on `"all"` begin to follow it."""
    for user_id in user_ids:
        memberships_moved_on_commit(user_id)
    notify_on_commit(user_ids, RoomAdded(room))


def tell_out_on_commit(user_ids: Iterable[UUID], room_id: UUID, reason: str) -> None:
    """They are out of the room: each of their sockets gets `room.removed`, whatever it is subscribed to."""
    notify_on_commit(user_ids, RoomRemoved(room_id, reason))
