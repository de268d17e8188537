"""What a person may be called, reached by and log in with. The same for registering and for changing it."""

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Q

from accounts.models import User
from common.errors import AlreadyExists, FieldError, Invalid
from common.text import clean_text, username_look

EMAIL_MAX_CHARS = 254  # RFC 5321, as RFC 3696's erratum 1690 counts
PASSWORD_MIN_CHARS = 8  # Django's MinimumLengthValidator, as AUTH_PASSWORD_VALIDATORS leaves it
PASSWORD_MAX_CHARS = 128  # hashing is dear: nobody makes us hash a megabyte
BIO_MAX_CHARS = 500


def clean_email(email: str | None) -> str | None:
    """The address as stored; None where none, or only blanks, were given."""
    email = clean_text(email or "", attr="email", max_chars=EMAIL_MAX_CHARS).strip()
    if not email:
        return None
    try:
        validate_email(email)
    except ValidationError:
        raise Invalid.field("email", "not an e-mail address") from None
    if len(email.casefold()) > EMAIL_MAX_CHARS:  # "ß" becomes "ss"
        raise Invalid.field("email", f"at most {EMAIL_MAX_CHARS} characters", "too_long")
    return email


def clean_password(password: str, *, attr: str = "password") -> str:
    """A password to be compared, in NFC (RFC 8265: keyboards differ)."""
    return clean_text(password, attr=attr, max_chars=PASSWORD_MAX_CHARS)


def clean_new_password(password: str, user: User, *, attr: str = "password") -> str:
    """A password that `user` may have; Invalid with every rule it breaks."""
    password = clean_password(password, attr=attr)
    try:
        validate_password(password, user)
    except ValidationError as error:
        broken = [
            FieldError(attr, str(rule.code or "invalid"), message)
            for rule in error.error_list
            for message in rule.messages
        ]
        raise Invalid(f"{attr}: " + " ".join(rule.detail for rule in broken), errors=broken) from None
    return password


def refuse_taken(user: User) -> None:
    """AlreadyExists where another user has this name, one that looks like it, or this address."""
    look = username_look(user.username)
    same = Q(username_key=user.username_key) | Q(username_look=look)
    if user.email_key is not None:
        same |= Q(email_key=user.email_key)
    taken = User.objects.filter(same).exclude(pk=user.pk)
    errors = []
    for key, other_look, email_key in taken.values_list("username_key", "username_look", "email_key"):
        if key == user.username_key:
            errors.append(FieldError("username", "already_exists", "this name is taken"))
        elif other_look == look:
            errors.append(FieldError("username", "already_exists", "this name looks like one that is taken"))
        if email_key is not None and email_key == user.email_key:
            errors.append(FieldError("email", "already_exists", "this address is taken"))
    if errors:
        raise AlreadyExists(" ".join(f"{error.attr}: {error.detail}." for error in errors), errors=errors)
