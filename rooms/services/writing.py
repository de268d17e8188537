"""What every service of this app does around its write."""

from common.db import in_transaction
from common.errors import Forbidden

__all__ = ["in_transaction", "needs"]


def needs(allowed: bool) -> None:
    """Forbidden unless `allowed`."""
    if not allowed:
        raise Forbidden()
