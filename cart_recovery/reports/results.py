"""What came of campaigns, steps and variants so far, from the days' sums."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from cart_recovery.models import Measure
from cart_recovery.reports.figures import Figure, sums

SHOWN: Final = (Measure.SENT, Measure.CLICKED, Measure.RECOVERED, Measure.REFUNDED)
BEGINNING: Final = dt.date(2000, 1, 1)


@dataclass(slots=True)
class Outcome:
    """Messages sent and clicked, orders recovered, and their money less refunds by currency."""

    sent: int = 0
    clicked: int = 0
    recovered: int = 0
    revenue: dict[str, Decimal] = field(default_factory=dict)

    def add(self, figure: Figure) -> None:
        if figure.measure == Measure.SENT:
            self.sent += figure.count
        elif figure.measure == Measure.CLICKED:
            self.clicked += figure.count
        else:
            sign = -1 if figure.measure == Measure.REFUNDED else 1
            self.recovered += figure.count if sign > 0 else 0
            before = self.revenue.get(figure.currency, Decimal(0))
            self.revenue[figure.currency] = before + sign * figure.amount


def outcomes(
    keys: Collection[int], *, by: Sequence[str], since: dt.date = BEGINNING, until: dt.date
) -> dict[tuple[object, ...], Outcome]:
    """Outcome per combination of `by` over these campaigns. One query."""
    found = sums(since, until, by=by, measures=SHOWN, campaign_keys=keys)
    return _together(found)


def _together(figures: Iterable[Figure]) -> dict[tuple[object, ...], Outcome]:
    found: dict[tuple[object, ...], Outcome] = {}
    for figure in figures:
        found.setdefault(figure.key, Outcome()).add(figure)
    return found
