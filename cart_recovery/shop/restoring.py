"""Rebuilds a basket in another one: adds what is missing, doubles nothing, says what changed."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from django.db import transaction

from cart_recovery.shop import catalogue
from cart_recovery.shop.alternatives import (
    Alternative,
    GoneProduct,
    categories_of,
    find_alternatives,
)
from cart_recovery.shop.baskets import max_quantity, unit_price
from cart_recovery.shop.sources import WantedLine

logger = logging.getLogger(__name__)


class LineStatus(StrEnum):
    ADDED = "added"  # put in, or its quantity raised
    KEPT = "kept"  # the shopper had it already
    FEWER = "fewer"  # put in, but not all of it: too few are left
    SHORT = "short"  # the shopper has more of it than can be bought now
    GONE = "gone"  # cannot be bought any more
    CHOOSE_AGAIN = "choose_again"  # can be bought, but what was chosen for it is lost
    OTHER_CURRENCY = "other_currency"  # does not go into one basket with the others
    NOT_MORE = "not_more"  # the basket is as full as the shop admits
    BOUGHT = "bought"  # the shopper has bought it in the meantime


@dataclass(frozen=True, slots=True)
class LineReport:
    """What became of one line. `quantity` is what the basket holds now, `wanted` what it held.

    Prices are for one piece; `old_price` is what the message said, and only set where it compares.
    """

    status: LineStatus
    title: str
    wanted: int
    quantity: int = 0
    old_price: Decimal | None = None
    new_price: Decimal | None = None
    currency: str = ""
    product_path: str = ""
    alternatives: tuple[Alternative, ...] = field(default=())

    @property
    def is_price_changed(self) -> bool:
        return None not in (self.old_price, self.new_price) and self.old_price != self.new_price


def lock_basket(basket: Any) -> None:
    """Makes all who restore into this basket wait for one another. Needs a transaction.

    Two devices of one shopper would otherwise both see a line missing, and add it twice.
    """
    if basket.pk is not None:
        list(basket.__class__._base_manager.select_for_update().filter(pk=basket.pk).values("pk"))
        # what was read before the lock may be old
        basket.reset_offer_applications()


def fill_basket(
    basket: Any, wanted: Sequence[WantedLine], *, bought: Mapping[int, dt.datetime]
) -> list[LineReport]:
    """Puts the wanted lines into the shopper's open basket; a report for each, in their order.

    The quantity of a line becomes the larger one of what is there and what is wanted, never the
    sum, and never more than can be bought. `bought`: when a product was last ordered by the
    shopper; lines from before that are left out. The basket needs its strategy, and is saved when
    the first line goes in.
    """
    held = held_lines(basket)
    reports = []
    for line in wanted:
        ordered_at = bought.get(line.product_id or 0)
        if ordered_at is not None and ordered_at >= line.added_at:
            reports.append(LineReport(LineStatus.BOUGHT, line.title, line.quantity))
        else:
            reports.append(_put_in(basket, line, _counterpart(held, line)))
    return _with_alternatives(reports, wanted, basket)


def held_lines(basket: Any) -> dict[Any, Any]:
    """The basket's own lines by product and chosen options, whatever stock record they name."""
    if basket.pk is None:
        return {}
    lines = basket.lines.select_related("product").prefetch_related("attributes__option")
    held: dict[Any, Any] = {}
    for line in lines.order_by("pk"):
        line.basket = basket
        held.setdefault(WantedLine.of(line).key, line)
    return held


def _counterpart(held: Mapping[Any, Any], line: WantedLine) -> Any | None:
    if line.options is None:
        # nobody knows what was chosen: whatever the shopper has of the product is the line
        same = (there for key, there in held.items() if key[0] == line.product_id)
        return next(same, None)
    return held.get(line.key)


def _put_in(basket: Any, line: WantedLine, held: Any | None) -> LineReport:
    try:
        with transaction.atomic():
            report = _keep(held, line) if held is not None else None
            return report or _add(basket, line, held)
    except Exception:
        # strategies, policies and forked baskets are the shop's code: one line must not take the
        # others with it
        logger.exception("A line of product %s could not be restored", line.product_id)
        return LineReport(LineStatus.GONE, line.title, line.quantity)


