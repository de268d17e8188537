"""Bots: users who have no session but API tokens, and otherwise call like anybody."""

from collections.abc import Sequence
from typing import Any

from accounts import bots
from accounts.scopes import SCOPES
from tests.api import Person


def make_bot(
    owner: Person, username: str = "mill-bot", scopes: Sequence[str] = SCOPES, **fields: Any
) -> Person:
    """A new bot of `owner` with one token, which it calls with; `fields` are the token's."""
    bot = bots.create_bot(owner_id=owner.user.id, username=username)
    issued = bots.issue_token(owner_id=owner.user.id, bot_id=str(bot.id), allowed=scopes, **fields)
    return Person(bot, None, issued.token, "")  # type: ignore[arg-type]  # it has no session


def another_token(bot: Person, *scopes: str, **fields: Any) -> Person:
    """The bot, calling with a further token of these scopes."""
    owner_id = bot.user.owner_id
    assert owner_id is not None
    issued = bots.issue_token(owner_id=owner_id, bot_id=bot.id, allowed=scopes, **fields)
    return Person(bot.user, None, issued.token, "")  # type: ignore[arg-type]
