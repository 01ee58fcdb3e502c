"""SMS: what fits into one, and how to write a text so that more of it does.

A text of GSM-7 characters alone takes 160 of them, or 153 in each part of several; any other
character makes the whole text UCS-2, with 70 or 67 UTF-16 units (GSM 03.38 and 03.40).
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: behind an escape character: two units, never in different parts
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")

_JOINER: Final = "\u200d"

GSM_7: Final = "GSM-7"
UCS_2: Final = "UCS-2"
_LIMITS: Final = {GSM_7: (160, 153), UCS_2: (70, 67)}

#: replacement -> characters that look like it
_LOOKALIKES: Final = {
    '"': "“”„‟«»″〝〞＂",
    "'": "‘’‚‛‹›′`´ʹʻʼʽˈ＇",
    "-": "‐‑‒–—―−⁃﹘﹣－•‣▪",
    "...": "…",
    ".": "·∙․",
    " ": "\t\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "": "\u00ad\u200b\u200c\u2060\ufeff",
    "\n": "\u2028\u2029\x0b\x85",
    "x": "×✕",
    "/": "⁄∕",
    "<": "＜",
    "~": "∼˜",
    "!": "ǃ！",
    "?": "？",
    ",": "，",
    ":": "：∶",
    "|": "¦∣｜",
    "(c)": "©",
    "(R)": "®",
    "TM": "™",
    "No.": "№",
    "->": "→➔➜",
    "<-": "←",
    "1/2": "½",
    "1/4": "¼",
    "3/4": "¾",
    "2": "²",
    "3": "³",
    "fi": "ﬁ",
    "fl": "ﬂ",
    "ff": "ﬀ",
}
_REPLACEMENTS: Final = str.maketrans(
    {char: plain for plain, chars in _LOOKALIKES.items() for char in chars}
)

#: letters that GSM-7 lacks and that are no other letter with a mark
_PLAIN_LETTERS: Final = str.maketrans(
    {
        "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "Ð": "D", "ð": "d", "Þ": "Th", "þ": "th",
        "Œ": "OE", "œ": "oe", "Ħ": "H", "ħ": "h", "ı": "i", "ẞ": "SS", "Ŋ": "Ng", "ŋ": "ng",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text is sent. `units` are septets or UTF-16 units, padding included."""

    encoding: str
    units: int
    parts: int


def segment(text: str) -> Segments:
    """Encoding, length and exact number of parts of a text. An empty text takes one, too."""
    is_gsm = _BASIC.issuperset(text) or (_BASIC | _EXTENDED).issuperset(text)
    encoding = GSM_7 if is_gsm else UCS_2
    sizes = _gsm_sizes(text) if is_gsm else _utf16_sizes(text)
    single, multiple = _LIMITS[encoding]
    units = sum(sizes)
    if units <= single:
        return Segments(encoding, units, 1)
    parts, filled = 1, 0
    for size in sizes:
        if filled + size > multiple:
            parts, units, filled = parts + 1, units + multiple - filled, 0
        filled += size
    return Segments(encoding, units, parts)


def to_gsm(text: str) -> str:
    """The text with typographic characters written plainly; letters and pictures stay."""
    return unicodedata.normalize("NFC", text).translate(_REPLACEMENTS)


def plainest(text: str) -> str:
    """The text as GSM-7 where that costs no letter, else as it was written."""
    plain = to_gsm(text)
    return plain if segment(plain).encoding == GSM_7 else text


def in_gsm(text: str) -> str:
    """The text in letters that GSM-7 has: others lose their marks, pictures go. What would hardly be
    left of, such as a title in Cyrillic letters, stays as it was written."""
    plain = unicodedata.normalize("NFC", to_gsm(text)).translate(_PLAIN_LETTERS)
    kept = "".join(char if char in _BASIC else _without_marks(char) for char in plain)
    lost = sum(char.isalnum() for char in plain) - sum(char.isalnum() for char in kept)
    return text if lost > 0 else " ".join(kept.split()) or text


def _without_marks(char: str) -> str:
    if char in _EXTENDED:
        return char
    return "".join(c for c in unicodedata.normalize("NFKD", char) if c in _BASIC)


@dataclass(frozen=True, slots=True)
class Culprit:
    """What makes a text UCS-2: a character as one sees it, and where it stands (counted from 1)."""

    character: str
    position: int

    @property
    def start(self) -> int:
        return self.position - 1

    @property
    def end(self) -> int:
        return self.start + len(self.character)


def culprits(text: str) -> list[Culprit]:
    """Everything in a text that GSM-7 lacks and that cannot be written plainly either."""
    found: list[Culprit] = []
    previous = ""
    for index, char in enumerate(text):
        last = found[-1] if found else None
        follows = last is not None and last.end == index
        if last and follows and (_is_extending(char) or previous == _JOINER):
            found[-1] = Culprit(last.character + char, last.position)
        elif segment(to_gsm(char)).encoding == UCS_2:
            found.append(Culprit(char, index + 1))
        previous = char
    return found


def _gsm_sizes(text: str) -> list[int]:
    return [2 if char in _EXTENDED else 1 for char in text]


def _utf16_sizes(text: str) -> list[int]:
    """Units of each visible character: what is seen as one is not torn between two parts."""
    sizes: list[int] = []
    previous, flags = "", 0
    for char in text:
        size = 2 if char > "\uffff" else 1
        is_flag = "\U0001f1e6" <= char <= "\U0001f1ff"
        flags = flags + 1 if is_flag else 0
        joins = (
            _is_extending(char)
            or (previous == _JOINER and _is_picture(char))
            or (is_flag and flags % 2 == 0)
            or previous + char == "\r\n"
        )
        if joins and sizes and previous != "\n":
            sizes[-1] += size
        else:
            sizes.append(size)
        previous = char
    return sizes


def _is_picture(char: str) -> bool:
    return "\u2190" <= char < "\u2e80" or char > "\U0001f000"


def _is_extending(char: str) -> bool:
    """Joiners, variation selectors, skin tones and combining marks belong to what is before."""
    if char < "\u0300":
        return False
    is_tone = "\U0001f3fb" <= char <= "\U0001f3ff"
    return is_tone or char in "\u200c\u200d" or unicodedata.category(char) in ("Mn", "Me", "Mc")
