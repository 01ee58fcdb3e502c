"""Reading the days' sums: one query, whatever the period."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db.models import Sum

from cart_recovery.models import DailyFigure

#: by what figures may be told apart
DIMENSIONS: Final = frozenset(
    {"day", "campaign_key", "step_key", "variant_key", "channel", "language"}
)


@dataclass(frozen=True, slots=True)
class Figure:
    """`key` holds the values of the dimensions asked for, in their order."""

    key: tuple[object, ...]
    measure: str
    #: "" for what is no money
    currency: str
    count: int
    amount: Decimal


def sums(
    since: dt.date,
    until: dt.date,
    *,
    by: Sequence[str] = (),
    measures: Collection[str] = (),
    campaign_keys: Collection[int] | None = None,
) -> list[Figure]:
    """The sums over the days from `since` to `until`, both included, per `by`, measure and currency.

    `measures`: these alone (empty: all). `campaign_keys`: these campaigns alone (None: everything).
    Raises ValueError for a dimension that there is not.
    """
    if unknown := sorted(set(by) - DIMENSIONS):
        raise ValueError(
            f"Figures have no dimension {unknown[0]!r}: {', '.join(sorted(DIMENSIONS))}"
        )
    rows = DailyFigure.objects.filter(day__gte=since, day__lte=until)
    if measures:
        rows = rows.filter(measure__in=measures)
    if campaign_keys is not None:
        rows = rows.filter(campaign_key__in=campaign_keys)
    found = (
        rows.order_by(*by, "measure", "currency")
        .values_list(*by, "measure", "currency")
        .annotate(total_count=Sum("count"), total_amount=Sum("amount"))
    )
    return [
        Figure(tuple(key), measure, currency, count or 0, amount or Decimal(0))
        for *key, measure, currency, count, amount in found
    ]
