"""Takes credit back with the money: cancelled orders as a whole, refunds by their amount."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from decimal import Decimal

from django.db import transaction

from cart_recovery.models import Conversion, RolledDay
from cart_recovery.shop.refunds import TakenBack, taken_back


def take_back(order_ids: Collection[int], now: dt.datetime) -> int:
    """Brings the conversions of orders, where they have one, in line with what was paid back; counts
    those that changed. Constant queries.

    Computed anew from the order each time, so that reports may come twice, in any order, or be
    undone.
    """
    if not Conversion.objects.filter(order_id__in=set(order_ids)).exists():
        return 0
    with transaction.atomic():
        rows = Conversion.objects.select_for_update().filter(order_id__in=set(order_ids))
        conversions = {row.order_id: row for row in rows.order_by("pk")}
        facts = taken_back([key for key in conversions if key is not None])
        changed = [
            conversion
            for key, conversion in conversions.items()
            if key in facts and _apply(conversion, facts[key], now)
        ]
        if changed:
            Conversion.objects.bulk_update(changed, ["refunded_amount", "reversed_at"])
            RolledDay.objects.mark_stale(conversion.credited_at for conversion in changed)
    return len(changed)


def _apply(conversion: Conversion, fact: TakenBack, now: dt.datetime) -> bool:
    """Writes the facts to the conversion; whether anything is new."""
    before = (conversion.refunded_amount, conversion.reversed_at)
    back = conversion.amount if fact.is_cancelled else min(fact.amount, conversion.amount)
    is_reversed = fact.is_cancelled or Decimal(0) < conversion.amount <= back
    conversion.refunded_amount = back
    conversion.reversed_at = (conversion.reversed_at or now) if is_reversed else None
    return before != (conversion.refunded_amount, conversion.reversed_at)
