"""Whether orders are paid, and by which means: plain facts, in bulk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.module_loading import import_string
from django.utils.text import slugify
from oscar.core.loading import get_model

from cart_recovery.conf import conf
from cart_recovery.shop.milestones import folded
from cart_recovery.shop.orders import OrderFacts


@dataclass(frozen=True, slots=True)
class Payment:
    """`amount_due`: the money that the shop waits for and that should have come with the order; 0 where
    it waits for none."""

    amount_due: Decimal
    #: pay later, cash on delivery: no money is expected yet
    is_deferred: bool

    @property
    def is_due(self) -> bool:
        return self.amount_due > 0


@dataclass(frozen=True, slots=True)
class Holdings:
    """What an order's payment sources say: the money that was taken, and that taken or reserved."""

    debited: Decimal = Decimal(0)
    held: Decimal = Decimal(0)
    is_deferred: bool = False


NOTHING_HELD: Final = Holdings()


def load_holdings(order_ids: Iterable[int]) -> dict[int, Holdings]:
    """What payment sources hold, by order id, without orders that have no source. One query."""
    later = {_method(name) for name in conf.PAY_LATER_METHODS}
    sources: dict[int, list[Any]] = defaultdict(list)
    rows = get_model("payment", "Source")._base_manager.filter(order_id__in=list(order_ids))
    for row in rows.select_related("source_type"):
        sources[row.order_id].append(row)
    return {
        order_id: Holdings(
            debited=sum((row.amount_debited or Decimal(0) for row in own), Decimal(0)),
            held=sum((_held(row) for row in own), Decimal(0)),
            is_deferred=any(_names(row) & later for row in own),
        )
        for order_id, own in sources.items()
    }


def payment_of(order: OrderFacts, expected: Decimal, holdings: Holdings | None) -> Payment:
    """Whether money is missing. Pure.

    `expected`: what the order costs without that of it which was cancelled, returned or refunded. Only
    what the shop says makes a debt: a status of UNPAID_ORDER_STATUSES, or, where the shop lets payment
    sources decide, sources that hold less. An order without sources is nobody's debt, and money that
    was taken is paid, whatever the status still says.
    """
    own = holdings or NOTHING_HELD
    due = Decimal(0)
    if waits_for_money(order.status):
        due = expected - own.debited
    elif conf.UNPAID_BY_SOURCES and holdings is not None:
        due = expected - own.held
    return Payment(
        amount_due=Decimal(0) if own.is_deferred else max(due, Decimal(0)),
        is_deferred=own.is_deferred,
    )


def resume_url(order: OrderFacts, language: str) -> str:
    """Where the payment of an order can be gone on with; "" where the shop names nothing. Raises
    whatever the shop's own code raises.

    PAYMENT_RESUME_URL is the name of a URL that takes the order's number, or the dotted path of a
    function `(order number, language) -> URL or path`. It is asked in the order's language.
    """
    target = conf.PAYMENT_RESUME_URL
    if not target:
        return ""
    with translation.override(language or None):
        if is_dotted_path(target):
            return str(import_string(target)(order.number, language) or "")
        try:
            return reverse(target, kwargs={"order_number": order.number})
        except NoReverseMatch:
            return reverse(target)


def is_dotted_path(target: str) -> bool:
    """Whether it names a function, and not a URL."""
    return "." in target and ":" not in target and "/" not in target


def waits_for_money(status: str) -> bool:
    """Whether the shop says so of orders with this status."""
    return folded(status) in {folded(name) for name in conf.UNPAID_ORDER_STATUSES}


def _names(source: Any) -> set[str]:
    kind = source.source_type
    return {_method(str(kind.name)), _method(str(kind.code))}


def _method(name: str) -> str:
    """Names and codes alike: "Cash on delivery" has the code "cash-on-delivery"."""
    return slugify(name, allow_unicode=True).replace("_", "-") or folded(name)


def _held(source: Any) -> Decimal:
    """What is reserved or taken already, whichever the shop writes down."""
    return max(source.amount_allocated or Decimal(0), source.amount_debited or Decimal(0))
