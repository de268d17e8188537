"""What bounds a search: how often a person may, and how long the database looks."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled

from common.errors import RateLimited, Unavailable
from common.limits import SEARCHES


@contextmanager
def searching(payer_id: UUID) -> Iterator[None]:
    """One more search, on this person, whose statements are the block's; RateLimited.

    PostgreSQL gives each of them up after SEARCH_TIMEOUT_S: Unavailable. SQLite, which has no clock of its own
    and serves one process, takes the time it takes.
    """
    standing = SEARCHES.take(payer_id)
    if not standing.allowed:
        raise RateLimited.by(standing, "Too many searches; wait a little.")
    if connection.vendor != "postgresql":
        yield
        return
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {int(settings.SEARCH_TIMEOUT_S * 1000)}")
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise Unavailable(
                "This search takes too long; ask for something else.", retry_after_s=1
            ) from None
        raise