def _keep(held: Any, line: WantedLine) -> LineReport | None:
    """The report of a line that stays as it is; None if its quantity is to be raised."""
    limit = max_quantity(held.purchase_info, held.quantity)
    if limit == 0 or not catalogue.is_public(held.product):
        return LineReport(LineStatus.GONE, line.title, line.quantity)
    if limit is not None and limit < held.quantity:
        return LineReport(LineStatus.SHORT, line.title, wanted=held.quantity, quantity=limit)
    if held.quantity < line.quantity and line.options is not None:
        return None
    return LineReport(LineStatus.KEPT, line.title, wanted=line.quantity, quantity=held.quantity)


def _add(basket: Any, line: WantedLine, held: Any | None) -> LineReport:
    """Adds a line, or raises the quantity of the one that is there."""
    nothing = LineReport(LineStatus.GONE, line.title, line.quantity)
    product = line.product
    if product is None or not catalogue.is_public(product) or product.is_parent:
        return nothing
    nothing = replace(nothing, product_path=catalogue.product_path(product))
    if line.options is None or _lacks_options(product, line.options):
        return replace(nothing, status=LineStatus.CHOOSE_AGAIN)
    info = held.purchase_info if held else basket.get_stock_info(product, line.options)
    price = unit_price(info)
    if price is None or info.stockrecord is None:
        return nothing
    if basket.pk is not None and basket.currency not in (None, info.price.currency):
        return replace(nothing, status=LineStatus.OTHER_CURRENCY)
    present = held.quantity if held else 0
    missing = line.quantity - present
    in_stock = _most(missing, lambda n: _in_stock(basket, info, n))
    more = _most(in_stock, lambda n: bool(basket.is_quantity_allowed(n)[0]))
    if more:
        _write(basket, line, held=held, quantity=present + more)
    if more < in_stock:
        status = LineStatus.NOT_MORE
    elif more < missing:
        status = LineStatus.FEWER if present + more else LineStatus.GONE
    else:
        status = LineStatus.ADDED
    has_same_currency = line.currency in ("", info.price.currency)
    return replace(
        nothing,
        status=status,
        quantity=present + more,
        old_price=line.price if has_same_currency else None,
        new_price=price,
        currency=info.price.currency,
    )


def _write(basket: Any, line: WantedLine, *, held: Any | None, quantity: int) -> None:
    if held is not None:
        held.quantity = quantity
        held.save()
        basket.reset_offer_applications()
        return
    added, created = basket.add_product(line.product, quantity, line.options)
    if created and line.options and added.stockrecord_id == line.stockrecord_id:
        # Oscar's reference hashes the options as Python objects; after their way through the
        # database they hash differently, and a merge at log-in would not know the same line again
        added.line_reference = line.line_reference
        added.save()


def _most(wanted: int, is_possible: Callable[[int], bool]) -> int:
    """The largest possible number up to `wanted`, given that less than a possible one is too."""
    low, high = 0, wanted
    while low < high:
        middle = (low + high + 1) // 2
        if is_possible(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _in_stock(basket: Any, info: Any, more: int) -> bool:
    """Whether so many more can be bought on top of all lines that draw on the same stock."""
    lines = basket.all_lines() if basket.pk is not None else ()
    drawn = sum(line.quantity for line in lines if line.stockrecord_id == info.stockrecord.pk)
    return bool(info.availability.is_purchase_permitted(drawn + more)[0])


def _lacks_options(product: Any, options: Iterable[Mapping[str, Any]]) -> bool:
    """Whether something that has to be chosen for the product is not among the options."""
    chosen = {option["option"].pk for option in options}
    # as in Oscar's own form, the options of a variant are those of its parent
    required = (catalogue.parent_of(product) or product).options.filter(required=True)
    return bool(set(required.values_list("pk", flat=True)) - chosen)


def _with_alternatives(
    reports: Sequence[LineReport], wanted: Sequence[WantedLine], basket: Any
) -> list[LineReport]:
    lost = {
        line.product_id: line
        for report, line in zip(reports, wanted, strict=True)
        if report.status == LineStatus.GONE and line.product_id is not None
    }
    categories = categories_of(lost)
    found = find_alternatives(
        [
            GoneProduct(key, line.parent_id, categories.get(key) or line.category_ids)
            for key, line in lost.items()
        ],
        strategy=basket.strategy,
        not_these={line.product_id for line in wanted if line.product_id is not None},
    )
    return [
        replace(report, alternatives=found.get(line.product_id or 0, ()))
        if report.status == LineStatus.GONE
        else report
        for report, line in zip(reports, wanted, strict=True)
    ]
