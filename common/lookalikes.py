"""Which letters pass for which: what makes two user names twins to the eye, whatever script they are of.

Only letters that a reader would not tell from a Latin one are here, in their lower or upper case: a
part of Unicode's confusables (UTS 39, section 4), whose whole table would make twins of names that
people tell apart (`rn` and `m`, `0` and `o`, `1` and `l`).
"""
# ruff: noqa: RUF001  letters that pass for others are what this is about

import unicodedata

# By the Latin letter they look like. All are as casefolding leaves them.
_LATIN = {
    # Phonetic letters and small capitals
    "a": "ɑᴀ", "b": "ʙƅ", "c": "ᴄ", "d": "ᴅ", "e": "ᴇ", "f": "ꜰ", "g": "ɡɢ", "h": "ʜ", "i": "ıɩɪ", "j": "ȷᴊ",
    "k": "ᴋĸ", "l": "ʟǀ", "m": "ᴍ", "n": "ɴ", "o": "ᴏ", "p": "ᴘƿ", "r": "ʀ", "s": "ꜱ", "t": "ᴛ", "u": "ᴜʋ", "v": "ᴠ",
    "w": "ᴡɯ", "y": "ʏ", "z": "ᴢ",
}  # fmt: skip
_CYRILLIC = {
    "a": "а", "b": "вь", "c": "с", "d": "ԁ", "e": "еҽ", "f": "ғ", "h": "нһ", "i": "і", "j": "ј", "k": "к", "l": "ӏ",
    "m": "м", "n": "п", "o": "о", "p": "р", "q": "ԛ", "r": "г", "s": "ѕ", "t": "т", "v": "ѵ", "w": "ԝѡ", "x": "х", "y": "у",
}  # fmt: skip
_GREEK = {
    "a": "α", "b": "β", "c": "ϲ", "e": "ε", "h": "η", "i": "ι", "j": "ϳ", "k": "κ", "m": "μ", "o": "ο", "p": "ρ",
    "t": "τ", "u": "υ", "v": "ν", "w": "ω", "x": "χ", "y": "γ", "z": "ζ",
}  # fmt: skip
_ARMENIAN = {"g": "ց", "h": "հ", "j": "յ", "n": "ո", "o": "օ", "q": "զ", "u": "ս", "w": "ա"}
# Their capitals are drawn after Latin ones; these have no lower case, or one that casefolds to them.
_CHEROKEE = {
    "a": "Ꭺ", "b": "Ᏼ", "c": "Ꮯ", "d": "Ꭰ", "e": "Ꭼ", "g": "Ꮐ", "h": "Ꮋ", "i": "Ꮖ", "j": "Ꭻ", "k": "Ꮶ", "l": "Ꮮ",
    "m": "Ꮇ", "p": "Ꮲ", "r": "Ꮢ", "s": "Ꮪ", "t": "Ꭲ", "v": "Ꮩ", "w": "Ꮃ", "y": "Ꮍ", "z": "Ꮓ",
}  # fmt: skip
_LISU = {
    "a": "ꓮ", "b": "ꓐ", "c": "ꓚ", "d": "ꓓ", "e": "ꓰ", "f": "ꓝ", "g": "ꓖ", "h": "ꓧ", "i": "ꓲ", "j": "ꓙ", "k": "ꓗ",
    "l": "ꓡ", "m": "ꓟ", "n": "ꓠ", "o": "ꓳ", "p": "ꓑ", "r": "ꓣ", "s": "ꓢ", "t": "ꓔ", "u": "ꓴ", "v": "ꓦ", "w": "ꓪ",
    "x": "ꓫ", "y": "ꓬ", "z": "ꓜ",
}  # fmt: skip
_PROTOTYPES = str.maketrans({
    alike: latin
    for table in (_LATIN, _CYRILLIC, _GREEK, _ARMENIAN, _CHEROKEE, _LISU)
    for latin, letters in table.items()
    for alike in letters
})  # fmt: skip


def look_of(key: str) -> str:
    """What a casefolded text looks like: the same for texts that a reader takes for one another.

    Only to be compared with another look: it is nobody's spelling.
    """
    # Taken apart first, so that accents stay and their letters meet: ё (Cyrillic) and ë.
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", key).translate(_PROTOTYPES))
