"""What every service of this app does around its write."""

from collections.abc import Callable
from typing import TypeVar

from django.db import transaction

from common.db import with_retry
from common.errors import Forbidden

T = TypeVar("T")


def in_transaction(write: Callable[[], T]) -> T:
    """The result of `write`, committed; tried once more where its connection turned out to be dead."""

    def run() -> T:
        with transaction.atomic():
            return write()

    return with_retry(run)


def needs(allowed: bool) -> None:
    """Forbidden unless `allowed`."""
    if not allowed:
        raise Forbidden()
