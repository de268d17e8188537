"""Storing messages, many in one transaction."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connection, transaction

from common import clock, ids
from common.db import unavailable, with_retry
from common.errors import ClientIdConflict, InternalError, Muted, ParleyError, RateLimited
from common.limits import SENDS
from common.rates import Charge
from common.rows import RowSet, read_time, read_uuid
from messaging import payloads
from messaging.drafts import Draft
from messaging.models import Message
from realtime import objects
from realtime.events import EventType
from realtime.publish import RoomEvent, publish_on_commit
from rooms import log
from rooms.access import refusal
from rooms.models import Membership, Room

logger = logging.getLogger(__name__)

_KEYS = RowSet("k", room_id="uuid", author_id="uuid", client_id="text")
_READS = RowSet("p", id="int", seq="int")
_MESSAGES = RowSet(
    "m", id="uuid", room_id="uuid", seq="int", client_id="text", draft_hash="text", author_id="uuid",
    body="text", at="time",
)  # fmt: skip


class Sent(NamedTuple):
    """A message that is stored. `duplicate`: it had been before."""

    message: objects.Message
    duplicate: bool


class _Sender(NamedTuple):
    membership_id: int
    muted_until: datetime | None
    author: objects.Author


class _Known(NamedTuple):
    draft_hash: str
    message: objects.Message


def send_messages(drafts: Sequence[Draft]) -> list[Sent | ParleyError]:
    """Store a batch in one transaction and answer each draft, in order, with its message or its error.

    A constant number of statements, whatever the batch. Each stored message has the next `seq` of
    its room, in the order of the drafts, and its event is published after the commit. Errors are
    found by reading, so one bad draft spoils nobody's; should the transaction fail all the same,
    each draft is tried alone. `Unavailable` means unknown: the same `client_id` may be sent again.
    """
    try:
        return with_retry(lambda: _send_once(drafts))
    except (DatabaseError, InterfaceError) as error:
        refused = unavailable(error)
        if refused is not None:  # it would refuse each of them, and each would wait for it
            connection.close()
            return [refused] * len(drafts)
        if len(drafts) == 1:
            raise
    return [_send_alone(draft) for draft in drafts]


def _send_alone(draft: Draft) -> Sent | ParleyError:
    try:
        return send_messages([draft])[0]
    except (DatabaseError, InterfaceError):
        logger.exception("a message for room %s could not be stored", draft.room_id)
        return InternalError()


def _send_once(drafts: Sequence[Draft]) -> list[Sent | ParleyError]:
    with SENDS.charging() as charge:
        return _send(drafts, charge)


def _send(drafts: Sequence[Draft], charge: Charge) -> list[Sent | ParleyError]:
    with transaction.atomic():
        rooms = log.lock_rooms({draft.room_id for draft in drafts})
        senders, known = _standing(drafts)
        at = clock.now()
        results: list[Sent | ParleyError | None] = [None] * len(drafts)
        fresh: dict[tuple[UUID, UUID, str], int] = {}
        repeated: list[tuple[int, int]] = []
        for index, draft in enumerate(drafts):
            room = rooms.get(draft.room_id)
            sender = senders.get((draft.room_id, draft.author_id))
            if room is None or sender is None:
                results[index] = refusal(room)
                continue
            key = (draft.room_id, draft.author_id, draft.client_id)
            before = known.get(key)
            if before is not None:
                same = before.draft_hash == draft.digest
                results[index] = Sent(before.message, True) if same else ClientIdConflict()
            elif key in fresh:
                if drafts[fresh[key]].digest == draft.digest:
                    repeated.append((index, fresh[key]))
                else:
                    results[index] = ClientIdConflict()
            elif sender.muted_until is not None and sender.muted_until > at:
                results[index] = Muted()
            elif (standing := charge(draft.author_id)).allowed:
                fresh[key] = index
            else:  # last of all: what is refused for another reason costs nothing
                results[index] = RateLimited.by(standing, "Too many messages; wait a little.")
        if fresh:
            written = _write([drafts[i] for i in fresh.values()], rooms, senders, at)
            for index, message in zip(fresh.values(), written, strict=True):
                results[index] = Sent(message, False)
        for index, first in repeated:
            sent = results[first]
            assert isinstance(sent, Sent)
            results[index] = Sent(sent.message, True)
    answered = [result for result in results if result is not None]
    assert len(answered) == len(drafts)
    return answered


def _standing(
    drafts: Sequence[Draft],
) -> tuple[dict[tuple[UUID, UUID], _Sender], dict[tuple[UUID, UUID, str], _Known]]:
    """Which authors are in which rooms, with what a message shows of them; and which of the drafts are
    messages already, as those are now. One statement, a second one only if any are."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT k.room_id, k.author_id, m.id, m.muted_until, x.id, x.draft_hash, "  # noqa: S608
            f"u.username, u.display_name, u.avatar, u.is_bot, u.deleted_at FROM {_KEYS.sql} "
            f"JOIN {Membership._meta.db_table} m ON m.room_id = k.room_id AND m.user_id = k.author_id "
            "AND m.left_seq IS NULL JOIN accounts_user u ON u.id = m.user_id "
            f"LEFT JOIN {Message._meta.db_table} x ON x.room_id = k.room_id AND x.author_id = k.author_id "
            "AND x.client_id = k.client_id",
            _KEYS.params({(draft.room_id, draft.author_id, draft.client_id) for draft in drafts}),
        )
        rows = cursor.fetchall()
    senders: dict[tuple[UUID, UUID], _Sender] = {}
    hashes: dict[UUID, str] = {}
    for row in rows:
        pair = read_uuid(row[0]), read_uuid(row[1])
        if pair not in senders:
            muted_until = None if row[3] is None else read_time(row[3])
            senders[pair] = _Sender(row[2], muted_until, payloads.author_from(pair[1], *row[6:11]))
        if row[4] is not None:
            hashes[read_uuid(row[4])] = row[5]
    if not hashes:
        return senders, {}
    messages = payloads.read_messages(Message.objects.filter(id__in=hashes))
    return senders, {(m.room, m.author.id, m.client_id): _Known(hashes[m.id], m) for m in messages}


