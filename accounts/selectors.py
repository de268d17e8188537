"""Reading people and sessions."""

from collections.abc import Collection
from uuid import UUID

from django.db import connection

from accounts.models import User
from common.errors import NotFound
from common.rows import RowSet, read_uuid


def standing_sessions(ids: Collection[UUID]) -> set[UUID]:
    """Those of `ids` that are sessions not ended, of users who may still come in; one query."""
    if not ids:
        return set()
    asked = RowSet("asked", id="uuid")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT s.id
            FROM {asked.sql}
            JOIN accounts_session s ON s.id = asked.id
            JOIN accounts_user u ON u.id = s.user_id
            WHERE s.ended_at IS NULL AND u.is_active AND u.deleted_at IS NULL
            """,  # noqa: S608  the table expression is ours and holds no value
            asked.params((session_id,) for session_id in ids),
        )
        return {read_uuid(row[0]) for row in cursor.fetchall()}


def users_by_ids(ids: Collection[UUID]) -> list[User]:
    """The users with these ids, deleted ones too, each once, in the order asked; unknown ids are left out."""
    found = User.objects.in_bulk(list(ids))
    return [found[user_id] for user_id in dict.fromkeys(ids) if user_id in found]


def user_by_id(user_id: UUID) -> User:
    """The user with this id, also a deleted one; NotFound."""
    user = User.objects.filter(pk=user_id).first()
    if user is None:
        raise NotFound
    return user
