"""What a template about an order sees of it."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext as _

from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.formats import absolute, clean, day, money
from cart_recovery.rendering.requests import OrderLineView, OrderView
from cart_recovery.rendering.values import MAX_LINES, Spelling, required_link, thanks_value

#: the longest scale is 0 to 10
MAX_RATINGS: Final = 11


def order_values(order: OrderView, spelling: Spelling, *, may_advertise: bool) -> dict[str, Any]:
    """The values of an order. Raises RenderingError where there is nothing to speak of."""
    if not order.lines:
        raise RenderingError(
            _("Nothing of this order is left that the message could be about."), field="order"
        )
    if not (order.number and order.currency):
        raise RenderingError(_("The order has no number or no currency."), field="order")
    action_url = required_link(order.action_url, "action_url")
    shown = [_line(line, order, spelling) for line in order.lines[:MAX_LINES]]
    refund, due, language = order.refund, order.amount_due, spelling.language
    return {
        "order_number": clean(order.number),
        "order_date": day(order.placed_at, language),
        "total": money(order.total, order.currency, language),
        "lines": shown,
        "first_line": shown[0],
        "line_count": len(order.lines),
        "item_count": sum(line.quantity for line in order.lines),
        "more_count": max(len(order.lines) - MAX_LINES, 0),
        "other_lines": [_line(line, order, spelling) for line in order.other_lines[:MAX_LINES]],
        "other_count": len(order.other_lines),
        "is_part": order.is_part,
        "action_url": action_url,
        "order_url": absolute(order.order_url, "") or None,
        "tracking_url": absolute(order.tracking_url, "") or None,
        "other_parcels": _parcels(order, spelling),
        "payment_url": absolute(order.payment_url, "") or None,
        "amount_due": money(due, order.currency, language) if due else None,
        "refund": money(refund, order.currency, language) if refund else None,
        **_asking(order, spelling, may_advertise=may_advertise),
    }


def _parcels(order: OrderView, spelling: Spelling) -> list[dict[str, Any]]:
    """Where they are followed. Of an SMS that grows too long they are left out before it is lost."""
    urls = [] if spelling.is_short else order.other_parcels[:MAX_LINES]
    return [{"url": url} for given in urls if (url := absolute(given, ""))]


def _asking(order: OrderView, spelling: Spelling, *, may_advertise: bool) -> dict[str, Any]:
    """What asks for an opinion, which is advertising."""
    if not may_advertise:
        return dict.fromkeys(("review_url", "scale", "thanks")) | {"ratings": []}
    scores = [str(score) for score, _url in order.ratings]
    return {
        "review_url": absolute(order.review_url, "") or None,
        "ratings": [
            {"score": score, "url": required_link(url, "ratings")}
            for score, url in order.ratings[:MAX_RATINGS]
        ],
        "scale": {"best": scores[0], "worst": scores[-1]} if scores else None,
        "thanks": order.thanks and thanks_value(order.thanks, spelling.language),
    }


def _line(line: OrderLineView, order: OrderView, spelling: Spelling) -> dict[str, Any]:
    is_priced = line.total is not None
    return {
        "title": spelling.title(line.title),
        "quantity": line.quantity,
        "total": money(line.total, order.currency, spelling.language) if is_priced else None,
        # a product that is sold no more leads to where the message leads
        "url": absolute(line.product_path, spelling.base_url) or absolute(order.action_url, ""),
        "image_url": absolute(line.image_url, spelling.base_url) or None,
    }
