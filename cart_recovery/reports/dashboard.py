"""What the dashboard shows of a period: two queries over the days' sums, whatever their number."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from cart_recovery.models import Measure
from cart_recovery.reports.figures import Figure, sums

#: the tables, and by what their rows are told apart
TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "campaign": ("campaign_key",),
    "step": ("campaign_key", "step_key"),
    "channel": ("channel",),
    "variant": ("campaign_key", "step_key", "channel", "variant_key"),
    "language": ("language",),
}
FINEST: Final = ("campaign_key", "step_key", "variant_key", "channel", "language")
#: shares of the delivered mails that are marked as spam. Gmail and Yahoo ask senders to stay below
#: the first and refuse mails from the second on (support.google.com/mail/answer/81126)
COMPLAINTS_HIGH: Final = Decimal("0.001")
COMPLAINTS_TOO_HIGH: Final = Decimal("0.003")

Money = Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `since` to `until`, both included."""

    since: dt.date
    until: dt.date

    @property
    def length(self) -> int:
        return (self.until - self.since).days + 1

    @property
    def before(self) -> Period:
        """As many days, right before."""
        days = dt.timedelta(days=self.length)
        return Period(self.since - days, self.until - days)

    @property
    def days(self) -> list[dt.date]:
        return [self.since + dt.timedelta(days=n) for n in range(self.length)]


@dataclass(slots=True)
class Totals:
    """Sums of some figures. Money is currency -> amount."""

    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    amounts: dict[str, dict[str, Decimal]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(Decimal))
    )
    #: channel -> delivered, complained
    mail: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def add(self, figure: Figure, channel: str) -> None:
        self.counts[figure.measure] += figure.count
        if figure.amount:
            self.amounts[figure.measure][figure.currency] += figure.amount
        if figure.measure == Measure.DELIVERED:
            self.mail[channel][0] += figure.count
        elif figure.measure == Measure.COMPLAINED:
            self.mail[channel][1] += figure.count

    def merge(self, other: Totals) -> None:
        for measure, count in other.counts.items():
            self.counts[measure] += count
        for measure, money in other.amounts.items():
            for currency, amount in money.items():
                self.amounts[measure][currency] += amount
        for channel, (delivered, complained) in other.mail.items():
            self.mail[channel][0] += delivered
            self.mail[channel][1] += complained

    def of(self, measure: str) -> int:
        return self.counts.get(measure, 0)

    @property
    def recovered(self) -> int:
        """Orders that were not taken back as a whole."""
        return max(self.of(Measure.RECOVERED) - self.of(Measure.REFUNDED), 0)

    @property
    def revenue(self) -> Money:
        """What the credited orders brought, less what was paid back."""
        earned = self.amounts.get(Measure.RECOVERED, {})
        back = self.amounts.get(Measure.REFUNDED, {})
        return {
            currency: earned.get(currency, Decimal(0)) - back.get(currency, Decimal(0))
            for currency in sorted({*earned, *back})
        }

    @property
    def cost(self) -> Money:
        return dict(sorted(self.amounts.get(Measure.COST, {}).items()))

    @property
    def returns(self) -> Money:
        """Revenue per unit of cost, where both are of one currency."""
        cost = self.cost
        return {c: amount / cost[c] for c, amount in self.revenue.items() if cost.get(c)}

    @property
    def reach_rate(self) -> Decimal | None:
        return _share(self.of(Measure.REACHED), self.of(Measure.ABANDONED))

    @property
    def click_rate(self) -> Decimal | None:
        return _share(self.of(Measure.CLICKED), self.of(Measure.SENT))

    @property
    def recovery_rate(self) -> Decimal | None:
        return _share(self.recovered, self.of(Measure.REACHED))

    @property
    def order_rate(self) -> Decimal | None:
        return _share(self.recovered, self.of(Measure.SENT))

    @property
    def opt_out_rate(self) -> Decimal | None:
        return _share(self.of(Measure.OPTED_OUT), self.of(Measure.SENT))

    @property
    def complaint_rate(self) -> Decimal | None:
        """Of what was delivered by the channels on which anybody can complain."""
        found = [pair for pair in self.mail.values() if pair[1]]
        if not found:
            return Decimal(0) if self.of(Measure.DELIVERED) else None
        return _share(sum(pair[1] for pair in found), sum(pair[0] for pair in found))

    def __bool__(self) -> bool:
        return any(self.counts.values())


@dataclass(frozen=True, slots=True)
class Report:
    period: Period
    now: Totals
    before: Totals
    #: one for each day of the period
    days: list[tuple[dt.date, Totals]]
    #: name of the table -> (values of what TABLES names, sums), what was reached most first
    tables: Mapping[str, list[tuple[tuple[object, ...], Totals]]]


def load(period: Period) -> Report:
    """The period, the one before, and what came of what. Two queries."""
    now, before = Totals(), Totals()
    days = {day: Totals() for day in period.days}
    for figure in sums(period.before.since, period.until, by=("day", "channel")):
        day, channel = figure.key
        totals = days.get(day)  # type: ignore[call-overload] # a date by the order of `by`
        (before if totals is None else now).add(figure, str(channel))
        if totals is not None:
            totals.add(figure, str(channel))
    return Report(period, now, before, list(days.items()), _tables(_finest(period)))


def _finest(period: Period) -> Iterable[Figure]:
    # nothing but its language is known of a cart that nobody was written to about
    return [
        figure
        for figure in sums(period.since, period.until, by=FINEST)
        if figure.measure != Measure.ABANDONED
    ]


def _tables(
    figures: Iterable[Figure],
) -> dict[str, list[tuple[tuple[object, ...], Totals]]]:
    found: dict[str, dict[tuple[object, ...], Totals]] = {
        name: defaultdict(Totals) for name in TABLES
    }
    for figure in figures:
        values = dict(zip(FINEST, figure.key, strict=True))
        for name, dimensions in TABLES.items():
            key = tuple(values[dimension] for dimension in dimensions)
            found[name][key].add(figure, str(values["channel"]))
    return {
        name: sorted(rows.items(), key=lambda row: (-row[1].of(Measure.SENT), str(row[0])))
        for name, rows in found.items()
    }


def weekly(days: Iterable[tuple[dt.date, Totals]]) -> list[tuple[dt.date, Totals]]:
    """The same by weeks, each named by its first day in the period."""
    weeks: dict[dt.date, tuple[dt.date, Totals]] = {}
    for day, totals in days:
        monday = day - dt.timedelta(days=day.weekday())
        _first, week = weeks.setdefault(monday, (day, Totals()))
        week.merge(totals)
    return list(weeks.values())


def _share(part: int, whole: int) -> Decimal | None:
    """None where there is nothing to take a share of."""
    return Decimal(part) / Decimal(whole) if whole else None
