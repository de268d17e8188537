"""What a member is in a room, and whether they may speak."""

from datetime import datetime
from uuid import UUID

from msgspec import UNSET, UnsetType

from common import clock
from common.db import in_transaction
from common.errors import Invalid, NotFound
from realtime import objects
from realtime.events import EventType
from realtime.publish import publish_on_commit
from rooms import log, payloads
from rooms.access import known_id, locked_room_for_member
from rooms.models import Kind, Membership, Role
from rooms.services.members import needs_another_owner
from rooms.services.needs import needs, needs_another_than_my_owner


def update_member(
    *,
    actor_id: UUID,
    room_id: str,
    user_id: str,
    role: str | UnsetType = UNSET,
    muted_until: datetime | UnsetType | None = UNSET,
) -> objects.Member:
    """Change a member of a lower role than one's own; `member.updated` where anything differs from before.

    A role is given only below one's own, but an owner may make owners. Oneself one may only step down, which
    the last owner may not (LastOwner), and nobody mutes or unmutes themselves. A bot does nothing of this to its owner. `muted_until` None lifts a mute;
    a time that has passed is Invalid.
    """
    if role is not UNSET and role not in Role.values:
        raise Invalid.field("role", "owner, admin or member")
    if isinstance(muted_until, datetime):
        muted_until = clock.in_future(muted_until, attr="muted_until")
    key = known_id(room_id)

    def write() -> objects.Member:
        room, mine = locked_room_for_member(log.lock_rooms([key]), user_id=actor_id, room_id=key)
        rank = Role(mine.role).rank
        needs(room.kind != Kind.DIRECT)
        target_id = known_id(user_id)
        oneself = target_id == actor_id
        needs(oneself or Role(mine.role).moderates)
        needs_another_than_my_owner(mine, target_id)
        members = Membership.objects.select_related("user")
        target = members.filter(room=room, user_id=target_id, left_seq=None).first()
        if target is None:
            raise NotFound()
        needs(oneself or rank > Role(target.role).rank)
        changed = []
        if role is not UNSET and role != target.role:
            needs(Role(role).rank < rank or (mine.role == Role.OWNER and not oneself))
            if oneself:
                needs_another_owner(room, target)
            target.role = role
            changed.append("role")
        if muted_until is not UNSET and muted_until != target.muted_until:
            needs(not oneself)
            target.muted_until = muted_until
            changed.append("muted_until")
        if changed:
            at = clock.now()
            entry = log.Entry(room, EventType.MEMBER_UPDATED, actor_id, target_id)
            log.append([entry], at=at)
            target.changed_seq = entry.seq
            target.save(update_fields=[*changed, "changed_seq"])
            publish_on_commit(room.id, [payloads.member_event(entry, at, target, target.user)])
        return payloads.member_of(target, target.user)

    return in_transaction(write)
