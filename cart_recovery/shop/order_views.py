"""Orders as a message shows them: what was bought, how it looks, and where its page is."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Prefetch
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from oscar.core.loading import get_model

from cart_recovery.shop import catalogue
from cart_recovery.shop.baskets import NO_PRODUCT, related
from cart_recovery.shop.orders import countries_of


@dataclass(frozen=True, slots=True)
class OrderLineContents:
    """One line as it was ordered; prices include tax.

    `product_path` and `image_url` are those of today: "" where the product is gone or hidden, and
    relative to the shop where its media are.
    """

    line_id: int
    title: str
    quantity: int
    #: None where the shop did not keep it
    unit_price: Decimal | None
    line_price: Decimal
    product_id: int | None
    product_path: str
    image_url: str


@dataclass(frozen=True, slots=True)
class OrderContents:
    """One order with its lines by their ids, in the order in which they were put in."""

    order_id: int
    number: str
    placed_at: dt.datetime
    total: Decimal
    currency: str
    #: ISO codes, of the addresses that it goes to and is paid from
    countries: frozenset[str]
    #: path of the order's page: guests see it without log-in, customers in their account; "" where
    #: the shop has none
    order_path: str
    lines: Mapping[int, OrderLineContents]


def load_order_contents(
    order_ids: Collection[int], languages: Mapping[int, str] | None = None
) -> dict[int, OrderContents]:
    """The contents of orders by id, without those that are gone. Six queries, however many there are.

    `languages` (order id -> code) says in which language paths are read; default: the active one.
    """
    if not order_ids:
        return {}
    lines = get_model("order", "Line")._base_manager.order_by("pk").prefetch_related(
        # prefetched, not joined: a line outlives its product
        Prefetch("product", queryset=catalogue.products_with_facts())
    )  # fmt: skip
    orders = (
        get_model("order", "Order")
        ._base_manager.filter(pk__in=set(order_ids))
        .select_related("shipping_address", "billing_address")
        .prefetch_related(Prefetch("lines", queryset=lines))
    )
    found = {}
    seen: catalogue.Seen = {}
    for order in orders:
        language = (languages or {}).get(order.pk)
        with translation.override(language) if language else contextlib.nullcontext():
            found[order.pk] = OrderContents(
                order_id=order.pk, number=str(order.number), placed_at=order.date_placed,
                total=order.total_incl_tax, currency=order.currency, order_path=order_path(order),
                countries=countries_of(order),
                lines=_lines_of(order.lines.all(), seen),
            )  # fmt: skip
    return found


def newest_orders(limit: int) -> list[int]:
    """Keys of the newest orders, the newest first. One query, by the index on their date."""
    orders = get_model("order", "Order")._base_manager.order_by("-date_placed", "-pk")
    return list(orders.values_list("pk", flat=True)[:limit])


def stored_key(text: str) -> Any | None:
    """The key of the order that a text names; None where there is no such order. One query."""
    orders = get_model("order", "Order")._base_manager
    try:
        return orders.filter(pk=text).values_list("pk", flat=True).first()
    except (ValueError, ValidationError):
        # not what keys of this shop look like
        return None


def order_path(order: Any) -> str:
    """Path of the order's page in the active language. Oscar signs it for guests alone."""
    try:
        if order.user_id is None:
            return reverse(
                "customer:anon-order",
                kwargs={"order_number": order.number, "hash": order.verification_hash()},
            )
        return reverse("customer:order", kwargs={"order_number": order.number})
    except NoReverseMatch:
        # a shop may leave these pages out, or number its orders as Oscar's patterns do not expect
        return ""


def _lines_of(rows: Iterable[Any], seen: catalogue.Seen) -> dict[int, OrderLineContents]:
    return {row.pk: _line(row, seen) for row in rows if row.quantity > 0}


def _line(row: Any, seen: catalogue.Seen) -> OrderLineContents:
    product = related(row, "product")
    shown = catalogue.product_facts(product, seen) if product is not None else NO_PRODUCT
    return OrderLineContents(
        line_id=row.pk,
        title=str(row.title or shown.title).strip(),
        quantity=row.quantity,
        unit_price=row.unit_price_incl_tax,
        line_price=row.line_price_incl_tax,
        product_id=product.pk if product is not None else None,
        product_path=shown.path if shown.is_public else "",
        image_url=shown.image_url,
    )
