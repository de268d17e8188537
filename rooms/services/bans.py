"""Who may not come into a room (again)."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Q

from accounts.models import User
from common import clock
from common.db import in_transaction
from common.errors import NotFound
from common.text import clean_text
from realtime import objects
from rooms import log
from rooms.access import known_id, locked_room_for_member, standing_bans
from rooms.models import Ban, Kind, Membership, Role
from rooms.payloads import ban_of
from rooms.services.members import go_out
from rooms.services.needs import needs, needs_another_than_my_owner

REASON_MAX_CHARS = 500


class Banned(NamedTuple):
    """`created` is False where the person was banned already."""

    ban: objects.Ban
    created: bool


def ban_user(
    *, actor_id: UUID, room_id: str, user_id: str, reason: str | None = None, until: datetime | None = None
) -> Banned:
    """Keep somebody out of a room, as its owner or an admin, until a time or for ever.

    A member of a lower role is out in the same transaction (`member.left`, `banned`), and so are those of their
    bots that have one; nobody bans an equal, a higher one, themselves or,
    as a bot, their owner. Who is not in the room is banned
    without an event. Banning again replaces `reason` and `until`. NotFound for who is unknown or deleted.
    """
    reason = clean_text(reason or "", attr="reason", max_chars=REASON_MAX_CHARS)
    if until is not None:
        until = clock.in_future(until, attr="until")
    key = known_id(room_id)

    def write() -> Banned:
        room, mine = locked_room_for_member(log.lock_rooms([key]), user_id=actor_id, room_id=key)
        needs(room.kind != Kind.DIRECT and Role(mine.role).moderates)
        target_id = known_id(user_id)
        needs(target_id != actor_id)
        needs_another_than_my_owner(mine, target_id)
        user = User.objects.filter(pk=target_id, deleted_at=None).first()
        if user is None:
            raise NotFound()
        everybody = User.objects.filter(Q(pk=user.pk) | Q(owner=user))
        members = list(Membership.objects.filter(room=room, user__in=everybody, left_seq=None).order_by("id"))
        lower = [member for member in members if Role(mine.role).rank > Role(member.role).rank]
        needs(all(member in lower for member in members if member.user_id == user.pk))
        ban = standing_bans(room.id).filter(user=user).first()
        created = ban is None
        if ban is None:
            Ban.objects.filter(room=room, user=user).delete()  # one that has passed
            ban = Ban.objects.create(
                room=room,
                user=user,
                reason=reason,
                until=until,
                created_at=clock.now(),
                created_by_id=actor_id,
            )
        elif (ban.reason, ban.until) != (reason, until):
            ban.reason, ban.until = reason, until
            ban.save(update_fields=["reason", "until"])
        for member in lower:
            go_out(room, member, actor_id=actor_id, reason="banned")
        return Banned(ban_of(ban, user), created)

    return in_transaction(write)


def lift_ban(*, actor_id: UUID, room_id: str, user_id: str) -> None:
    """Let somebody come in again, as an owner or admin; nothing happens where they are not banned.

    Nobody's own bot does (Forbidden).
    """
    key = known_id(room_id)

    def write() -> None:
        room, mine = locked_room_for_member(log.lock_rooms([key]), user_id=actor_id, room_id=key)
        needs(room.kind != Kind.DIRECT and Role(mine.role).moderates)
        target_id = known_id(user_id)
        needs_another_than_my_owner(mine, target_id)
        Ban.objects.filter(room=room, user_id=target_id).delete()

    in_transaction(write)
