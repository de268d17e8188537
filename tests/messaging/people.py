"""What people do to each other, without the calls for it."""

from accounts.models import Block
from rooms.models import Room
from tests.api import Person


def direct_room(one: Person, other: Person) -> str:
    """The id of a direct room of these two; its head is 3."""
    room = one.room(other)
    low, high = sorted((one.user, other.user), key=lambda user: user.id)
    Room.objects.filter(pk=room).update(kind="direct", direct_low=low, direct_high=high)
    return room


def block(blocker: Person, blocked: Person) -> None:
    Block.objects.create(blocker=blocker.user, blocked=blocked.user)
