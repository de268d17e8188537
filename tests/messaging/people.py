"""What people do to each other, without a call for it."""

from accounts.models import Block
from tests.api import Person


def block(blocker: Person, blocked: Person) -> None:
    Block.objects.create(blocker=blocker.user, blocked=blocked.user)
