"""What a rendered message costs and how much of it is read: for who writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from babel.numbers import format_currency
from django.utils.translation import get_language

from cart_recovery.conf import conf
from cart_recovery.rendering.formats import locale_of
from cart_recovery.rendering.requests import Rendered
from cart_recovery.rendering.sms import UCS_2, Culprit, culprits, segment

#: what common mail programs show of a subject on a phone, and on a computer
SUBJECT_ON_PHONE: Final = 40
SUBJECT_ON_DESK: Final = 70
#: what they show of the preheader beside it
PREHEADER: Final = (40, 100)


@dataclass(frozen=True, slots=True)
class Price:
    """Of one message, and of a thousand, as text in the reader's language."""

    one: str
    thousand: str


@dataclass(frozen=True, slots=True)
class SmsFigures:
    """How an SMS is sent. `pieces`: the text, each piece with whether it forces UCS-2."""

    characters: int
    encoding: str
    units: int
    parts: int
    allowed: int
    culprits: tuple[Culprit, ...]
    pieces: tuple[tuple[str, bool], ...]
    price: Price | None


@dataclass(frozen=True, slots=True)
class MailFigures:
    """Lengths in characters; `hint` names what is to be said of the subject's: empty, short, long,
    cut, or "" where it is good."""

    subject: int
    subject_hint: str
    preheader: int
    preheader_hint: str
    html: int
    price: Price | None


def measure_sms(rendered: Rendered, channel: str) -> SmsFigures:
    found = segment(rendered.text)
    guilty = tuple(culprits(rendered.text)) if found.encoding == UCS_2 else ()
    return SmsFigures(
        characters=len(rendered.text), encoding=found.encoding, units=found.units,
        parts=found.parts, allowed=conf.SMS_MAX_PARTS, culprits=guilty,
        pieces=tuple(_pieces(rendered.text, guilty)), price=price_of(channel, found.parts),
    )  # fmt: skip


def measure_mail(rendered: Rendered, channel: str) -> MailFigures:
    subject, preheader = len(rendered.subject), len(rendered.preheader)
    return MailFigures(
        subject=subject, subject_hint=_subject_hint(subject), preheader=preheader,
        preheader_hint=_preheader_hint(preheader), html=len(rendered.html),
        price=price_of(channel, 1),
    )  # fmt: skip


def price_of(channel: str, parts: int) -> Price | None:
    """None where the shop names no price for the channel (`PRICES`)."""
    if channel not in conf.PRICES:
        return None
    price, currency = conf.PRICES[channel]
    one = Decimal(price) * parts
    return Price(_money(one, currency), _money(one * 1000, currency))


def _money(amount: Decimal, currency: str) -> str:
    """With as many digits as the amount has: an SMS costs 8.25 cents."""
    locale = locale_of(get_language() or "en")
    return str(format_currency(amount, currency, locale=locale, decimal_quantization=False))


def _subject_hint(length: int) -> str:
    if length > SUBJECT_ON_DESK:
        return "cut"
    return "long" if length > SUBJECT_ON_PHONE else ""


def _preheader_hint(length: int) -> str:
    shortest, longest = PREHEADER
    if not length:
        return "empty"
    if length < shortest:
        return "short"
    return "cut" if length > longest else ""


def _pieces(text: str, guilty: tuple[Culprit, ...]) -> Iterator[tuple[str, bool]]:
    position = 0
    for culprit in guilty:
        if text[position : culprit.start]:
            yield text[position : culprit.start], False
        yield culprit.character, True
        position = culprit.end
    if text[position:]:
        yield text[position:], False
