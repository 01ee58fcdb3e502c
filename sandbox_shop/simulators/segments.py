"""How many SMS parts a text makes: GSM-7 160/153 units, else UCS-2 70/67 UTF-16 units."""

from __future__ import annotations

_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = frozenset("^{}\\[~]|€\f")
_GSM = _BASIC | _EXTENDED


def count_segments(text: str) -> int:
    """At least 1. A character of two units is never split over two parts."""
    if _GSM.issuperset(text):
        return _parts([2 if char in _EXTENDED else 1 for char in text], single=160, multi=153)
    return _parts([2 if ord(char) > 0xFFFF else 1 for char in text], single=70, multi=67)


def _parts(sizes: list[int], *, single: int, multi: int) -> int:
    if sum(sizes) <= single:
        return 1
    parts, used = 1, 0
    for size in sizes:
        if used + size > multi:
            parts, used = parts + 1, 0
        used += size
    return parts
