"""Baskets as plain facts: what lies in them, what it costs now, and what can still be bought."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Prefetch, QuerySet
from django.utils import translation
from oscar.core.loading import get_class, get_model

from cart_recovery.shop import catalogue

logger = logging.getLogger(__name__)

#: statuses of a basket that may still become an order. Frozen: a payment was begun, perhaps left.
LIVE_STATUSES: Final = ("Open", "Frozen")
#: attributes that hold what was prefetched
LINE_OPTIONS: Final = "cart_recovery_options"
VOUCHERS: Final = "cart_recovery_vouchers"
NO_PRODUCT: Final = catalogue.ProductFacts(None, "", "", "", is_public=False)


@dataclass(frozen=True, slots=True)
class LineFacts:
    """One line of a basket as it stands now.

    `price` is for one piece, including tax where the tax is known; None where nobody knows it.
    `max_quantity` says how many can be bought now; None: no limit. `image_url` and `product_path`
    are "" where there is none; both may be relative to the shop.
    """

    line_id: int
    product_id: int | None
    parent_id: int | None
    title: str
    quantity: int
    max_quantity: int | None
    is_available: bool
    price: Decimal | None
    currency: str
    image_url: str
    product_path: str
    options: tuple[tuple[str, str], ...]

    @property
    def buyable_quantity(self) -> int:
        """How many of the wanted pieces can be bought now."""
        if not self.is_available:
            return 0
        return self.quantity if self.max_quantity is None else min(self.quantity, self.max_quantity)


@dataclass(frozen=True, slots=True)
class BasketFacts:
    """One basket as it stands now. Empty lines (quantity 0) are left out."""

    basket_id: int
    status: str
    owner_id: int | None
    lines: tuple[LineFacts, ...]
    voucher_codes: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        return not self.lines

    @property
    def is_open(self) -> bool:
        """Open, or frozen by a payment that was begun and perhaps never ended."""
        return self.status in LIVE_STATUSES

    @property
    def is_buyable(self) -> bool:
        return any(line.is_available for line in self.lines)

    def without_products(self, product_ids: Collection[int]) -> BasketFacts:
        """The same basket without the lines of these products."""
        if not product_ids:
            return self
        kept = tuple(line for line in self.lines if line.product_id not in product_ids)
        return dataclasses.replace(self, lines=kept)

    @property
    def currency(self) -> str:
        """Of the first line that can be bought, else of the first line."""
        lines = [line for line in self.lines if line.is_available] or list(self.lines)
        return next((line.currency for line in lines if line.currency), "")

    @property
    def total(self) -> Decimal:
        """Price times quantity of the lines that can be bought, in the basket's currency."""
        return sum(
            (
                line.price * line.quantity
                for line in self.lines
                if line.is_available and line.price is not None and line.currency == self.currency
            ),
            Decimal("0.00"),
        )


def load_baskets(
    basket_ids: Collection[int], *, languages: Mapping[int, str] | None = None
) -> dict[int, BasketFacts]:
    """The facts of baskets by id, in a constant number of queries; without those that are gone.

    Prices come from the shop's strategy, asked without a request. `languages` (basket id -> code)
    says in which language titles, options and paths of a basket are read; default: the active one.
    """
    if not basket_ids:
        return {}
    selector = get_class("partner.strategy", "Selector")()
    facts = {}
    seen: catalogue.Seen = {}
    for basket in baskets_with_lines(basket_ids):
        basket.strategy = selector.strategy(user=basket.owner)
        language = (languages or {}).get(basket.pk)
        with translation.override(language) if language else contextlib.nullcontext():
            facts[basket.pk] = basket_facts(basket, seen)
    return facts


def open_basket_ids(user_id: Any) -> list[Any]:
    """The open baskets of a user: one, but for a race."""
    baskets = get_model("basket", "Basket")._base_manager
    return list(baskets.filter(owner_id=user_id, status="Open").values_list("pk", flat=True))


def count_lines(basket_ids: Collection[int]) -> dict[int, int]:
    """How many lines each of these baskets has; those without any are left out. One query."""
    lines = get_model("basket", "Line")._base_manager.filter(
        basket_id__in=set(basket_ids), quantity__gt=0
    )
    return dict(Counter(lines.values_list("basket_id", flat=True)))


