"""What of an order's money went back, by whatever way the shop writes that down."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Sum
from oscar.core.loading import get_model

from cart_recovery.shop.cancelling import is_cancelled, says_cancelled
from cart_recovery.shop.milestones import refunding_events


@dataclass(frozen=True, slots=True)
class TakenBack:
    """`amount` is in the order's currency; a cancelled order is taken back as a whole."""

    is_cancelled: bool
    amount: Decimal


def taken_back(order_ids: Collection[int]) -> dict[int, TakenBack]:
    """By order id, without orders that are gone. Constant queries.

    Payment sources, their transactions, payment events and cancelled lines often tell of the same
    refund twice or more: the largest of them counts, never their sum.
    """
    orders = get_model("order", "Order")._base_manager.filter(pk__in=set(order_ids))
    statuses = dict(orders.values_list("pk", "status"))
    keys = list(statuses)
    lines = get_model("order", "Line").objects.filter(order_id__in=keys)
    cancelled_lines = _sums(lines.filter(says_cancelled()), "order_id", "line_price_incl_tax")
    standing = set(lines.filter(~says_cancelled()).values_list("order_id", flat=True))
    refunds = paid_back(keys)
    return {
        key: TakenBack(
            is_cancelled=is_cancelled(status) or (key in cancelled_lines and key not in standing),
            amount=max(refunds.get(key, Decimal(0)), cancelled_lines.get(key, Decimal(0))),
        )
        for key, status in statuses.items()
    }


def paid_back(order_ids: Collection[int]) -> dict[int, Decimal]:
    """The money that went back, by order id; only where some did. Four queries."""
    transaction_model = get_model("payment", "Transaction")
    sums = (
        _sums(
            get_model("payment", "Source").objects.filter(order_id__in=order_ids),
            "order_id", "amount_refunded",
        ),
        _sums(
            transaction_model.objects.filter(
                source__order_id__in=order_ids, txn_type=transaction_model.REFUND
            ),
            "source__order_id", "amount",
        ),
        _sums(
            get_model("order", "PaymentEvent").objects.filter(
                order_id__in=order_ids, event_type__in=refunding_events()
            ),
            "order_id", "amount",
        ),
    )  # fmt: skip
    return {
        key: max(found.get(key, Decimal(0)) for found in sums)
        for key in {key for found in sums for key in found}
    }


def _sums(rows: object, key: str, amount: str) -> dict[int, Decimal]:
    # Oscar's default orderings would group by what they order by
    grouped = rows.order_by().values_list(key).annotate(total=Sum(amount))  # type: ignore[attr-defined]  # a query set of a model loaded by name
    return {order_id: abs(total) for order_id, total in grouped if total}
