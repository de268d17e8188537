"""Reading people and sessions."""

from collections.abc import Collection
from typing import TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Model, QuerySet

from accounts.access import own_bot, own_sessions
from accounts.models import ApiToken, Block, Session, User
from common.errors import NotFound, SessionEnded, UserDisabled
from common.paging import write_cursor
from common.rows import RowSet, read_uuid
from common.searches import searching
from common.text import clean_text, fold

SEARCH_MAX_CHARS = 100
SEARCH_CURSOR_MAX_CHARS = 400  # accounts.models.User.search_text

Row = TypeVar("Row", bound=Model)


def ended_credentials(ids: Collection[UUID]) -> dict[UUID, str]:
    """Those of `ids` (sessions and API tokens) that let nobody in any more, with the error's code; one query.

    A bot's token goes with its owner. A token that has expired is not among them: sockets know their hour.
    """
    if not ids:
        return {}
    asked = RowSet("asked", id="uuid")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT id, disabled FROM (
                SELECT asked.id, s.ended_at, t.revoked_at, u.id IS NULL AS unknown,
                    COALESCE(NOT u.is_active OR u.deleted_at IS NOT NULL, FALSE)
                    OR COALESCE(NOT o.is_active OR o.deleted_at IS NOT NULL, FALSE) AS disabled
                FROM {asked.sql}
                LEFT JOIN accounts_session s ON s.id = asked.id
                LEFT JOIN accounts_apitoken t ON t.id = asked.id
                LEFT JOIN accounts_user u ON u.id = COALESCE(s.user_id, t.bot_id)
                LEFT JOIN accounts_user o ON o.id = u.owner_id
            ) AS found
            WHERE unknown OR disabled OR ended_at IS NOT NULL OR revoked_at IS NOT NULL
            """,  # noqa: S608  the table expression is ours and holds no value
            asked.params((credential_id,) for credential_id in ids),
        )
        return {
            read_uuid(key): UserDisabled.code if disabled else SessionEnded.code
            for key, disabled in cursor.fetchall()
        }


def blocks_among(pairs: Collection[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Those of the (blocker, blocked) pairs that stand; one query, none for no pairs.

    A person's blocks hold for their bots, on either side; a bot's for itself alone.
    """
    if not pairs:
        return set()
    asked = RowSet("asked", blocker="uuid", blocked="uuid")
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT asked.blocker, asked.blocked FROM {asked.sql} "  # noqa: S608
            "WHERE EXISTS (SELECT 1 FROM accounts_block b "
            "WHERE b.blocker_id IN (asked.blocker, (SELECT owner_id FROM accounts_user WHERE id = asked.blocker)) "
            "AND b.blocked_id IN (asked.blocked, (SELECT owner_id FROM accounts_user WHERE id = asked.blocked)))",
            asked.params(pairs),
        )
        return {(read_uuid(blocker), read_uuid(blocked)) for blocker, blocked in cursor.fetchall()}


def sessions_page(*, user_id: UUID, after: UUID | None, limit: int) -> tuple[list[Session], str | None]:
    """A page of the sessions of this person that stand, the newest log-in first, and the next page's cursor."""
    rows = own_sessions(user_id).order_by("-id")
    return _page(rows if after is None else rows.filter(id__lt=after), limit)


def blocked_page(*, user_id: UUID, after: int | None, limit: int) -> tuple[list[User], str | None]:
    """A page of whom this person blocks, the latest block first, and the next page's cursor."""
    rows = Block.objects.filter(blocker_id=user_id).select_related("blocked").order_by("-id")
    found = list((rows if after is None else rows.filter(id__lt=after))[: limit + 1])
    cursor = write_cursor(found[limit - 1].pk) if len(found) > limit else None
    return [block.blocked for block in found[:limit]], cursor


def users_found(
    *, payer_id: UUID, search: str, after: str | None, limit: int
) -> tuple[list[User], str | None]:
    """A page of the people and bots in whose names `search` occurs, in the order of their user names, and the
    next page's cursor; everybody for a blank one. Neither disabled nor deleted ones. Invalid; bounded as common.searches says.

    Two statements. The first reads an index alone (`user_search`), all of it where few or none are found: 15 ms for
    100,000 people on PostgreSQL, measured.
    """
    wanted = fold(clean_text(search, attr="search", max_chars=SEARCH_MAX_CHARS).strip())
    rows = User.objects.filter(is_active=True, deleted_at=None).order_by("search_text")
    if wanted:
        rows = rows.filter(search_text__contains=wanted)
    if after is not None:
        rows = rows.filter(
            search_text__gt=clean_text(after, attr="cursor", max_chars=SEARCH_CURSOR_MAX_CHARS)
        )
    listed = rows.values_list("id", "search_text")[: limit + 1]
    if wanted:
        with searching(payer_id):
            found = list(listed)
    else:
        found = list(listed)
    cursor = write_cursor(found[limit - 1][1]) if len(found) > limit else None
    return users_by_ids([user_id for user_id, _ in found[:limit]]), cursor


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


def bots_page(*, owner_id: UUID, after: UUID | None, limit: int) -> tuple[list[User], str | None]:
    """A page of this person's bots that are not deleted, in the order they were made, and the next page's cursor."""
    rows = User.objects.filter(owner_id=owner_id, deleted_at=None).order_by("id")
    return _page(rows if after is None else rows.filter(id__gt=after), limit)


def tokens_page(
    *, owner_id: UUID, bot_id: str, after: UUID | None, limit: int
) -> tuple[list[ApiToken], str | None]:
    """A page of the tokens of a bot that are not revoked, expired ones too, in the order made. NotFound."""
    bot = own_bot(owner_id=owner_id, bot_id=bot_id)
    rows = ApiToken.objects.filter(bot=bot, revoked_at=None).order_by("id")
    return _page(rows if after is None else rows.filter(id__gt=after), limit)


def _page(rows: QuerySet[Row], limit: int) -> tuple[list[Row], str | None]:
    found = list(rows[: limit + 1])
    return found[:limit], write_cursor(found[limit - 1].pk) if len(found) > limit else None
