"""Storing messages, many in one transaction."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
from django.db import DatabaseError, InterfaceError, connection, transaction
from msgspec import UNSET

from common import clock, ids
from common.db import unavailable, with_retry
from common.errors import (
    Blocked,
    ClientIdConflict,
    InternalError,
    Muted,
    ParleyError,
    RateLimited,
    SlowMode,
)
from common.limits import SENDS
from common.rates import Charge
from common.rows import Kind, RowSet, read_time, read_uuid
from common.statements import Together, one_round_trip
from messaging import payloads
from messaging.drafts import Draft, is_repetition, no_such_reply
from messaging.inbox import UNREAD_MAX
from messaging.metadata import write_metadata
from messaging.models import Message
from messaging.services.facts import Facts, Named, Words, read_facts, tell_mentioned
from realtime import objects
from realtime.events import EventType
from realtime.protocol import RoomMeMoved
from realtime.publish import RoomEvent, notify_on_commit, publish_on_commit
from rooms import log
from rooms.access import refusal
from rooms.models import Membership, Role, Room

logger = logging.getLogger(__name__)

_KEYS = RowSet("k", room_id="uuid", author_id="uuid", client_id="text")
_SENT = RowSet("p", id="int", seq="int", at="time")
_PLAIN: dict[str, Kind] = {
    "id": "uuid", "room_id": "uuid", "seq": "int", "client_id": "text", "draft_hash": "text",
    "author_id": "uuid", "body": "text", "at": "time",
}  # fmt: skip
_MESSAGES = RowSet("m", **_PLAIN)
_RICH_MESSAGES = RowSet("m", **_PLAIN, reply_to="uuid", mentions="json", metadata="text")


class Sent(NamedTuple):
    """A message that is stored. `duplicate`: it had been before."""

    message: objects.Message
    duplicate: bool


class _Sender(msgspec.Struct):
    membership_id: int
    role: str
    muted_until: datetime | None
    last_sent_at: Any  # as the database gives it: only slow mode asks
    author: objects.Author
    payer_id: UUID  # on whom it counts: a bot's owner
    notifications: str
    favourite: bool
    owner_muted_until: datetime | None  # a bot's owner's, in this room or when they were last in it


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
        with one_round_trip():
            lock = log.ask_to_lock({draft.room_id for draft in drafts})
            read = _ask_standing(drafts)
        rooms, rows = lock(), read()
        senders, known = _standing(rows)
        facts = _facts(drafts, rooms, senders, known)
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
                same = is_repetition(draft, before.draft_hash)
                results[index] = Sent(before.message, True) if same else ClientIdConflict()
            elif key in fresh:
                if drafts[fresh[key]].digest == draft.digest:
                    repeated.append((index, fresh[key]))
                else:
                    results[index] = ClientIdConflict()
            elif (refused := _refused(draft, room, sender, facts, at)) is not None:
                results[index] = refused
            elif (standing := charge(sender.payer_id)).allowed:
                fresh[key] = index
                sender.last_sent_at = at
            else:  # last of all: what is refused for another reason costs nothing
                results[index] = RateLimited.by(standing, "Too many messages; wait a little.")
        if fresh:
            written = _write([drafts[i] for i in fresh.values()], rooms, senders, facts, at)
            for index, message in zip(fresh.values(), written, strict=True):
                results[index] = Sent(message, False)
        for index, first in repeated:
            sent = results[first]
            assert isinstance(sent, Sent)
            results[index] = Sent(sent.message, True)
    answered = [result for result in results if result is not None]
    assert len(answered) == len(drafts)
    return answered


def _facts(
    drafts: Sequence[Draft],
    rooms: dict[UUID, Room],
    senders: dict[tuple[UUID, UUID], _Sender],
    known: dict[tuple[UUID, UUID, str], _Known],
) -> Facts:
    """What must be looked up for those drafts that are to be messages; nothing for plain ones."""
    said = []
    for draft in drafts:
        room = rooms.get(draft.room_id)
        if room is None or not (draft.names or draft.reply_to is not None or room.direct_low_id is not None):
            continue
        pair = (draft.room_id, draft.author_id)
        if pair in senders and (*pair, draft.client_id) not in known:
            said.append(Words(room, draft.author_id, draft.names, draft.reply_to))
    return read_facts(said)


def _refused(draft: Draft, room: Room, sender: _Sender, facts: Facts, at: datetime) -> ParleyError | None:
    """Why a member's draft, not sent before, cannot be a message now."""
    if any(until is not None and until > at for until in (sender.muted_until, sender.owner_muted_until)):
        return Muted()
    if room.direct_low_id is not None and facts.blocked(room):
        return Blocked()
    if room.slow_mode_s and sender.last_sent_at is not None and not Role(sender.role).moderates:
        wait_s = room.slow_mode_s - (at - read_time(sender.last_sent_at)).total_seconds()
        if wait_s > 0:
            return SlowMode(retry_after_s=min(wait_s, room.slow_mode_s))
    if draft.reply_to is not None and not facts.has(draft.reply_to, room):
        return no_such_reply()
    return None


