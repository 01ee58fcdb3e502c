"""What a link's basket held: its lines where they are now, and what the message said of them."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Prefetch, Q
from oscar.core.loading import get_model

from cart_recovery.shop import catalogue
from cart_recovery.shop.alternatives import categories_of
from cart_recovery.shop.baskets import BasketFacts, LineFacts
from cart_recovery.shop.cancelling import says_cancelled

OPEN, MERGED, SAVED, FROZEN, SUBMITTED = "Open", "Merged", "Saved", "Frozen", "Submitted"


@dataclass(frozen=True, slots=True)
class LinkedLine:
    """A line as the message showed it. `has_options`: something was chosen for it."""

    line_id: int
    product_id: int | None
    parent_id: int | None
    title: str
    quantity: int
    price: Decimal | None
    currency: str
    has_options: bool
    category_ids: tuple[int, ...]

    def as_json(self) -> dict[str, Any]:
        """Short keys: there is one of these per line of each message."""
        return {
            "l": self.line_id, "p": self.product_id, "f": self.parent_id, "t": self.title,
            "q": self.quantity, "c": None if self.price is None else str(self.price),
            "u": self.currency, "o": self.has_options, "k": list(self.category_ids),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> LinkedLine:
        price = data["c"]
        return cls(
            data["l"], data["p"], data["f"], data["t"], data["q"],
            None if price is None else Decimal(price), data["u"], data["o"], tuple(data["k"]),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class WantedLine:
    """A line to be put back. `options` is None where it is lost what was chosen for the line."""

    product: Any | None
    product_id: int | None
    parent_id: int | None
    title: str
    quantity: int
    options: list[dict[str, Any]] | None
    price: Decimal | None
    currency: str
    added_at: dt.datetime
    category_ids: tuple[int, ...] = ()
    line_reference: str = ""
    stockrecord_id: Any = None

    @property
    def key(self) -> tuple[Any, ...]:
        """What makes two lines the same: the product, and what was chosen for it."""
        chosen = sorted(
            (
                option["option"].pk,
                json.dumps(option["value"], cls=DjangoJSONEncoder, sort_keys=True),
            )
            for option in self.options or ()
        )
        return (self.product_id, *chosen)

    @classmethod
    def of(cls, line: Any, linked: LinkedLine | None = None) -> WantedLine:
        """Of a basket line with its product and attributes; `linked` says what the message said."""
        product = line.product
        options = [{"option": a.option, "value": a.value} for a in line.attributes.all()]
        stored = line.price_excl_tax if line.price_incl_tax is None else line.price_incl_tax
        return cls(
            product=product,
            product_id=product.pk,
            parent_id=product.parent_id,
            title=catalogue.product_title(product),
            quantity=line.quantity,
            options=options,
            price=linked.price if linked else stored,
            currency=linked.currency if linked else line.price_currency,
            added_at=line.date_created,
            category_ids=linked.category_ids if linked else (),
            line_reference=line.line_reference,
            stockrecord_id=line.stockrecord_id,
        )


@dataclass(frozen=True, slots=True)
class Source:
    """The basket that a link is about. `status` is "" where its row is gone."""

    basket_id: int | None
    status: str
    owner_id: Any | None
    lines: tuple[WantedLine, ...]


def linked_lines(baskets: Collection[BasketFacts]) -> dict[int, list[LinkedLine]]:
    """What a link keeps of its basket, by basket id. Two queries."""
    lines = [line for basket in baskets for line in basket.lines]
    categories = categories_of({n.product_id for n in lines if n.product_id is not None})
    return {
        basket.basket_id: [
            _linked(line, categories.get(line.product_id or 0, ())) for line in basket.lines
        ]
        for basket in baskets
    }


def load_source(
    basket_id: int | None,
    linked: Sequence[LinkedLine],
    *,
    linked_at: dt.datetime,
    is_untouched: bool,
) -> Source:
    """The lines to be put back: those of the basket, and what the link still knows of lost ones.

    When baskets are merged at log-in, lines move on with their keys: they are found there. A line
    that is lost altogether went with its product or stock record if nobody touched the basket
    since the message (`is_untouched`); otherwise the shopper took it out, and it stays out.
    """
    row = get_model("basket", "Basket")._base_manager.filter(pk=basket_id).first()
    status = row.status if row else ""
    where = Q(basket_id=basket_id)
    if status == MERGED:
        where |= Q(pk__in=[line.line_id for line in linked])
    rows = get_model("basket", "Line")._base_manager.filter(where, quantity__gt=0)
    by_id = {line.line_id: line for line in linked}
    found = {
        line.pk: WantedLine.of(line, by_id.get(line.pk))
        for line in rows.order_by("pk").prefetch_related(
            "attributes__option", Prefetch("product", queryset=catalogue.products_with_facts())
        )
    }
    lost = [line for line in linked if line.line_id not in found]
    wanted = list(found.values())
    wanted += _rebuilt(lost, linked_at, keep_all=is_untouched or status in ("", MERGED))
    return Source(basket_id, status, row.owner_id if row else None, tuple(wanted))


def _rebuilt(
    lost: Sequence[LinkedLine], linked_at: dt.datetime, *, keep_all: bool
) -> list[WantedLine]:
    keys = {line.product_id for line in lost if line.product_id is not None}
    products = (
        {p.pk: p for p in catalogue.products_with_facts().filter(pk__in=keys)} if keys else {}
    )
    wanted = []
    for line in lost:
        product = products.get(line.product_id)
        if product is not None and not keep_all and product.stockrecords.all():
            continue
        wanted.append(
            WantedLine(
                product=product,
                product_id=line.product_id,
                parent_id=line.parent_id,
                title=catalogue.product_title(product) if product else line.title,
                quantity=line.quantity,
                options=None if line.has_options else [],
                price=line.price,
                currency=line.currency,
                added_at=linked_at,
                category_ids=line.category_ids,
            )
        )
    return wanted


def _linked(line: LineFacts, category_ids: tuple[int, ...]) -> LinkedLine:
    return LinkedLine(
        line_id=line.line_id,
        product_id=line.product_id,
        parent_id=line.parent_id,
        title=line.title,
        quantity=line.quantity,
        price=line.price,
        currency=line.currency,
        has_options=bool(line.options),
        category_ids=category_ids,
    )


def standing_orders(order_ids: Collection[int]) -> set[int]:
    """Those of the orders that were not cancelled. One query."""
    if not order_ids:
        return set()
    rows = get_model("order", "Order")._base_manager.filter(
        ~says_cancelled(), pk__in=set(order_ids)
    )
    return set(rows.values_list("pk", flat=True))


def ordered_products(order_ids: Collection[int]) -> dict[int, dt.datetime]:
    """When each product of these orders was last ordered. One query."""
    if not order_ids:
        return {}
    rows = get_model("order", "Line").objects.filter(
        order_id__in=set(order_ids), product__isnull=False
    )
    pairs = rows.order_by("order__date_placed").values_list("product_id", "order__date_placed")
    return dict(pairs)
