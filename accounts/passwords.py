"""Changing a password."""

from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import transaction

from accounts import guessing, hashers, sessions, tokens
from accounts.models import User
from accounts.rules import clean_new_password, clean_password
from common.db import release_connection
from common.errors import BadCredentials, UserDisabled


def change_password(
    *, user_id: UUID, session_id: UUID, old: str, new: str, source: str | None = None
) -> tokens.Pair:
    """The password is `new`; of the person's sessions only this one stands, with its next pair of tokens.

    No refresh token from before answers any more: who has stolen one may be why the password is changed. Its sockets stay open. BadCredentials where `old` is wrong, or was changed meanwhile; Invalid for a
    password that nobody may have; UserDisabled, SessionEnded where that happened meanwhile; Unavailable
    where too many passwords wait to be hashed; RateLimited as for logging in, from `source`. Locks the user's
    row, then the sessions'.
    """
    old = clean_password(old, attr="old")
    user = User.objects.get(pk=user_id)
    new = clean_new_password(new, user, attr="new")
    guesses = guessing.Guesses(user.username_key, source)
    guesses.refuse_early()
    release_connection()
    with hashers.turn(), guesses.one(), guessing.right_password(user_id, source):
        if not user.check_password(old):
            raise BadCredentials("The old password is wrong.")
        known, hashed = user.password, make_password(new)
    with transaction.atomic():
        user = User.objects.select_for_update(no_key=True).get(pk=user_id)
        if not user.stands:
            raise UserDisabled
        if user.password != known:
            raise BadCredentials("The old password is wrong.")
        user.password = hashed
        user.save(update_fields=["password"])
        return tokens.pair_of(sessions.go_on_alone(user_id=user_id, session_id=session_id))
