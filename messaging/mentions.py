"""Whom a text names: `@username`, as people write it among other text.

Not in code (between backticks), and not where the `@` or what follows belongs to something else: an
e-mail address (`ada@example.com`), a path or package (`/@ada`, `@ada/engine`), an address elsewhere
(`@ada@example.com`).
"""

import re

from django.conf import settings

from common.text import USERNAME_MAX_CHARS, belongs_in_usernames, username_key

_CODE = re.compile(r"```.*?(?:```|\Z)|``.*?``|`[^`\n]*`", re.DOTALL)
# Only ASCII before the `@` is of an e-mail address: in Chinese or Japanese no space stands there.
_AT = re.compile("(?<![A-Za-z0-9_@/+-])@")
_LATIN = re.compile(r"[A-Za-z0-9_.-]+")


def names_in(text: str) -> tuple[tuple[str, ...], ...]:
    """Each name in `text` as the user-name keys it may stand for, the likeliest first.

    In order of appearance, each once; of the first MENTIONS_MAX_PER_MESSAGE different spellings.
    """
    if "@" not in text:
        return ()
    spelt: dict[str, None] = {}
    text = _CODE.sub(" ", text)
    for match in _AT.finditer(text):
        start = end = match.end()
        while end < len(text) and belongs_in_usernames(text[end]):
            end += 1
        if start < end and text[end : end + 1] not in ("@", "/"):
            spelt[text[start:end]] = None
            if len(spelt) == settings.MENTIONS_MAX_PER_MESSAGE:
                break
    return tuple(keys for keys in dict.fromkeys(map(_keys, spelt)) if keys)


def _keys(written: str) -> tuple[str, ...]:
    """A sentence's full stop, a closing `_` or `-`, or a word in another script may stand at the end of a name."""
    latin = _LATIN.match(written)
    may_be = (written.rstrip("."), written.rstrip("._-"), latin[0].rstrip("._-") if latin else "")
    return tuple(dict.fromkeys(username_key(name) for name in may_be if 0 < len(name) <= USERNAME_MAX_CHARS))
