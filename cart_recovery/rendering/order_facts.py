"""From an order of the shop to what a message says of it."""

from __future__ import annotations

from collections.abc import Mapping

from cart_recovery.rendering.requests import OrderLineView, OrderView
from cart_recovery.shop.order_views import OrderContents, OrderLineContents
from cart_recovery.shop.site import absolute_url


def order_view(
    contents: OrderContents,
    quantities: Mapping[int, int] | None = None,
    *,
    others: Mapping[int, int] | None = None,
    action_url: str = "",
) -> OrderView:
    """The order with the lines that the message is about.

    `quantities` (line id -> pieces) names them, `others` those that are still to come; without
    `quantities` it is about the whole order. Lines that are gone are left out. Without an
    `action_url` the button leads to the order's page, or to the shop where there is none.
    """
    if quantities is None:
        quantities = {line_id: line.quantity for line_id, line in contents.lines.items()}
    order_url = absolute_url(contents.order_path) if contents.order_path else ""
    return OrderView(
        number=contents.number, placed_at=contents.placed_at, total=contents.total,
        currency=contents.currency, lines=_lines(contents, quantities),
        other_lines=_lines(contents, others or {}), action_url=action_url or order_url or absolute_url("/"),
        order_url=order_url,
    )  # fmt: skip


def _lines(contents: OrderContents, quantities: Mapping[int, int]) -> tuple[OrderLineView, ...]:
    """In the order's own order."""
    return tuple(
        _view(line, quantities[line_id])
        for line_id, line in contents.lines.items()
        if quantities.get(line_id, 0) > 0
    )


def _view(line: OrderLineContents, quantity: int) -> OrderLineView:
    """Some pieces of a line cost their share of what was paid for it."""
    total = line.line_price * quantity / line.quantity
    return OrderLineView(line.title, quantity, total, line.product_path, line.image_url)
