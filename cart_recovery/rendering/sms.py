"""SMS: what fits into one, and how to write a text so that more of it does.

A text of GSM-7 characters alone takes 160 of them, or 153 in each part of several; any other
character makes the whole text UCS-2, with 70 or 67 UTF-16 units (GSM 03.38 and 03.40).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
#: behind an escape character: two units, never in different parts
_EXTENDED: Final = frozenset("^{}\\[~]|€\f")

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


@dataclass(frozen=True, slots=True)
class Segments:
    """How a text is sent. `units` are septets or UTF-16 units, padding included."""

    encoding: str
    units: int
    parts: int


def segment(text: str) -> Segments:
    """Encoding, length and exact number of parts of a text. An empty text has none."""
    is_gsm = _BASIC.issuperset(text) or (_BASIC | _EXTENDED).issuperset(text)
    encoding = GSM_7 if is_gsm else UCS_2
    sizes = _gsm_sizes(text) if is_gsm else _utf16_sizes(text)
    single, multiple = _LIMITS[encoding]
    units = sum(sizes)
    if units <= single:
        return Segments(encoding, units, 1 if units else 0)
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


def _gsm_sizes(text: str) -> list[int]:
    return [2 if char in _EXTENDED else 1 for char in text]


def _utf16_sizes(text: Iterable[str]) -> list[int]:
    """Characters beyond the first plane take two units, which stay together."""
    return [2 if char > "\uffff" else 1 for char in text]
