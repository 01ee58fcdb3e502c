"""The dashboard in words and drawings: what its templates show of a `reports.dashboard.Report`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Max, Q
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from cart_recovery.admin import charts
from cart_recovery.admin.charts import Chart, Series
from cart_recovery.admin.naming import Names
from cart_recovery.admin.periods import Asked
from cart_recovery.models import Measure, RolledDay
from cart_recovery.rendering import formats
from cart_recovery.reports.dashboard import (
    COMPLAINTS_HIGH,
    COMPLAINTS_TOO_HIGH,
    Money,
    Report,
    Totals,
    load,
    weekly,
)

#: rows of a table; the file has them all
MOST_ROWS: Final = 50
#: currencies that get a chart of their own
MOST_CURRENCIES: Final = 3
#: beyond that, charts go by weeks
MOST_DAYS: Final = 45
NOTHING: Final = "–"


@dataclass(frozen=True, slots=True)
class Tile:
    """`tone` is "", "warning" or "bad"; `advice` says in words what the tone means."""

    name: str
    values: Sequence[str]
    note: str = ""
    change: str = ""
    tone: str = ""
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A step of the funnel; `width` in per cent of the widest."""

    name: str
    number: str
    note: str
    width: str


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    heading: str
    rows: Sequence[tuple[str, Sequence[str]]]
    #: says how many rows are only in the file
    left_out: str = ""


class Writer:
    """Numbers as the reader's language writes them."""

    def __init__(self) -> None:
        self.language = get_language() or "en"

    def number(self, value: Decimal | int) -> str:
        return number_format(value, decimal_pos=0, use_l10n=True, force_grouping=True)

    def share(self, value: Decimal | None) -> str:
        if value is None:
            return NOTHING
        percent = value * 100
        digits = Decimal("0.01") if abs(percent) < 1 else Decimal("0.1")
        return formats.percentage(percent.quantize(digits).normalize(), self.language)

    def money(self, money: Money) -> list[str]:
        return [
            formats.money(amount.quantize(Decimal("0.01")), currency, self.language)
            for currency, amount in money.items()
        ]

    def money_or_nothing(self, money: Money) -> str:
        return " + ".join(self.money(money)) or NOTHING

    def day(self, day: dt.date) -> str:
        return date_format(day, "SHORT_DATE_FORMAT")

    def change(self, now: Decimal | int, before: Decimal | int) -> str:
        """By how much it is more or less than in the period before."""
        if not before:
            return _("none before") if now else ""
        share = Decimal(now) / Decimal(before) - 1
        percent = formats.percentage(abs(share * 100).quantize(Decimal(1)), self.language)
        if share > 0:
            return _("%(percent)s more than before") % {"percent": percent}
        if share < 0:
            return _("%(percent)s less than before") % {"percent": percent}
        return _("as many as before")


def build(asked: Asked) -> dict[str, Any]:
    """Everything that `dashboard.html` shows. Six queries, whatever the period and its history."""
    report, names, writer = load(asked.period), Names(), Writer()
    return {
        "asked": asked,
        "title": _("%(since)s to %(until)s") % {
            "since": writer.day(asked.period.since), "until": writer.day(asked.period.until),
        },
        "before": _("%(since)s to %(until)s") % {
            "since": writer.day(asked.period.before.since),
            "until": writer.day(asked.period.before.until),
        },
        "has_figures": bool(report.now),
        "state": _state(asked),
        "tiles": _tiles(report, writer),
        "funnel": _funnel(report.now, writer),
        "charts": _charts(report, writer),
        "columns": _columns(),
        "tables": _tables(report, names, writer),
    }  # fmt: skip


def _state(asked: Asked) -> dict[str, Any]:
    """How fresh the figures are, and how many days of the period still wait."""
    return RolledDay.objects.filter(
        day__gte=asked.period.since, day__lte=asked.period.until
    ).aggregate(
        at=Max("rolled_at"), waiting=Count("pk", filter=Q(rolled_at=None) | Q(is_stale=True))
    )