def _ask_standing(drafts: Sequence[Draft]) -> Callable[[], list[tuple[Any, ...]]]:
    """The rows for `_standing`, had by calling what this returns; one statement.

    When they last sent is only read for rooms in slow mode: Django's times take longer than all else of a row.
    """
    cursor = connection.cursor()
    cursor.execute(
        "SELECT k.room_id, k.author_id, x.id, x.draft_hash, m.id, m.role, m.muted_until, "  # noqa: S608
        "CASE WHEN r.slow_mode_s > 0 THEN m.last_sent_at END, "
        f"u.username, u.display_name, u.avatar, u.is_bot, u.deleted_at, u.owner_id, m.notifications, m.favourite, "
        f"o.muted_until FROM {_KEYS.sql} "
        f"JOIN {Room._meta.db_table} r ON r.id = k.room_id "
        f"JOIN {Membership._meta.db_table} m ON m.room_id = k.room_id AND m.user_id = k.author_id "
        "AND m.left_seq IS NULL JOIN accounts_user u ON u.id = m.user_id "
        f"LEFT JOIN {Membership._meta.db_table} o ON o.room_id = k.room_id AND o.user_id = u.owner_id "
        f"LEFT JOIN {Message._meta.db_table} x ON x.room_id = k.room_id AND x.author_id = k.author_id "
        "AND x.client_id = k.client_id",
        _KEYS.params({(draft.room_id, draft.author_id, draft.client_id) for draft in drafts}),
    )

    def rows() -> list[tuple[Any, ...]]:
        with cursor:
            return list(cursor.fetchall())

    return rows


def _standing(
    rows: Sequence[tuple[Any, ...]],
) -> tuple[dict[tuple[UUID, UUID], _Sender], dict[tuple[UUID, UUID, str], _Known]]:
    """Which authors are in which rooms, with what a message shows of them; and which of the drafts are
    messages already, as those are now: read only if any are.
    """
    senders: dict[tuple[UUID, UUID], _Sender] = {}
    hashes: dict[UUID, str] = {}
    for row in rows:
        pair = read_uuid(row[0]), read_uuid(row[1])
        if pair not in senders:
            muted_until = None if row[6] is None else read_time(row[6])
            author = payloads.author_from(pair[1], *row[8:13])
            payer_id = pair[1] if row[13] is None else read_uuid(row[13])
            senders[pair] = _Sender(
                row[4],
                row[5],
                muted_until,
                row[7],
                author,
                payer_id,
                row[14],
                bool(row[15]),
                None if row[16] is None else read_time(row[16]),
            )
        if row[2] is not None:
            hashes[read_uuid(row[2])] = row[3]
    if not hashes:
        return senders, {}
    messages = payloads.read_messages(Message.objects.filter(id__in=hashes))
    return senders, {(m.room, m.author.id, m.client_id): _Known(hashes[m.id], m) for m in messages}


