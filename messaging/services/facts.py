"""What a message needs looked up beside its author: whom it names, what it replies to, who blocks whom."""

from collections.abc import Collection, Sequence
from itertools import permutations
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from accounts.models import User
from accounts.selectors import blocks_among
from common.rows import RowSet, read_uuid
from common.statements import Together
from messaging.models import Mention, Message
from realtime import objects
from realtime.protocol import Mentioned
from realtime.publish import notify_on_commit
from rooms.models import Membership, Notifications, Room

_NAMES = RowSet("n", room_id="uuid", username_key="text")
_MENTIONS = RowSet("n", room_id="uuid", user_id="uuid", seq="int", message_id="uuid")


class Words(NamedTuple):
    """What of a message calls for more than its author's place in the room."""

    room: Room
    author_id: UUID
    names: tuple[tuple[str, ...], ...]
    reply_to: UUID | None = None


class Named(NamedTuple):
    """A member whom a message names. One who is `silenced` does not hear of it: one of the two blocks the other."""

    user_id: UUID
    notifications: str
    silenced: bool


class Facts:
    """What was read under the rooms' locks about some messages' words."""

    def __init__(
        self,
        members: dict[tuple[UUID, str], tuple[UUID, str]],
        replied: dict[UUID, UUID],
        blocks: set[tuple[UUID, UUID]],
    ) -> None:
        self._members = members  # who a name is in a room, and their notifications
        self._replied = replied  # the room of a message
        self._blocks = blocks

    def blocked(self, room: Room) -> bool:
        """Whether one of the two of a direct room blocks the other."""
        return room.direct_low_id is not None and self._either_blocks(*room.pair)

    def has(self, message_id: UUID, room: Room) -> bool:
        """Whether the message that is replied to is one of the room."""
        return self._replied.get(message_id) == room.id

    def named(self, room_id: UUID, author_id: UUID, names: Sequence[Sequence[str]]) -> list[Named]:
        """The members whom these names mean, in order, each once; not the author."""
        found: dict[UUID, Named] = {}
        for keys in names:
            member = next((m for key in keys if (m := self._members.get((room_id, key))) is not None), None)
            if member is not None and member[0] != author_id:
                found[member[0]] = Named(*member, self._either_blocks(member[0], author_id))
        return list(found.values())

    def _either_blocks(self, one: UUID, other: UUID) -> bool:
        return bool(self._blocks) and ((one, other) in self._blocks or (other, one) in self._blocks)


NO_FACTS = Facts({}, {}, set())


def read_facts(said: Collection[Words]) -> Facts:
    """At most three statements, however much was said; none for what nobody is named, replied to or alone with."""
    if not said:
        return NO_FACTS
    members = _members({(words.room.id, key) for words in said for keys in words.names for key in keys})
    replied = {words.reply_to for words in said if words.reply_to is not None}
    rooms = dict(Message.objects.filter(id__in=replied).values_list("id", "room_id")) if replied else {}
    known = Facts(members, rooms, set())
    pairs = {pair for words in said for pair in permutations(words.room.pair, 2)}
    for words in said:
        for person in known.named(words.room.id, words.author_id, words.names):
            pairs.update(permutations((person.user_id, words.author_id), 2))
    return Facts(members, rooms, blocks_among(pairs))


def _members(names: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], tuple[UUID, str]]:
    if not names:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT n.room_id, n.username_key, u.id, m.notifications FROM {_NAMES.sql} "  # noqa: S608
            f"JOIN {User._meta.db_table} u ON u.username_key = n.username_key "
            f"JOIN {Membership._meta.db_table} m ON m.room_id = n.room_id AND m.user_id = u.id "
            "AND m.left_seq IS NULL",
            _NAMES.params(names),
        )
        rows = cursor.fetchall()
    return {(read_uuid(room), name): (read_uuid(user), told) for room, name, user, told in rows}


def tell_mentioned(
    told: Sequence[tuple[objects.Message, Sequence[Named]]], *, beside: Together | None = None
) -> None:
    """Count the message as a mention for each of these people, and send them its notice; one statement, if any.

    It is carried out at once, or with what else is `beside` it, when that is run. The silenced are left out, and
    who wants no notifications gets no notice.
    """
    rows = []
    for message, people in told:
        heard = [person for person in people if not person.silenced]
        rows += [(message.room, person.user_id, message.seq, message.id) for person in heard]
        wanted = [person.user_id for person in heard if person.notifications != Notifications.NONE]
        if wanted:
            notify_on_commit(wanted, Mentioned(message.room, message))
    if rows:
        writes = Together() if beside is None else beside
        writes.add(
            f"INSERT INTO {Mention._meta.db_table} (room_id, user_id, seq, message_id) "  # noqa: S608
            f"SELECT room_id, user_id, seq, message_id FROM {_MENTIONS.sql}",
            _MENTIONS.params(rows),
        )
        if beside is None:
            writes.run()