def _tiles(report: Report, writer: Writer) -> list[Tile]:
    now, before = report.now, report.before

    def counted(measure: str) -> tuple[list[str], str]:
        count = now.of(measure)
        return [writer.number(count)], writer.change(count, before.of(measure))

    abandoned, abandoned_change = counted(Measure.ABANDONED)
    reached, reached_change = counted(Measure.REACHED)
    opted_out, opted_out_change = counted(Measure.OPTED_OUT)
    return [
        Tile(_("Carts abandoned"), abandoned, change=abandoned_change),
        Tile(
            _("Carts written about"), reached,
            _("%(share)s of the abandoned ones") % {"share": writer.share(now.reach_rate)},
            reached_change,
        ),
        Tile(
            _("Orders recovered"), [writer.number(now.recovered)],
            _("%(share)s of the carts written about") % {"share": writer.share(now.recovery_rate)},
            writer.change(now.recovered, before.recovered),
        ),
        _money_tile(_("Revenue, less refunds"), now.revenue, before.revenue, writer),
        _money_tile(_("Cost of the messages"), now.cost, before.cost, writer),
        _return_tile(now, writer),
        Tile(
            _("Opt-outs"), opted_out,
            _("%(share)s of the messages") % {"share": writer.share(now.opt_out_rate)},
            opted_out_change,
        ),
        _complaint_tile(now, before, writer),
    ]  # fmt: skip


def _money_tile(name: str, now: Money, before: Money, writer: Writer) -> Tile:
    changes = [
        writer.change(amount, before.get(currency, Decimal(0))) for currency, amount in now.items()
    ]
    # of several currencies each has its own: the tables tell
    change = changes[0] if len(changes) == 1 else ""
    return Tile(name, writer.money(now) or [NOTHING], change=change)


def _return_tile(now: Totals, writer: Writer) -> Tile:
    values = [
        _("%(amount)s per %(unit)s") % {
            "amount": formats.money(amount.quantize(Decimal("0.01")), currency, writer.language),
            "unit": formats.money(Decimal(1), currency, writer.language),
        }
        for currency, amount in now.returns.items()
    ]  # fmt: skip
    note = "" if values else _("No message had a price on these days.")
    return Tile(_("Return on cost"), values or [NOTHING], note)


def _complaint_tile(now: Totals, before: Totals, writer: Writer) -> Tile:
    count, rate = now.of(Measure.COMPLAINED), now.complaint_rate
    tone = advice = ""
    if rate is not None and rate >= COMPLAINTS_TOO_HIGH:
        tone = "bad"
        advice = _(
            "Too many: from %(limit)s on, Gmail and Yahoo refuse mails. Write less often, and only "
            "to those who agreed."
        ) % {"limit": writer.share(COMPLAINTS_TOO_HIGH)}
    elif rate is not None and rate >= COMPLAINTS_HIGH:
        tone = "warning"
        advice = _("Many: mail providers ask senders to stay below %(limit)s.") % {
            "limit": writer.share(COMPLAINTS_HIGH)
        }
    note = _("%(share)s of what was delivered") % {"share": writer.share(rate)}
    change = writer.change(count, before.of(Measure.COMPLAINED))
    return Tile(_("Complaints (spam)"), [writer.number(count)], note, change, tone, advice)


def _funnel(now: Totals, writer: Writer) -> list[Bar]:
    """Carts, down to orders. A share is of the step above."""
    steps = (
        (_("Carts abandoned"), now.of(Measure.ABANDONED)),
        (_("Carts written about"), now.of(Measure.REACHED)),
        (_("Messages clicked"), now.of(Measure.CLICKED)),
        (_("Orders recovered"), now.recovered),
    )
    widest = max(count for _name, count in steps) or 1
    bars, above = [], 0
    for name, count in steps:
        # one cart can have several messages, and each of them a click
        is_part = 0 < count <= above
        share = writer.share(Decimal(count) / above) if is_part else ""
        note = _("%(share)s of the step above") % {"share": share} if share else ""
        bars.append(Bar(name, writer.number(count), note, f"{100 * count / widest:.1f}"))
        above = count
    return bars


