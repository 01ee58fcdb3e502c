"""How much of an order's money each of its refunds was. In bulk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from decimal import Decimal

from cart_recovery.models import Enrolment, Milestone, OrderMilestone
from cart_recovery.orders.milestones import amount_of


def refund_amounts(
    enrolments: Collection[Enrolment], refunded: Mapping[int, Decimal]
) -> dict[int, Decimal]:
    """What the refund that an enrolment tells of was, in the order's currency, by the enrolments' keys;
    without those of which the shop says no amount. One query, none for no enrolments.

    Milestones keep what had gone back in all, so that each refund is what it added. `refunded`: what
    has gone back by now, by the enrolments' keys, for a refund that was told before its amount.
    """
    if not enrolments:
        return {}
    totals: dict[int, dict[str, Decimal]] = defaultdict(dict)
    rows = OrderMilestone.objects.filter(
        tracked__in={e.order_id for e in enrolments}, kind=Milestone.REFUNDED
    )
    for tracked_id, group, key in rows.values_list("tracked_id", "group", "key"):
        amount = amount_of(key)
        if amount is not None:
            totals[tracked_id][group] = amount
    found = {}
    for enrolment in enrolments:
        known = totals[enrolment.order_id or 0]
        total = known.get(enrolment.key, refunded.get(enrolment.pk, Decimal(0)))
        amount = total - max((t for t in known.values() if t < total), default=Decimal(0))
        if amount > 0:
            found[enrolment.pk] = amount
    return found
