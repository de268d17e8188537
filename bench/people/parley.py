"""`python -m bench.people.parley`: a crowd as JSON on standard input, made in the settings' database.

Rows as the services would have left them, tokens signed by the product's own code.
"""

import hashlib
import secrets
import sys

import django
import msgspec

django.setup(set_prefix=False)

from django.conf import settings  # noqa: E402
from django.contrib.auth.hashers import make_password  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from accounts import tokens  # noqa: E402
from accounts.models import Session, User  # noqa: E402
from bench.people.crowd import PASSWORD, Crowd, Populated  # noqa: E402
from common import clock  # noqa: E402
from messaging.models import Message  # noqa: E402
from realtime.events import EventType  # noqa: E402
from rooms import log  # noqa: E402
from rooms.models import Kind, LogEntry, Membership, Role, Room  # noqa: E402

ROWS = 5_000  # of one statement


def main() -> None:
    assert not settings.DEBUG, "a benchmark with DEBUG on measures Django's notebook of queries"
    crowd = msgspec.json.decode(sys.stdin.buffer.read(), type=Crowd)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")  # ours is for requests
    with transaction.atomic():
        users = _users(crowd)
        signed = _tokens(users)
        rooms = _rooms(crowd, users)
        if crowd.fill:
            for room, members in zip(rooms, crowd.rooms, strict=True):
                _fill(room, users[members[0]], crowd.fill)
    if crowd.fill and connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM (ANALYZE, FREEZE)")
    made = Populated(
        tokens=signed,
        rooms=[str(room.id) for room in rooms],
        heads=_heads(rooms),
        names=[user.username for user in users[: crowd.passwords]],
    )
    sys.stdout.buffer.write(msgspec.json.encode(made))


def _heads(rooms: list[Room]) -> list[int]:
    found = Room.objects.in_bulk([room.id for room in rooms])
    return [found[room.id].last_seq for room in rooms]


def _users(crowd: Crowd) -> list[User]:
    mark = secrets.token_hex(4)
    password = make_password(PASSWORD) if crowd.passwords else make_password(None)
    names = [f"ada-{mark}-{number}" for number in range(crowd.people)]
    users = [User(username=name, username_key=name, display_name=name, password=password) for name in names]
    return User.objects.bulk_create(users, batch_size=ROWS)


def _tokens(users: list[User]) -> list[str]:
    now = clock.now()
    sessions = [Session(user=user, device="bench", created_at=now, last_seen_at=now) for user in users]
    for session in sessions:
        tokens.renew(session, now)
    Session.objects.bulk_create(sessions, batch_size=ROWS)
    return [tokens.pair_of(session).access for session in sessions]


def _rooms(crowd: Crowd, users: list[User]) -> list[Room]:
    now = clock.now()
    rooms, memberships, entries = [], [], []
    for number, members in enumerate(crowd.rooms):
        room = Room(kind=Kind.PRIVATE, name=f"Engine room {number}", created_by=users[members[0]])
        rooms.append(room)
        entries.append(log.Entry(room, EventType.ROOM_CREATED, users[members[0]].id))
        for index in members:
            entry = log.Entry(room, EventType.MEMBER_JOINED, users[members[0]].id, users[index].id)
            entries.append(entry)
            memberships.append((entry, index, Role.OWNER if index == members[0] else Role.MEMBER))
    Room.objects.bulk_create(rooms, batch_size=ROWS)
    for begin in range(0, len(entries), ROWS):
        log.append(entries[begin : begin + ROWS], at=now)
    Membership.objects.bulk_create(
        [
            Membership(
                room=entry.room, user=users[index], role=role, joined_at=now, joined_seq=entry.seq,
                changed_seq=entry.seq, last_read_seq=entry.seq,
            )
            for entry, index, role in memberships
        ],
        batch_size=ROWS,
    )  # fmt: skip
    return rooms


def _fill(room: Room, author: User, count: int) -> None:
    """`count` messages with their log entries, made by the database itself: a million in half a minute."""
    message, entry, table = Message._meta.db_table, LogEntry._meta.db_table, Room._meta.db_table
    room.refresh_from_db()
    with connection.cursor() as cursor:
        # gen_random_uuid() is none of ours (version 7), so the order of the key is taken from the number.
        cursor.execute(
            f"""
            WITH made AS (
                INSERT INTO {message} (id, room_id, seq, changed_seq, client_id, draft_hash, author_id, body,
                                       created_at, reply_count, mentions, metadata, pinned)
                SELECT (lpad(to_hex(n), 12, '0') || '7' || substr(md5(%(room)s::text || n), 1, 19))::uuid,
                       %(room)s, %(head)s + n, %(head)s + n, 'fill-0-' || n, %(hash)s, %(author)s,
                       repeat('x', 100), now(), 0, '[]', '{{}}', false
                FROM generate_series(1, %(count)s) AS n
                RETURNING id, room_id, seq, author_id, created_at
            )
            INSERT INTO {entry} (room_id, seq, type, at, actor_id, subject_id, data)
            SELECT room_id, seq, 'message.created', created_at, author_id, id, '{{}}' FROM made
            """,
            {
                "room": room.id,
                "head": room.last_seq,
                "hash": hashlib.sha256(b"fill").hexdigest(),
                "author": author.id,
                "count": count,
            },
        )
        cursor.execute(
            f"UPDATE {table} SET last_seq = last_seq + %s, last_event_at = now() WHERE id = %s",
            [count, room.id],
        )


main()
