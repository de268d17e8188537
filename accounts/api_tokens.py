"""The secrets of API tokens: made, recognised and hashed. Nothing here knows the database."""

import hashlib
import re
import secrets
import string

PREFIX = "parley_"
"""What a secret scanner looks for: `parley_[0-9A-Za-z]{43}`, whole."""

_SECRET_BYTES = 32
_DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LENGTH = 43  # 62 ** 43 > 2 ** 256
_WRITTEN = re.compile(rf"{PREFIX}[0-9A-Za-z]{{{_LENGTH}}}")


def new_token() -> str:
    """A new token: 256 random bits in base 62. It stands in a URL, a header or a subprotocol as it is."""
    number = int.from_bytes(secrets.token_bytes(_SECRET_BYTES))
    digits = []
    for _ in range(_LENGTH):
        number, digit = divmod(number, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return PREFIX + "".join(digits)


def written_like_one(text: str) -> bool:
    """Whether `text` can be a token at all; whether it is one the database knows."""
    return _WRITTEN.fullmatch(text) is not None


def hash_of(token: str) -> str:
    """SHA-256 in hexadecimal, which is all that is kept. Neither salted nor slow: nobody guesses 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
