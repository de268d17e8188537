"""What services of this app ask before they write."""

from common.errors import Forbidden


def needs(allowed: bool) -> None:
    """Forbidden unless `allowed`."""
    if not allowed:
        raise Forbidden()
