"""The people, rooms and messages of the documentation's examples: one story, told in every call."""

from typing import Any

ADA: dict[str, Any] = {
    "id": "019aa5e2-7d3c-7a41-9c1b-2f60c35e8d11",
    "username": "ada",
    "display_name": "Ada Lovelace",
    "avatar": None,
    "is_bot": False,
    "deleted": False,
}
BOB: dict[str, Any] = ADA | {
    "id": "019aa5e3-10b8-7f05-8a77-6e1d94b2c0fa",
    "username": "bob",
    "display_name": "Bob",
}
EPOCH = "019aa5e27a1b7c3da9f01f0e6c8a4b21"
ROOM: dict[str, Any] = {
    "id": "019aa5e4-55c1-7e8b-b3a4-d1f0c26e7a90",
    "kind": "private",
    "name": "Engine room",
    "topic": "Cards, cogs and steam",
    "avatar": None,
    "created_by": ADA["id"],
    "created_at": "2026-11-23T09:20:00.120000Z",
    "last_seq": 4,
    "first_seq": 1,
    "changed_seq": 3,
    "member_count": 2,
    "slow_mode_s": 0,
}
DIRECT_ROOM: dict[str, Any] = ROOM | {
    "id": "019aa5e6-1f7a-7b60-8d2e-5c9a03b1f4e7",
    "kind": "direct",
    "name": None,
    "topic": "",
    "members": [ADA, BOB],
}
ROOM_ME: dict[str, Any] = {
    "role": "owner",
    "last_read_seq": 3,
    "unread_count": 1,
    "mention_count": 0,
    "notifications": "all",
    "favourite": False,
    "muted_until": None,
}
MEMBER: dict[str, Any] = {
    "user": BOB,
    "role": "member",
    "muted_until": None,
    "joined_at": "2026-11-23T09:20:00.120000Z",
    "changed_seq": 3,
}
BAN: dict[str, Any] = {
    "user": BOB,
    "reason": "Spam",
    "until": None,
    "created_at": "2026-11-23T09:41:17.552019Z",
    "created_by": ADA["id"],
}
MESSAGE: dict[str, Any] = {
    "id": "019aa5e5-0a3e-7d19-8f42-7b6c5a4e3d21",
    "room": ROOM["id"],
    "seq": 4,
    "changed_seq": 4,
    "client_id": "phone-1763889600-1",
    "author": BOB,
    "body": "The mill is running.",
    "created_at": "2026-11-23T09:21:10.004000Z",
    "edited_at": None,
    "deleted_at": None,
    "reply_to": None,
    "thread": None,
    "reply_count": 0,
    "last_reply_at": None,
    "mentions": [],
    "reactions": [],
    "attachments": [],
    "metadata": {},
    "pinned": False,
}
MESSAGE_REST: dict[str, Any] = MESSAGE | {"me": {"reactions": []}}
EDITED_REST: dict[str, Any] = MESSAGE_REST | {
    "changed_seq": 5,
    "body": "The mill is running again.",
    "edited_at": "2026-11-23T09:22:41.730000Z",
}
TOMBSTONE_REST: dict[str, Any] = EDITED_REST | {
    "changed_seq": 6,
    "body": "",
    "deleted_at": "2026-11-23T09:24:05.118000Z",
}
EVENT: dict[str, Any] = {
    "type": "message.created",
    "room": ROOM["id"],
    "seq": 4,
    "at": MESSAGE["created_at"],
    "actor": BOB["id"],
    "data": {"message": MESSAGE},
}
