"""Text rules: what people may write and be called. The same for REST and WebSocket.

Every function takes the text as sent, returns it as stored, and raises `Invalid` naming `attr`.
"""

import re
import unicodedata

from common.errors import Invalid
from common.lookalikes import look_of

CLIENT_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
CLIENT_ID_PATTERN = f"^{CLIENT_ID.pattern}$"
"""The same for a JSON schema, which searches."""

# What people do not see: white space, zero-width spaces and joiners. The latter have a place inside words
# and emoji, but are nothing alone.
_BLANK = re.compile("[\\s\u200b\u200c\u200d\u2060\ufeff]*")
# They show nothing, or a blank, and are letters, marks or symbols to Unicode: joiners of graphemes and old
# Korean, the inherent vowels of Khmer, variation selectors of Mongolian, an empty Braille cell.
_SHOWS_NOTHING = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
# Control (Cc), format (Cf: zero-width and direction characters), surrogate, private use,
# unassigned, line and paragraph separators: none of them belongs in a name.
_NOT_IN_NAMES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_RESERVED = frozenset(
    {"admin", "administrator", "all", "channel", "deleted", "everyone", "here", "me", "moderator",
     "null", "parley", "root", "room", "support", "system", "undefined"}
)  # fmt: skip
# RFC 3986, without user and password, which have no place in a picture's address.
_URL = re.compile(
    r"https?://(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:[/?#][!#-;=?-\[\]_a-z~]*)?"
)
_USERNAME_SIGNS = frozenset("_.-")
_MARKS = frozenset({"Mn", "Mc"})  # vowel signs, accents; not those that enclose a letter (Me)
_MARKS_MAX = 4  # in a row, and none twice running: UTS 39, section 5.4
# Every character that normalising moves about (its combining class is not 0), more than 30 times running.
_COMBINING = "".join(chr(code) for code in range(0x300, 0x1F000) if unicodedata.combining(chr(code)))
_TOO_MANY_MARKS = re.compile(f"[{_COMBINING}]{{31}}")
_SOFT_DOT = re.compile("(?<=[ij])\u0307")
USERNAME_MAX_CHARS = 32
URL_MAX_CHARS = 300
NAME_MAX_CHARS = 100


def clean_text(text: str, *, attr: str, max_chars: int) -> str:
    """NFC of `text`; NUL, unpaired surrogates and more than `max_chars` code points are refused.

    So are more than 30 combining marks in a row, as no language has them (UAX #15, section 13): putting them
    into order takes seconds, quadratically many, during which the process does nothing else.
    """
    if len(text) > max_chars * 4:  # normalising shrinks by less than that: do not spend time on it
        raise Invalid.field(attr, f"at most {max_chars} characters", "too_long")
    if "\x00" in text:
        raise Invalid.field(attr, "NUL is not text", "bad_character")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Invalid.field(attr, "unpaired surrogates are not text", "bad_character") from None
    if text.isascii():
        normal = text
    elif _TOO_MANY_MARKS.search(text) is None:
        normal = unicodedata.normalize("NFC", text)
    else:
        raise Invalid.field(attr, "at most 30 combining marks in a row", "bad_character")
    if len(normal) > max_chars:
        raise Invalid.field(attr, f"at most {max_chars} characters", "too_long")
    return normal


def is_blank(text: str) -> bool:
    """Whether a text shows nothing: it is empty, or all white space and zero-width characters."""
    return _BLANK.fullmatch(text) is not None


def clean_client_id(text: str, *, attr: str = "client_id") -> str:
    """1 to 64 of `[A-Za-z0-9._:-]`."""
    if CLIENT_ID.fullmatch(text) is None:
        raise Invalid.field(attr, "1 to 64 of A-Z a-z 0-9 . _ : -")
    return text


def clean_name(text: str, *, attr: str, max_chars: int = NAME_MAX_CHARS, blank: bool = False) -> str:
    """A name people read (room, display name, device): NFC, trimmed, no invisible characters."""
    text = clean_text(text, attr=attr, max_chars=max_chars).strip()
    if not text and not blank:
        raise Invalid.field(attr, "must not be blank", "blank")
    if any(unicodedata.category(char) in _NOT_IN_NAMES or char in _SHOWS_NOTHING for char in text):
        raise Invalid.field(attr, "no control, zero-width or direction characters", "bad_character")
    return text


