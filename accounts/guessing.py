"""What slows down who guesses passwords or names, or logs in without end, and tells nothing of whether an account exists.

Only the name as it was given counts, never an account found by it: names that nobody has are slowed
alike, and an account's user name and address are not told to be one's.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from uuid import UUID

from common.errors import BadCredentials, RateLimited
from common.limits import (
    EMAILS,
    LOGINS,
    REGISTRATIONS,
    WRONG_LOGINS,
    WRONG_LOGINS_OF_ADDRESS,
    WRONG_LOGINS_OF_NAME,
)
from common.rates import take_exactly

_TOO_MANY = "Too many attempts; wait a little."


def registration(source: str) -> None:
    """One attempt to register from there; RateLimited."""
    standing = take_exactly((REGISTRATIONS, source))
    if not standing.allowed:
        raise RateLimited.by(standing, _TOO_MANY)


def other_address(user_id: UUID, source: str) -> None:
    """One more address that this person tries to take, from there; RateLimited."""
    standing = take_exactly((EMAILS, user_id), (REGISTRATIONS, source))
    if not standing.allowed:
        raise RateLimited.by(standing, _TOO_MANY)


@contextmanager
def right_password(user_id: UUID, source: str | None) -> Iterator[None]:
    """One password of this person that is looked at in the block; RateLimited before it is.

    It does not count where the block raises BadCredentials: wrong ones are a guess, which has limits of its own,
    and nobody who makes them is to keep out who knows better. A source of None is let by.
    """
    if source is None:
        yield
        return
    standing = LOGINS.take(user_id)
    if not standing.allowed:
        raise RateLimited.by(standing, _TOO_MANY)
    try:
        yield
    except BadCredentials:
        LOGINS.give_back(user_id)
        raise


class Guesses:
    """At the password of one name, from one source; a source of None (a call of our own) is let by."""

    def __init__(self, name: str, source: str | None) -> None:
        """`name`: as it is compared, so that no spelling of it counts anew."""
        self._asked = (
            ()
            if source is None
            else (
                (WRONG_LOGINS, _digest(name, source)),
                (WRONG_LOGINS_OF_ADDRESS, source),
                (WRONG_LOGINS_OF_NAME, _digest(name)),
            )
        )

    def refuse_early(self) -> None:
        """RateLimited where one more would be refused: before it waits for its turn to be hashed."""
        for rate, key in self._asked:
            standing = rate.look(key)
            if not standing.allowed:
                raise RateLimited.by(standing, _TOO_MANY)

    @contextmanager
    def one(self) -> Iterator[None]:
        """One guess, which counts where the block raises BadCredentials; RateLimited before it is made.

        It is counted beforehand and given back, so that many at once are no more than one after the other.
        """
        if self._asked:
            standing = take_exactly(*self._asked)
            if not standing.allowed:
                raise RateLimited.by(standing, _TOO_MANY)
        wrong = False
        try:
            yield
        except BadCredentials:
            wrong = True
            raise
        finally:
            if not wrong:
                for rate, key in self._asked:
                    rate.give_back(key)


def _digest(*parts: str) -> str:
    """A key that shows nobody who looks into Redis what was typed, which may be a password."""
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest()
