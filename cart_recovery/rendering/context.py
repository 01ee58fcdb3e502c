"""From facts to what a template sees: dicts, lists, strings and numbers, nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import override

from cart_recovery.conf import conf
from cart_recovery.exceptions import RenderingError
from cart_recovery.models import IncentiveKind
from cart_recovery.rendering.formats import absolute, clean, deadline, money, percentage
from cart_recovery.rendering.requests import RenderRequest
from cart_recovery.shop.baskets import LineFacts
from cart_recovery.shop.vouchers import VoucherFacts

MAX_LINES: Final = 20
MAX_OPTIONS: Final = 10

Context = dict[str, Any]


def build_context(
    request: RenderRequest, *, language: str, base_url: str, title_limit: int = 255
) -> Context:
    """The values of `placeholders.PLACEHOLDERS`.

    `language` is the one that numbers and dates are written in, `base_url` the shop's address
    without a slash at its end, `title_limit` the longest title. Raises RenderingError where
    nothing can be bought or a link is not absolute.
    """
    lines, gone = _sorted_out(request.basket.lines)
    if not lines:
        raise RenderingError(_("Nothing in this basket can be bought any more."), field="basket")
    if len({line.currency for line in lines}) > 1:
        raise RenderingError(_("The basket holds several currencies."), field="basket")
    restore_url = _required(request.restore_url, "restore_url")
    shown = [
        _line(line, language=language, base_url=base_url, fallback=restore_url, limit=title_limit)
        for line in lines[:MAX_LINES]
    ]
    total = sum((_price(line) * line.buyable_quantity for line in lines), Decimal(0))
    return {
        "shop_name": clean(conf.SHOP_NAME),
        "shop_url": _required(base_url + "/", "shop_url"),
        "language": language,
        "restore_url": restore_url,
        "unsubscribe_url": _required(request.unsubscribe_url, "unsubscribe_url"),
        "preferences_url": absolute(request.preferences_url, "") or None,
        "imprint": conf.IMPRINT,
        "imprint_rows": [{"text": clean(row)} for row in conf.IMPRINT.splitlines()],
        "lines": shown,
        "first_line": shown[0],
        "unavailable_lines": [
            {"title": clean(line.title, title_limit), "quantity": line.quantity}
            for line in gone[:MAX_LINES]
        ],
        "line_count": len(lines),
        "item_count": sum(line.buyable_quantity for line in lines),
        "more_count": max(len(lines) - MAX_LINES, 0),
        "total": money(total, lines[0].currency, language),
        "voucher": request.voucher and _voucher(request.voucher, language),
        "can_reply": request.supports_reply,
        "rests_on_sale": request.rests_on_sale,
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


def _line(
    line: LineFacts, *, language: str, base_url: str, fallback: str, limit: int
) -> dict[str, Any]:
    price, quantity = _price(line), line.buyable_quantity
    return {
        "title": clean(line.title, limit) or "–",
        "quantity": quantity,
        "wanted_quantity": line.quantity,
        "is_short": quantity < line.quantity,
        "price": money(price, line.currency, language),
        "total": money(price * quantity, line.currency, language),
        # a product without a page still leads somewhere: to the basket that it lies in
        "url": absolute(line.product_path, base_url) or fallback,
        "image_url": absolute(line.image_url, base_url) or None,
        "options": [
            {"name": clean(name, 80), "value": clean(value, 80)}
            for name, value in line.options[:MAX_OPTIONS]
        ],
    }


def _voucher(voucher: VoucherFacts, language: str) -> dict[str, Any]:
    is_free_shipping = voucher.kind == IncentiveKind.FREE_SHIPPING
    if is_free_shipping:
        with override(language):
            value = _("free shipping")
    elif voucher.kind == IncentiveKind.PERCENTAGE:
        value = percentage(voucher.value, language)
    else:
        value = money(voucher.value, voucher.currency, language)
    minimum = voucher.minimum_basket
    return {
        "code": clean(voucher.code),
        "value": value,
        "is_free_shipping": is_free_shipping,
        "expires": deadline(voucher.expires_at, language),
        "minimum": money(minimum, voucher.currency, language) if minimum else None,
    }


def _required(url: str, name: str) -> str:
    link = absolute(url, "")
    if not link:
        raise RenderingError(_("A link is missing or is not an absolute address."), field=name)
    return link
