"""What one sets for oneself in a room."""

from uuid import UUID

import msgspec
from msgspec import UNSET, UnsetType

from common.db import with_retry
from common.errors import Invalid
from messaging.inbox import me_now, written_room
from realtime import objects
from realtime.protocol import RoomMeMoved
from realtime.publish import notify_on_commit
from rooms import services as rooms
from rooms.access import refusal, room_for_member
from rooms.models import Kind, Membership, Notifications


def update_my_settings(
    *,
    user_id: UUID,
    room_id: str,
    notifications: str | UnsetType = UNSET,
    favourite: bool | UnsetType = UNSET,
    hidden: bool | UnsetType = UNSET,
) -> objects.RoomMe:
    """What the room is to me then. No event: where anything differs from before, my sockets are told (`room.me`).

    `hidden`, of direct rooms alone (Invalid elsewhere), leaves the room out of the list of mine until the next
    message in it, or until I open it.
    """
    changes: dict[str, str | bool | int | None] = {}
    if notifications is not UNSET:
        if notifications not in Notifications.values:
            raise Invalid.field("notifications", "all, mentions or none")
        changes["notifications"] = notifications
    if favourite is not UNSET:
        changes["favourite"] = favourite
    room, membership = room_for_member(user_id=user_id, room_id=room_id)
    if hidden is not UNSET and (hidden or room.kind == Kind.DIRECT):
        if room.kind != Kind.DIRECT:
            raise Invalid.field("hidden", "direct rooms alone")
        changes["hidden_seq"] = room.last_seq if hidden else None
    before = me_now(membership.pk)
    if changes:
        mine = Membership.objects.filter(pk=membership.pk, left_seq=None)
        with_retry(lambda: mine.update(**changes))
    me = me_now(membership.pk)
    if me is None or before is None:  # taken out meanwhile
        raise refusal(room)
    if _settings(before) != _settings(me):
        notify_on_commit([user_id], RoomMeMoved(room.id, me))
    return me


def open_direct_room(*, user_id: UUID, other_id: str) -> tuple[objects.Room, bool]:
    """Our direct room with `me`, as rooms.services.open_direct_room finds or makes it, and whether it is new.

    One that I had hidden is shown again: I open it.
    """
    made = rooms.open_direct_room(user_id=user_id, other_id=other_id)
    room = written_room(user_id=user_id, room=made.room)
    if room.me is not None and room.me is not UNSET and room.me.hidden is True:
        me = update_my_settings(user_id=user_id, room_id=str(room.id), hidden=False)
        room = msgspec.structs.replace(room, me=me)
    return room, made.created


def _settings(me: objects.RoomMe) -> tuple[object, ...]:
    return me.notifications, me.favourite, me.hidden
