"""Whom one wants to hear nothing from."""

from uuid import UUID

from django.db import transaction

from accounts.access import other_user
from accounts.models import Block, User
from common import clock
from realtime.publish import blocks_moved_on_commit


def block_user(*, user_id: UUID, other_id: str) -> None:
    """The other one is blocked, and so are their bots; nothing happens where they are. Invalid for oneself, NotFound for nobody."""
    other = other_user(user_id=user_id, other_id=other_id)
    with transaction.atomic():
        _, new = Block.objects.get_or_create(
            blocker_id=user_id, blocked=other, defaults={"created_at": clock.now()}
        )
        if new:
            _tell_moved(user_id, other)


def unblock_user(*, user_id: UUID, other_id: str) -> None:
    """The other one is not blocked; nothing happens where they are not. Invalid for oneself, NotFound for nobody."""
    other = other_user(user_id=user_id, other_id=other_id)
    with transaction.atomic():
        deleted, _ = Block.objects.filter(blocker_id=user_id, blocked=other).delete()
        if deleted:
            _tell_moved(user_id, other)


def _tell_moved(user_id: UUID, other: User) -> None:
    """To both, and to the bots they have: a person's blocks hold for these too."""
    bots = User.objects.filter(owner_id__in=(user_id, other.id), deleted_at=None).values_list("id", flat=True)
    blocks_moved_on_commit([user_id, other.id, *bots])
