"""Much at once, for tests of what must not grow: messages and people without a call each."""

import itertools
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from accounts.models import User
from messaging.drafts import Draft, check_draft
from messaging.services import Sent, send_messages
from tests.api import Person

_numbers = itertools.count(1)
BATCH = 500


def draft(
    author: Person, room: str, body: str = "The mill is running.", client_id: str | None = None, **more: Any
) -> Draft:
    """A message as its author would send it."""
    name = client_id or f"fill-{next(_numbers)}"
    return check_draft(room_id=room, author_id=author.user.id, client_id=name, body=body, **more)


def fill(room: str, *authors: Person, count: int) -> list[int]:
    """`count` messages of these authors in turn; their numbers."""
    drafts = [draft(authors[n % len(authors)], room, f"message {n}") for n in range(count)]
    seqs = []
    for start in range(0, count, BATCH):
        for sent in send_messages(drafts[start : start + BATCH]):
            assert isinstance(sent, Sent)
            seqs.append(sent.message.seq)
    return seqs


def crowd(count: int) -> Sequence[UUID]:
    """Ids of people who only exist."""
    users = [
        User(username=f"u{n}", username_key=f"u{n}", display_name=f"u{n}")
        for n in itertools.islice(_numbers, count)
    ]
    return [user.id for user in User.objects.bulk_create(users)]