def _charts(report: Report, writer: Writer) -> list[Chart]:
    is_weekly = len(report.days) > MOST_DAYS
    days = weekly(report.days) if is_weekly else report.days
    moments = [writer.day(day) for day, _totals in days]
    heading = _("Week from") if is_weekly else _("Day")
    by = _("by week") if is_weekly else _("by day")

    def counts(name: str, values: Sequence[int]) -> Series:
        return Series(name, values, [writer.number(value) for value in values])

    totals = [each for _day, each in days]
    carts = [
        counts(_("abandoned"), [each.of(Measure.ABANDONED) for each in totals]),
        counts(_("written about"), [each.of(Measure.REACHED) for each in totals]),
        counts(_("orders recovered"), [each.recovered for each in totals]),
    ]
    troubles = [
        counts(_("opt-outs"), [each.of(Measure.OPTED_OUT) for each in totals]),
        counts(_("complaints"), [each.of(Measure.COMPLAINED) for each in totals]),
    ]
    drawn = [("carts", _("Carts and orders, %(by)s"), carts, writer.number)]
    drawn += [("troubles", _("Opt-outs and complaints, %(by)s"), troubles, writer.number)]
    found = [
        charts.draw(
            key=key, title=title % {"by": by}, summary=_summary(series), heading=heading,
            moments=moments, series=series, write=write,
        )
        for key, title, series, write in drawn
    ]  # fmt: skip
    found[1:1] = [
        _money_chart(currency, totals, moments, heading, by, writer)
        for currency in list(report.now.revenue)[:MOST_CURRENCIES]
    ]
    return found


def _money_chart(  # noqa: PLR0913, PLR0917 what one of the charts differs in
    currency: str, totals: Sequence[Totals], moments: Sequence[str], heading: str, by: str,
    writer: Writer,
) -> Chart:  # fmt: skip
    values = [each.revenue.get(currency, Decimal(0)) for each in totals]
    series = [Series(_("revenue"), values, [writer.money({currency: v})[0] for v in values])]
    title = _("Revenue in %(currency)s, %(by)s") % {"currency": currency, "by": by}
    return charts.draw(
        key=f"revenue-{currency}", title=title, summary=_summary(series), heading=heading,
        moments=moments, series=series, write=writer.number, as_bars=True,
    )  # fmt: skip


def _summary(series: Sequence[Series]) -> str:
    """For those who do not see the drawing."""
    parts = []
    for each in series:
        if any(each.values):
            highest = each.shown[list(each.values).index(max(each.values))]
            parts.append(
                _("%(name)s: %(highest)s at most") % {"name": each.name, "highest": highest}
            )
    return "; ".join(parts) or _("Nothing on these days.")


def _columns() -> list[str]:
    return [
        _("Messages"), _("Clicked"), _("Carts written about"), _("Orders recovered"), _("Revenue"),
        _("Cost"), _("Opt-outs"), _("Complaints"),
    ]  # fmt: skip


def _tables(report: Report, names: Names, writer: Writer) -> list[Table]:
    titles: Mapping[str, tuple[str, str]] = {
        "campaign": (_("By campaign"), _("Campaign")),
        "step": (_("By step"), _("Step")),
        "channel": (_("By channel"), _("Channel")),
        "variant": (_("By variant"), _("Variant")),
        "language": (_("By language"), _("Language")),
    }
    found = []
    for name, rows in report.tables.items():
        title, heading = titles[name]
        shown = [(names.of(name, key), _cells(row, writer)) for key, row in rows[:MOST_ROWS] if row]
        found.append(Table(title, heading, shown, _left_out(len(rows) - MOST_ROWS)))
    return found


def _cells(row: Totals, writer: Writer) -> list[str]:
    def with_share(count: int, share: Decimal | None) -> str:
        number = writer.number(count)
        return f"{number} ({writer.share(share)})" if count and share is not None else number

    return [
        writer.number(row.of(Measure.SENT)),
        with_share(row.of(Measure.CLICKED), row.click_rate),
        writer.number(row.of(Measure.REACHED)),
        with_share(row.recovered, row.order_rate),
        writer.money_or_nothing(row.revenue),
        writer.money_or_nothing(row.cost),
        with_share(row.of(Measure.OPTED_OUT), row.opt_out_rate),
        with_share(row.of(Measure.COMPLAINED), row.complaint_rate),
    ]


def _left_out(count: int) -> str:
    if count <= 0:
        return ""
    return ngettext(
        "One more row is in the file.", "%(count)s more rows are in the file.", count
    ) % {"count": count}


def today() -> dt.date:
    return timezone.localdate(timezone=timezone.get_default_timezone())
