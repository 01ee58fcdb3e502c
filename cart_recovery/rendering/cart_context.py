"""What a template about a basket sees of it."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _

from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.formats import absolute, clean, money
from cart_recovery.rendering.requests import RenderRequest
from cart_recovery.rendering.values import MAX_LINES, Spelling, required_link
from cart_recovery.shop.baskets import BasketFacts, LineFacts

MAX_OPTIONS: Final = 10


def cart_values(basket: BasketFacts, request: RenderRequest, spelling: Spelling) -> dict[str, Any]:
    """The values of a basket. Raises RenderingError where nothing can be bought."""
    lines, gone = _sorted_out(basket.lines)
    if not lines:
        raise RenderingError(_("Nothing in this basket can be bought any more."), field="basket")
    if len({line.currency for line in lines}) > 1:
        raise RenderingError(_("The basket holds several currencies."), field="basket")
    restore_url = required_link(request.restore_url, "restore_url")
    shown = [_line(line, spelling, fallback=restore_url) for line in lines[:MAX_LINES]]
    total = sum((_price(line) * line.buyable_quantity for line in lines), Decimal(0))
    return {
        "restore_url": restore_url,
        "lines": shown,
        "first_line": shown[0],
        "unavailable_lines": [
            {"title": spelling.title(line.title), "quantity": line.quantity}
            for line in gone[:MAX_LINES]
        ],
        "line_count": len(lines),
        "item_count": sum(line.buyable_quantity for line in lines),
        "more_count": max(len(lines) - MAX_LINES, 0),
        "total": money(total, lines[0].currency, spelling.language),
    }


def _sorted_out(lines: Iterable[LineFacts]) -> tuple[list[LineFacts], list[LineFacts]]:
    """Lines that can be bought now, and those that cannot."""
    buyable: list[LineFacts] = []
    gone: list[LineFacts] = []
    for line in lines:
        can = line.buyable_quantity > 0 and line.price is not None and line.currency
        (buyable if can else gone).append(line)
    return buyable, gone


def _price(line: LineFacts) -> Decimal:
    return Decimal(0) if line.price is None else line.price


def _line(line: LineFacts, spelling: Spelling, *, fallback: str) -> dict[str, Any]:
    price, quantity = _price(line), line.buyable_quantity
    return {
        "title": spelling.title(line.title),
        "quantity": quantity,
        "wanted_quantity": line.quantity,
        "is_short": quantity < line.quantity,
        "price": money(price, line.currency, spelling.language),
        "total": money(price * quantity, line.currency, spelling.language),
        # a product without a page still leads somewhere: to the basket that it lies in
        "url": absolute(line.product_path, spelling.base_url) or fallback,
        "image_url": absolute(line.image_url, spelling.base_url) or None,
        "options": [
            {"name": clean(name, 80), "value": clean(value, 80)}
            for name, value in line.options[:MAX_OPTIONS]
        ],
    }
