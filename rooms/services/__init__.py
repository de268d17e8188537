"""Everything that changes a room or who is in it. Each call is one transaction under the room's lock."""

from rooms.services.direct import open_direct_room
from rooms.services.members import Added, add_member, add_members, join_room, leave_room, remove_member
from rooms.services.rooms import CreatedRoom, create_room, delete_room, update_room

__all__ = [
    "Added",
    "CreatedRoom",
    "add_member",
    "add_members",
    "create_room",
    "delete_room",
    "join_room",
    "leave_room",
    "open_direct_room",
    "remove_member",
    "update_room",
]