def _write(
    drafts: Sequence[Draft],
    rooms: dict[UUID, Room],
    senders: dict[tuple[UUID, UUID], _Sender],
    at: datetime,
) -> list[objects.Message]:
    """Number and store drafts that nothing speaks against: four statements."""
    entries = [
        log.Entry(rooms[draft.room_id], EventType.MESSAGE_CREATED, draft.author_id, ids.new_id())
        for draft in drafts
    ]
    log.append(entries, at=at)
    stored: list[objects.Message] = []
    events: dict[UUID, list[RoomEvent]] = {}
    read: dict[int, int] = {}
    for draft, entry in zip(drafts, entries, strict=True):
        assert entry.subject_id is not None
        sender = senders[draft.room_id, draft.author_id]
        message = payloads.new_message(
            entry.subject_id, draft.room_id, entry.seq, draft.client_id, sender.author, draft.body, at
        )
        stored.append(message)
        events.setdefault(draft.room_id, []).append(
            payloads.message_changed(entry.type, entry.seq, at, draft.author_id, message)
        )
        read[sender.membership_id] = entry.seq
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Message._meta.db_table} (id, room_id, seq, changed_seq, client_id, draft_hash, "  # noqa: S608
            "author_id, body, created_at, reply_count, mentions, metadata, pinned) "
            "SELECT id, room_id, seq, seq, client_id, draft_hash, author_id, body, at, 0, '[]', '{}', "
            f"{'FALSE' if connection.vendor == 'postgresql' else '0'} FROM {_MESSAGES.sql}",
            _MESSAGES.params(
                (m.id, m.room, m.seq, m.client_id, draft.digest, m.author.id, m.body, at)
                for m, draft in zip(stored, drafts, strict=True)
            ),
        )
        cursor.execute(
            f"UPDATE {Membership._meta.db_table} AS t SET last_read_seq = p.seq FROM {_READS.sql} "  # noqa: S608
            "WHERE t.id = p.id AND t.last_read_seq < p.seq",
            _READS.params(read.items()),
        )
    for room_id, new in events.items():
        publish_on_commit(room_id, new)
    return stored
