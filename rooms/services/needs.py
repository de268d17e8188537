"""What services of this app ask before they write."""

from uuid import UUID

from common.errors import Forbidden
from rooms.models import Membership


def needs(allowed: bool) -> None:
    """Forbidden unless `allowed`."""
    if not allowed:
        raise Forbidden()


def needs_another_than_my_owner(mine: Membership, target_id: UUID) -> None:
    """Forbidden where `mine`, with its user, is a bot's and the other is its owner: who is banned, muted or of a lower
    role than their bot must not undo that by it.
    """
    if mine.user.owner_id is not None and mine.user.owner_id == target_id:
        raise Forbidden("A bot decides nothing about its owner.")
