"""Prices as the shop's own pages write them."""

from __future__ import annotations

from decimal import Decimal

from django.conf import settings
from oscar.templatetags.currency_filters import currency as format_currency


def price_text(amount: Decimal, currency: str) -> str:
    """`19,99 €` in the active language; Oscar's settings for currency formats are kept."""
    return str(format_currency(amount, currency or None))


def shop_currency() -> str:
    """The currency that the shop's prices are in where nothing else is said."""
    return str(settings.OSCAR_DEFAULT_CURRENCY)