def _write(
    drafts: Sequence[Draft],
    rooms: dict[UUID, Room],
    senders: dict[tuple[UUID, UUID], _Sender],
    facts: Facts,
    at: datetime,
) -> list[objects.Message]:
    """Number and store drafts that nothing speaks against, and commit; four statements, and one for whom they mention.

    Nothing that could fail comes after it in the transaction.
    """
    writes = Together()
    entries = [
        log.Entry(rooms[draft.room_id], EventType.MESSAGE_CREATED, draft.author_id, ids.new_id())
        for draft in drafts
    ]
    log.append(entries, at=at, beside=writes)
    stored: list[objects.Message] = []
    events: dict[UUID, list[RoomEvent]] = {}
    sent: dict[int, int] = {}
    mentioned: list[tuple[objects.Message, list[Named]]] = []
    rich = False
    for draft, entry in zip(drafts, entries, strict=True):
        assert entry.subject_id is not None
        sender = senders[draft.room_id, draft.author_id]
        message = payloads.new_message(entry.subject_id, draft, entry.seq, sender.author, at)
        if draft.names:
            named = facts.named(draft.room_id, draft.author_id, draft.names)
            message = msgspec.structs.replace(message, mentions=tuple(person.user_id for person in named))
            mentioned.append((message, named))
        rich = rich or bool(draft.names or draft.metadata or draft.reply_to)
        stored.append(message)
        events.setdefault(draft.room_id, []).append(
            payloads.message_changed(entry.type, entry.seq, at, draft.author_id, message)
        )
        sent[sender.membership_id] = entry.seq
    _insert(drafts, stored, at, writes, rich=rich)
    writes.add(
        f"UPDATE {Membership._meta.db_table} AS t SET last_read_seq = p.seq, last_sent_at = p.at "  # noqa: S608
        f"FROM {_SENT.sql} WHERE t.id = p.id AND t.last_read_seq < p.seq",
        _SENT.params((key, seq, at) for key, seq in sent.items()),
    )
    for room_id, new in events.items():
        publish_on_commit(room_id, new)
    tell_mentioned(mentioned, beside=writes)
    _tell_senders(drafts, stored, rooms, senders, mentioned)
    writes.run_last()
    return stored


def _tell_senders(
    drafts: Sequence[Draft],
    stored: Sequence[objects.Message],
    rooms: dict[UUID, Room],
    senders: dict[tuple[UUID, UUID], _Sender],
    mentioned: Sequence[tuple[objects.Message, Sequence[Named]]],
) -> None:
    """Tell each author's other sockets that their read position moved (`room.me`); no statement.

    What they have not read is what of this batch is above their last message. The socket it came by gets the ack.
    """
    named = {message.id: people for message, people in mentioned}
    above: Counter[UUID] = Counter()
    calling: Counter[tuple[UUID, UUID]] = Counter()
    told: set[tuple[UUID, UUID]] = set()
    for draft, message in zip(reversed(drafts), reversed(stored), strict=True):
        pair = message.room, message.author.id
        if pair not in told:
            told.add(pair)
            sender = senders[pair]
            me = objects.RoomMe(
                role=sender.role,  # type: ignore[arg-type]  # held by a constraint
                last_read_seq=message.seq,
                unread_count=min(above[message.room], UNREAD_MAX),
                mention_count=min(calling[pair], UNREAD_MAX),
                notifications=sender.notifications,  # type: ignore[arg-type]  # held by a constraint
                favourite=sender.favourite,
                muted_until=sender.muted_until,
                hidden=UNSET if rooms[message.room].direct_low_id is None else False,
            )
            notify_on_commit([message.author.id], RoomMeMoved(message.room, me), but=draft.socket)
        above[message.room] += 1
        calling.update(
            (message.room, person.user_id) for person in named.get(message.id, ()) if not person.silenced
        )


def _insert(
    drafts: Sequence[Draft], stored: Sequence[objects.Message], at: datetime, writes: Together, *, rich: bool
) -> None:
    """Store the messages; a batch in which none has more than a text is spared what is the same for all."""
    rows: Iterable[tuple[Any, ...]] = (
        (m.id, m.room, m.seq, m.client_id, draft.digest, m.author.id, m.body, at)
        for m, draft in zip(stored, drafts, strict=True)
    )
    table, more = _MESSAGES, "NULL, '[]', '{}'"
    if rich:
        table, more = _RICH_MESSAGES, "reply_to, mentions, metadata"
        rows = (
            (*row, m.reply_to, [str(key) for key in m.mentions], write_metadata(m.metadata))
            for row, m in zip(rows, stored, strict=True)
        )
    writes.add(
        f"INSERT INTO {Message._meta.db_table} (id, room_id, seq, changed_seq, client_id, draft_hash, "  # noqa: S608
        "author_id, body, created_at, reply_to_id, mentions, metadata, reply_count, pinned) "
        f"SELECT id, room_id, seq, seq, client_id, draft_hash, author_id, body, at, {more}, 0, "
        f"{'FALSE' if connection.vendor == 'postgresql' else '0'} FROM {table.sql}",
        table.params(rows),
    )
