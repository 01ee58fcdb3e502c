from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cart_recovery.rendering.formats import clean, deadline, locale_of, money, percentage, shorten


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        ("1234.5", "EUR", "de", "1.234,50 €"),
        ("1234.5", "EUR", "en", "€1,234.50"),
        ("1234.5", "EUR", "de-at", "€ 1.234,50"),
        ("1234.5", "CHF", "de-ch", "CHF 1’234.50"),
        ("0", "EUR", "de", "0,00 €"),
        ("1234", "JPY", "de", "1.234 ¥"),
        ("5", "XXQ", "de", "5,00 XXQ"),
        ("5", "EUR", "xx-nosuch", "€5.00"),
        ("5", "EUR", "", "€5.00"),
    ],
)
def test_money_is_written_as_the_language_does(
    amount: str, currency: str, language: str, text: str
) -> None:
    assert money(Decimal(amount), currency, language).replace("\xa0", " ") == text


@pytest.mark.parametrize(
    ("value", "language", "text"),
    [("10", "de", "10 %"), ("10.00", "en", "10%"), ("7.5", "de", "7,5 %"), ("7.5", "tr", "%7,5")],
)
def test_percentage_is_written_as_the_language_does(value: str, language: str, text: str) -> None:
    assert percentage(Decimal(value), language).replace("\xa0", " ") == text


@pytest.mark.parametrize(
    ("moment", "language", "text"),
    [
        ((2026, 12, 2, 23, 30), "de", "3. Dezember 2026, 00:30 Uhr"),
        ((2026, 12, 2, 23, 30), "en", "December 3, 2026, 12:30 AM"),
        ((2026, 12, 2, 23, 0), "de", "2. Dezember 2026"),
        ((2026, 12, 2, 22, 59), "de", "2. Dezember 2026"),
        ((2026, 7, 2, 10, 0), "de", "2. Juli 2026, 12:00 Uhr"),
    ],
)
def test_deadline_is_told_in_the_shops_time_zone(
    moment: tuple[int, ...], language: str, text: str
) -> None:
    with timezone.override("America/New_York"):
        told = deadline(dt.datetime(*moment, tzinfo=dt.UTC), language)  # type: ignore[misc,arg-type]
    assert told.replace("\u202f", " ") == text


def test_unknown_language_falls_back_to_its_base_and_to_english() -> None:
    assert str(locale_of("de-xx")) == "de"
    assert str(locale_of("tlh")) == "en"


@given(st.text(max_size=400), st.integers(1, 80))
def test_shortened_text_never_exceeds_its_limit(text: str, limit: int) -> None:
    assert len(shorten(text, limit)) <= limit


@given(st.text(max_size=400))
def test_clean_text_is_one_short_line_and_stays_clean(text: str) -> None:
    once = clean(text)
    assert len(once) <= 255
    assert "\n" not in once
    assert "\x00" not in once
    assert clean(once) == once
    once.encode()
