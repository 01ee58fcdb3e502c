"""Money, dates and texts as the reader's language writes them. Pure, cached, safe in any thread."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from decimal import Decimal
from functools import lru_cache
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time
from babel.numbers import format_currency, format_decimal
from django.utils import timezone

from cart_recovery.shop.site import ADDRESS, MAX_URL

MAX_TEXT: Final = 255
#: what may reorder, hide or split text: controls, surrogates, bidi overrides, private use,
#: unassigned, and the tags and fillers that only serve to deceive
_DROPPED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Co", "Cn"})
_DROPPED: Final = frozenset("\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff\ufff9\ufffa\ufffb") | {
    chr(code) for code in (*range(0x202A, 0x202F), *range(0x2061, 0x2070))
}
_SPACE: Final = re.compile(r"\s+")
_PLAIN: Final = re.compile(r"[ -~¡-¬®-ſ€–—‘’‚“”„…]*\Z")


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale:
    """Babel's locale of a Django language code; an unknown region or language falls back."""
    code = language.replace("-", "_")
    for candidate in (code, code.split("_")[0], "en"):
        try:
            return Locale.parse(candidate)
        except (UnknownLocaleError, ValueError):
            continue
    raise AssertionError("English is always there")  # pragma: no cover


@lru_cache(maxsize=8192)
def money(amount: Decimal, currency: str, language: str) -> str:
    """`1.234,50 €` in German, `€1,234.50` in English."""
    return str(format_currency(amount, currency, locale=locale_of(language)))


@lru_cache(maxsize=512)
def percentage(value: Decimal, language: str) -> str:
    """`10 %` in German, `10%` in English; digits after the point only where there are any."""
    locale = locale_of(language)
    number = str(format_decimal(value, "#,##0.##", locale=locale))
    return str(locale.percent_formats[None].pattern).replace("#,##0", number).replace("'", "")


def deadline(moment: dt.datetime, language: str) -> str:
    """The last moment in the shop's time zone: `3. Dezember 2026, 10:15 Uhr`; midnight is not told."""
    return _deadline(moment, timezone.get_default_timezone(), language)


@lru_cache(maxsize=512)
def _deadline(moment: dt.datetime, zone: dt.tzinfo, language: str) -> str:
    local = timezone.localtime(moment, zone)
    if local.time().replace(second=0, microsecond=0) in (dt.time(0), dt.time(23, 59)):
        return _date(timezone.localtime(moment - dt.timedelta(seconds=1), zone).date(), language)
    clock = format_time(local.time(), "short", locale=locale_of(language))
    # CLDR's short time lacks the word without which a German time looks like a price
    hour = " Uhr" if language.startswith("de") else ""
    return f"{_date(local.date(), language)}, {clock}{hour}"


def day(moment: dt.datetime, language: str) -> str:
    """The day in the shop's time zone: `3. Dezember 2026`."""
    return _date(timezone.localtime(moment, timezone.get_default_timezone()).date(), language)


def _date(date: dt.date, language: str) -> str:
    return str(format_date(date, "long", locale=locale_of(language)))


@lru_cache(maxsize=8192)
def clean(text: str, limit: int = MAX_TEXT) -> str:
    """A text that others wrote, on one line, without anything that could break out or deceive."""
    if not _PLAIN.match(text):
        text = unicodedata.normalize("NFC", _SPACE.sub(" ", text[: 8 * limit]))
        text = "".join(
            char
            for char in text
            if char not in _DROPPED and unicodedata.category(char) not in _DROPPED_CATEGORIES
        )
    return shorten(_SPACE.sub(" ", text).strip(), limit)


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut at a word if one is near, with an ellipsis."""
    if len(text) <= limit:
        return text
    cut = text[: max(limit - 1, 0)]
    # a joiner or combining mark at the cut would attach itself to the ellipsis
    while cut and (cut[-1] in "\u200d\ufe0f" or unicodedata.combining(cut[-1])):
        cut = cut[:-1]
    space = cut.rfind(" ")
    return (cut[:space] if space > limit * 2 // 3 else cut).rstrip() + "…"


@lru_cache(maxsize=8192)
def absolute(url: str, base: str) -> str:
    """`url` as an absolute http(s) address, paths being joined to `base`; "" for anything else."""
    if url.startswith("//"):
        url = base.partition("//")[0] + url
    elif url.startswith("/"):
        url = base + url
    url = url.strip().replace(" ", "%20").replace("'", "%27")
    return url if len(url) <= MAX_URL and ADDRESS.match(url) else ""