def baskets_with_lines(basket_ids: Collection[int]) -> QuerySet[Any]:
    """Baskets with everything below them: ten queries, however many baskets and lines there are.

    Options and vouchers come as lists of our own: where the related manager is to keep them, Django
    makes a queryset per line, and that takes longer than all the queries.
    """
    attributes = (
        get_model("basket", "LineAttribute")._base_manager.order_by("pk").prefetch_related("option")
    )
    vouchers = get_model("voucher", "Voucher")._base_manager.all()
    lines = get_model("basket", "Line")._base_manager.order_by("pk").prefetch_related(
        # prefetched, not joined: an inner join would hide lines whose product or stock is gone
        Prefetch("product", queryset=catalogue.products_with_facts()),
        "stockrecord",
        Prefetch("attributes", queryset=attributes, to_attr=LINE_OPTIONS),
    )  # fmt: skip
    baskets: QuerySet[Any] = (
        get_model("basket", "Basket")
        ._base_manager.filter(pk__in=set(basket_ids))
        .select_related("owner")
        .prefetch_related(
            Prefetch("lines", queryset=lines),
            Prefetch("vouchers", queryset=vouchers, to_attr=VOUCHERS),
        )
    )
    return baskets


def basket_facts(basket: Any, seen: catalogue.Seen) -> BasketFacts:
    """The facts of a basket that carries its lines and a strategy."""
    lines = list(basket.lines.all())
    # what a strategy or a forked line may ask the basket for must not query once more
    basket._lines = basket.lines.all()
    return BasketFacts(
        basket_id=basket.pk,
        status=basket.status,
        owner_id=basket.owner_id,
        lines=tuple(line_facts(line, seen) for line in lines if line.quantity > 0),
        voucher_codes=tuple(voucher.code for voucher in getattr(basket, VOUCHERS)),
    )


def line_facts(line: Any, seen: catalogue.Seen) -> LineFacts:
    """The facts of one line, whatever of its product, stock record, picture or price is gone."""
    product = related(line, "product")
    shown = catalogue.product_facts(product, seen) if product is not None else NO_PRODUCT
    info = purchase_info(line) if product is not None else None
    price = unit_price(info)
    limit = max_quantity(info, line.quantity)
    return LineFacts(
        line_id=line.pk,
        product_id=product.pk if product is not None else None,
        parent_id=shown.parent_id,
        title=shown.title,
        quantity=line.quantity,
        max_quantity=limit,
        is_available=price is not None and limit != 0 and shown.is_public,
        price=price,
        currency=(info and info.price.currency) or line.price_currency or "",
        image_url=shown.image_url,
        product_path=shown.path,
        options=line_options(line),
    )


def related(instance: Any, name: str) -> Any | None:
    """The row that a foreign key points to; None where it is gone."""
    try:
        return getattr(instance, name)
    except ObjectDoesNotExist:
        return None


def purchase_info(line: Any) -> Any | None:
    """What the shop's strategy says about a line; None where it cannot say."""
    if related(line, "stockrecord") is None:
        return None
    try:
        return line.purchase_info
    except Exception:
        # a strategy is the shop's own code: what it cannot price is not for sale
        logger.exception("The strategy failed for basket line %s", line.pk)
        return None


def unit_price(info: Any | None) -> Decimal | None:
    """Price of one piece, including tax where the tax is known."""
    if info is None or not info.price.exists:
        return None
    price = info.price.incl_tax if info.price.is_tax_known else info.price.excl_tax
    return None if price is None else Decimal(price)


def max_quantity(info: Any | None, wanted: int) -> int | None:
    """How many pieces the availability policy permits now; None: as many as wanted.

    Policies with a number say it. Others are asked, by halving, for the most of `wanted`.
    """
    if info is None:
        return 0
    policy = info.availability
    number = getattr(policy, "num_available", None)
    if isinstance(number, int):
        return max(number, 0)
    if policy.is_purchase_permitted(wanted)[0]:
        return None
    permitted, refused = 0, wanted
    while refused - permitted > 1:
        middle = (permitted + refused) // 2
        if policy.is_purchase_permitted(middle)[0]:
            permitted = middle
        else:
            refused = middle
    return permitted


def line_options(line: Any) -> tuple[tuple[str, str], ...]:
    """What the shopper chose for the line, as (name, value); e.g. an engraving."""
    pairs = []
    for attribute in getattr(line, LINE_OPTIONS):
        option = related(attribute, "option")
        value = attribute.value
        text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        if option is not None and value not in (None, "", []):
            pairs.append((str(option.name), text))
    return tuple(pairs)