def clean_url(text: str, *, attr: str, max_chars: int = URL_MAX_CHARS) -> str:
    """An address of the web, https or http, with a host; only shown to clients, never opened by the server."""
    text = clean_text(text, attr=attr, max_chars=max_chars)
    if _URL.fullmatch(text) is None:
        raise Invalid.field(attr, "a URL: https://…")
    return text


def fold(text: str) -> str:
    """What makes two texts the same one to who compares or searches: NFKC, casefold, NFKC again (casefold can
    undo it).

    A dot above `i` and `j`, which have one already, is dropped: Turkish İ casefolds to an i with two.
    """
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFKC", _SOFT_DOT.sub("", key))


def username_key(text: str) -> str:
    """What makes two user names the same one."""
    return fold(text)


def username_look(text: str) -> str:
    """What a user name looks like: nobody may have one that looks like another's (common/lookalikes.py)."""
    return look_of(username_key(text))


def clean_username(text: str, *, attr: str = "username") -> str:
    """A user name: letters with their marks, digits, `_ . -` of one script, not reserved, not ending in a dot."""
    text = clean_name(text, attr=attr, max_chars=USERNAME_MAX_CHARS)
    if not _is_spelt_like_a_username(text) or text[-1] == "." or text[0] in ".-":
        raise Invalid.field(attr, "letters, digits, _ . - (no dot at the end, no . or - first)")
    key = username_key(text)
    if not _is_spelt_like_a_username(key):
        raise Invalid.field(attr, "letters, digits, _ . -")
    if key in _RESERVED or look_of(key) in _RESERVED:
        raise Invalid.field(attr, "this name is reserved", "reserved")
    if len(_scripts(key)) > 1:
        raise Invalid.field(attr, "letters and digits of one script", "mixed_scripts")
    return text


def belongs_in_usernames(char: str) -> bool:
    """Whether a user name may hold this character somewhere."""
    return char.isalnum() or char in _USERNAME_SIGNS or unicodedata.category(char) in _MARKS


def _is_spelt_like_a_username(text: str) -> bool:
    """Whether it is letters and digits with few enough marks, and signs."""
    marks, before = 0, ""
    for char in unicodedata.normalize("NFD", text):
        if unicodedata.category(char) in _MARKS:
            if not (marks or before.isalpha()) or char == before or marks == _MARKS_MAX:
                return False
            marks += 1
        elif char.isalnum() or char in _USERNAME_SIGNS:
            marks = 0
        else:
            return False
        before = char
    return text != ""


# Japanese and Korean are written in several scripts at once (UTS 39, section 5.1), and some numbers are
# named after something else than their script.
_SAME = {
    "HIRAGANA": "CJK",
    "KATAKANA": "CJK",
    "KATAKANA-HIRAGANA": "CJK",
    "HANGUL": "CJK",
    "BOPOMOFO": "CJK",
    "IDEOGRAPHIC": "CJK",
    "HANGZHOU": "CJK",
    "ARABIC-INDIC": "ARABIC",
    "EXTENDED": "ARABIC",  # EXTENDED ARABIC-INDIC DIGIT ONE: Persian and Urdu
}
_ACCENTED = frozenset({"LATIN", "GREEK", "CYRILLIC"})
# The accents that languages write which have no letter of their own with them (ẹ̀ in Yoruba): those above
# and below. Not those through a letter, which make another one of it.
_ACCENTS = frozenset(
    map(chr, (*range(0x300, 0x315), 0x31B, *range(0x323, 0x329), 0x32D, 0x32E, 0x330, 0x331))
)


def _scripts(text: str) -> set[str]:
    """The scripts of the letters, marks and digits in `text`, by the first word of each character's Unicode name.

    0 to 9 are of every script, and the accents of the Latin, Greek and Cyrillic one.
    """
    found = set()
    accents = False
    for char in text:
        if char in _ACCENTS:
            accents = True
        elif char not in _USERNAME_SIGNS and char not in "0123456789":
            script = unicodedata.name(char, "UNKNOWN").split(" ", 1)[0]
            found.add(_SAME.get(script, script))
    if accents and not found <= _ACCENTED:
        found |= {"LATIN"}
    return found
