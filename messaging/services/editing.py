"""Changing what a message says, and taking it back. Each call is one transaction under the room's lock."""

from uuid import UUID

import msgspec
from django.conf import settings
from django.db import connection

from common import clock
from common.db import in_charged_transaction, in_transaction
from common.errors import Blocked, Forbidden, MessageDeleted, Muted, NotFound, RateLimited
from common.limits import SENDS
from common.rates import Charge
from common.rows import RowSet
from messaging import payloads
from messaging.drafts import clean_body
from messaging.mentions import names_in
from messaging.metadata import NONE
from messaging.models import Mention, Message, MessageEdit
from messaging.services.facts import Words, read_facts, tell_mentioned
from realtime import objects
from realtime.events import EventType
from realtime.publish import publish_on_commit
from rooms import log
from rooms.access import Seat, is_muted, known_id, locked_room_for_member
from rooms.models import Room

_VERSION = RowSet("v", message_id="uuid", body="text", written_at="time", most="int")


def edit_message(
    *, user_id: UUID, payer_id: UUID, room_id: str, message_id: str, body: str
) -> objects.Message:
    """The message with its new text; what it said before is kept for `message_versions`.

    For who could send there now (Muted, Blocked) and is its author (Forbidden), while it is not deleted
    (MessageDeleted). The same text changes nothing. An edit counts as a send, of `payer_id`'s (RateLimited), and there are
    EDITS_PER_MESSAGE of a message (Forbidden).
    """
    key = known_id(room_id)
    body = clean_body(body)
    names = names_in(body)

    def write(charge: Charge) -> objects.Message:
        seat, message = _found(key, message_id, user_id)
        at = clock.now()
        facts = read_facts([Words(seat.room, user_id, names)])
        if is_muted(seat, at):
            raise Muted()
        if facts.blocked(seat.room):
            raise Blocked()
        if message.author.id != user_id:
            raise Forbidden()
        if message.deleted_at is not None:
            raise MessageDeleted()
        if message.body == body:
            return message
        standing = charge(payer_id)
        if not standing.allowed:
            raise RateLimited.by(standing, "Too many messages; wait a little.")
        entry = log.Entry(seat.room, EventType.MESSAGE_UPDATED, user_id, message.id)
        log.append([entry], at=at)
        _keep_version(message)
        named = facts.named(key, user_id, names)
        mentions = tuple(person.user_id for person in named)
        edited = msgspec.structs.replace(
            message, body=body, edited_at=at, changed_seq=entry.seq, mentions=mentions
        )
        Message.objects.filter(id=message.id).update(
            body=body, edited_at=at, changed_seq=entry.seq, mentions=[str(user) for user in mentions]
        )
        gone = set(message.mentions).difference(mentions)
        if gone:
            Mention.objects.filter(message_id=message.id, user_id__in=gone).delete()
        publish_on_commit(key, [payloads.message_changed(entry.type, entry.seq, at, user_id, edited)])
        tell_mentioned([(edited, [person for person in named if person.user_id not in message.mentions])])
        return edited

    return in_charged_transaction(SENDS, write)


def _keep_version(message: objects.Message) -> None:
    """What it says now becomes a version of it; Forbidden where it has EDITS_PER_MESSAGE. Counted as it is written."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {MessageEdit._meta.db_table} (message_id, body, written_at) "  # noqa: S608
            f"SELECT v.message_id, v.body, v.written_at FROM {_VERSION.sql} WHERE (SELECT COUNT(*) "
            f"FROM {MessageEdit._meta.db_table} x WHERE x.message_id = v.message_id) < v.most",
            _VERSION.params(
                [
                    (
                        message.id, message.body, message.edited_at or message.created_at,
                        settings.EDITS_PER_MESSAGE,
                    )
                ]
            ),
        )  # fmt: skip
        if cursor.rowcount == 0:
            raise Forbidden(f"A message is edited at most {settings.EDITS_PER_MESSAGE} times.")


def delete_message(*, user_id: UUID, room_id: str, message_id: str) -> objects.Message:
    """The tombstone: its author, or whoever moderates the room, has deleted the message.

    Its text is nowhere in the database any more, nor what it said before, nor whom it mentioned; what tells
    a repetition of its `client_id` is kept. Deleting it again changes nothing.
    """
    key = known_id(room_id)

    def write() -> objects.Message:
        seat, message = _found(key, message_id, user_id)
        if message.author.id != user_id and not seat.moderates:
            raise Forbidden()
        return _bury(seat.room, message, actor_id=user_id)

    return in_transaction(write)


def delete_message_as_operator(*, message_id: UUID) -> objects.Message:
    """As `delete_message`, by whoever runs the server: the event's `actor` is null.

    NotFound for a message that does not exist or whose room is deleted.
    """

    def write() -> objects.Message:
        room_id = Message.objects.filter(id=message_id).values_list("room_id", flat=True).first()
        room = None if room_id is None else log.lock_rooms([room_id]).get(room_id)
        if room is None:
            raise NotFound()
        return _bury(room, _stored(room.id, message_id), actor_id=None)

    return in_transaction(write)


def _found(room_id: UUID, message_id: str, user_id: UUID) -> tuple[Seat, objects.Message]:
    """My place in the room, which is now locked, and the message."""
    key = known_id(message_id)
    seat = locked_room_for_member(log.lock_rooms([room_id]), user_id=user_id, room_id=room_id)
    return seat, _stored(room_id, key)


def _stored(room_id: UUID, message_id: UUID) -> objects.Message:
    found = payloads.read_messages(Message.objects.filter(id=message_id, room_id=room_id))
    if not found:
        raise NotFound()
    return found[0]


def _bury(room: Room, message: objects.Message, *, actor_id: UUID | None) -> objects.Message:
    """Make a tombstone of a message of the locked `room`."""
    if message.deleted_at is not None:
        return message
    at = clock.now()
    entry = log.Entry(room, EventType.MESSAGE_DELETED, actor_id, message.id)
    log.append([entry], at=at)
    MessageEdit.objects.filter(message_id=message.id).delete()
    Mention.objects.filter(message_id=message.id).delete()
    tombstone = msgspec.structs.replace(
        message, body="", mentions=(), reactions=(), attachments=(), metadata={}, deleted_at=at,
        changed_seq=entry.seq,
    )  # fmt: skip
    Message.objects.filter(id=message.id).update(
        body="", mentions=[], metadata=NONE, deleted_at=at, changed_seq=entry.seq
    )
    publish_on_commit(room.id, [payloads.message_changed(entry.type, entry.seq, at, actor_id, tombstone)])
    return tombstone
