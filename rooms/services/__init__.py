"""Everything that changes a room or who is in it. Each call is one transaction under the room's lock."""

from rooms.services.bans import ban_user, lift_ban
from rooms.services.direct import open_direct_room
from rooms.services.members import Added, add_member, add_members, join_room, leave_room, remove_member
from rooms.services.purge import purge_deleted_rooms
from rooms.services.roles import update_member
from rooms.services.rooms import CreatedRoom, create_room, delete_room, delete_room_as_operator, update_room

__all__ = [
    "Added",
    "CreatedRoom",
    "add_member",
    "add_members",
    "ban_user",
    "create_room",
    "delete_room",
    "delete_room_as_operator",
    "join_room",
    "leave_room",
    "lift_ban",
    "open_direct_room",
    "purge_deleted_rooms",
    "remove_member",
    "update_member",
    "update_room",
]
