"""Locking people out, and letting them in again: for operators."""

from uuid import UUID

from django.db import transaction

from accounts.models import User
from common.errors import NotFound
from realtime.publish import user_disabled_on_commit


def disable_user(*, user_id: UUID) -> bool:
    """Nobody gets in as this person, nor as one of their bots, any more; all their sockets are told.

    Their tokens are refused as long as they are disabled; none is lost. False where they were disabled
    already; NotFound. Locks the user's row.
    """
    with transaction.atomic():
        if not _set_active(user_id, active=False):
            return False
        for key in [user_id, *User.objects.filter(owner_id=user_id).values_list("id", flat=True)]:
            user_disabled_on_commit(key)
        return True


def enable_user(*, user_id: UUID) -> bool:
    """They get in again, by the sessions and tokens from before too.

    False where nothing kept them out; NotFound, for deleted people too. Locks the user's row.
    """
    with transaction.atomic():
        return _set_active(user_id, active=True)


def _set_active(user_id: UUID, *, active: bool) -> bool:
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id, deleted_at=None).first()
    if user is None:
        raise NotFound
    if user.is_active is active:
        return False
    user.is_active = active
    user.save(update_fields=["is_active"])
    return True
