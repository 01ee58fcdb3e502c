"""Whether orders are paid, and by which means: plain facts, in bulk."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.module_loading import import_string
from oscar.core.loading import get_model

from cart_recovery.conf import conf
from cart_recovery.shop.milestones import folded
from cart_recovery.shop.orders import OrderFacts

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Payment:
    """`is_due`: the shop waits for money that should have come with the order."""

    is_due: bool
    #: pay later, cash on delivery: no money is expected yet
    is_deferred: bool


def load_payments(orders: Iterable[OrderFacts]) -> dict[int, Payment]:
    """Payment by order id. One query.

    Only what the shop says counts: a status of UNPAID_ORDER_STATUSES, or, where the shop lets
    payment sources decide, sources that hold less than the order's total. An order without sources
    is nobody's debt.
    """
    known = {order.order_id: order for order in orders}
    sources: dict[int, list[Any]] = defaultdict(list)
    rows = get_model("payment", "Source")._base_manager.filter(order_id__in=list(known))
    for row in rows.select_related("source_type"):
        sources[row.order_id].append(row)
    return {key: _payment(order, sources.get(key, [])) for key, order in known.items()}


def resume_url(order: OrderFacts, language: str) -> str:
    """Where the payment of an order can be gone on with; "" where the shop names nothing.

    PAYMENT_RESUME_URL is the name of a URL that takes the order's number, or the dotted path of a
    function `(order number, language) -> URL or path`.
    """
    if not conf.PAYMENT_RESUME_URL:
        return ""
    try:
        return _resume_url(conf.PAYMENT_RESUME_URL, order, language)
    except Exception:
        # the shop's own code: a reminder without a link still leads to the order
        logger.exception("PAYMENT_RESUME_URL failed for order %s", order.order_id)
        return ""


def _resume_url(target: str, order: OrderFacts, language: str) -> str:
    if "." in target and ":" not in target:
        return str(import_string(target)(order.number, language) or "")
    with translation.override(language or None):
        try:
            return reverse(target, kwargs={"order_number": order.number})
        except NoReverseMatch:
            return reverse(target)


def waits_for_money(status: str) -> bool:
    """Whether the shop says so of orders with this status."""
    return folded(status) in {folded(name) for name in conf.UNPAID_ORDER_STATUSES}


def _payment(order: OrderFacts, sources: list[Any]) -> Payment:
    later = {folded(name) for name in conf.PAY_LATER_METHODS}
    is_deferred = any(_names(source) & later for source in sources)
    is_due = waits_for_money(order.status)
    if not is_due and conf.UNPAID_BY_SOURCES and sources:
        held = sum((_held(source) for source in sources), Decimal(0))
        is_due = held < order.total_incl_tax
    return Payment(is_due=is_due and not is_deferred, is_deferred=is_deferred)


def _names(source: Any) -> set[str]:
    kind = source.source_type
    return {folded(str(kind.name)), folded(str(kind.code))}


def _held(source: Any) -> Decimal:
    """What is reserved or taken already, whichever the shop writes down."""
    return max(source.amount_allocated or Decimal(0), source.amount_debited or Decimal(0))
