"""Sums up days for the reports, from rows that may be purged later.

Today is summed up every few minutes, a past day until an hour after its end. From then on it stands,
save for what can still become known of its messages and orders (`CHANGES_LATER`): whoever learns
of it marks the day (`RolledDay.objects.mark_stale`), and it is summed up again, from rows of which
retention cannot have deleted any: a figure never falls because somebody was forgotten. What each
measure is counted from, and on which day, stands in `reports.sources`.

The first run lists all days since the first cart and works backwards through them, a few per
sweep. Days are those of the project's time zone: 23 or 25 hours long when the clocks change.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from django.db import transaction
from django.db.models import Min, Q
from django.utils import timezone

from cart_recovery.models import (
    Campaign,
    Conversion,
    DailyFigure,
    Measure,
    Message,
    RolledDay,
    Step,
    TrackedCart,
)
from cart_recovery.models.inserts import insert_all
from cart_recovery.privacy.removing import delete
from cart_recovery.reports.sources import SOURCES, Source, Span, add_up

DAYS_PER_SWEEP: Final = 5
#: a day that still changes is summed up again at most so often
EVERY: Final = dt.timedelta(minutes=5)
#: until then after its end, what was being written when a day ended is surely there
SETTLING: Final = dt.timedelta(hours=1)
#: an import from long ago must not keep the sweep busy for ever
LONGEST_PAST: Final = dt.timedelta(days=3 * 366)
#: reports of providers and refunds come late; the price is that of the day of sending
CHANGES_LATER: Final = frozenset({
    Measure.SENT, Measure.DELIVERED, Measure.FAILED, Measure.REACHED, Measure.RECOVERED,
    Measure.REFUNDED,
})  # fmt: skip
#: what the column keeps
SMALLEST: Final = Decimal("0.00001")


def run(now: dt.datetime, *, limit: int = DAYS_PER_SWEEP) -> int:
    """Sum up the days that are due, the latest first, `limit` at most; how many it did.

    A constant number of statements per day, each day in a transaction of its own. Of two that run
    at once, one does a day.
    """
    today = timezone.localdate(now, timezone.get_default_timezone())
    if not RolledDay.objects.filter(day=today).exists():
        list_days(today)
    waiting = RolledDay.objects.filter(
        Q(rolled_at=None) | Q(is_stale=True) | Q(day__gte=today - dt.timedelta(days=1))
    )
    # neither today nor yesterday need be due
    days = [row for row in waiting.order_by("-day")[: limit + 2] if _is_due(row, now)]
    return sum(_roll_if_mine(row, now) for row in days[:limit])


def rebuild(since: dt.date, until: dt.date, now: dt.datetime) -> int:
    """Sum up these days anew, both included, where all of their rows are still there; how many.

    What retention may have deleted rows of stays as it was.
    """
    days = [since + dt.timedelta(days=n) for n in range((until - since).days + 1)]
    RolledDay.objects.bulk_create([RolledDay(day=day) for day in days], ignore_conflicts=True)
    for row in RolledDay.objects.filter(day__in=days).order_by("-day"):
        with transaction.atomic():
            # the lock comes first: what is read then is what others have committed
            RolledDay.objects.filter(pk=row.pk).update(rolled_at=now, is_stale=False)
            whole = [s for s in SOURCES if row.rolled_at is None or _is_whole(s, row.day, now)]
            _replace(row.day, [(source, source.measures) for source in whole])
    return len(days)


def list_days(today: dt.date) -> None:
    """Note each day from the first cart to this one, so that none is left out after a pause."""
    for row in RolledDay.objects.order_by("-day")[:2]:
        if row.rolled_at is not None and not _is_settled(row):
            RolledDay.objects.filter(pk=row.pk, rolled_at=row.rolled_at).update(rolled_at=None)
    first = max(first_day() or today, today - LONGEST_PAST)
    known = set(RolledDay.objects.values_list("day", flat=True))
    days = (first + dt.timedelta(days=n) for n in range((today - first).days + 1))
    RolledDay.objects.bulk_create(
        [RolledDay(day=day) for day in days if day not in known], ignore_conflicts=True
    )


def first_day() -> dt.date | None:
    """The day of the first thing that is counted; None where nothing ever happened."""
    firsts = [
        model._default_manager.aggregate(first=Min(moment))["first"]
        for model, moment in (
            (TrackedCart, "abandoned_at"), (Message, "sent_at"), (Conversion, "credited_at"),
        )
    ]  # fmt: skip
    found = min((moment for moment in firsts if moment is not None), default=None)
    return None if found is None else timezone.localdate(found, timezone.get_default_timezone())


def span_of(day: dt.date) -> Span:
    """The day in the project's time zone, from midnight to midnight."""
    return Span(_midnight(day), _midnight(day + dt.timedelta(days=1)))


def _midnight(day: dt.date) -> dt.datetime:
    return timezone.make_aware(
        dt.datetime.combine(day, dt.time.min), timezone.get_default_timezone()
    )


def _is_due(row: RolledDay, now: dt.datetime) -> bool:
    if row.rolled_at is None:
        return True
    return row.rolled_at <= now - EVERY and (row.is_stale or not _is_settled(row))


def _is_settled(row: RolledDay) -> bool:
    return row.rolled_at is not None and row.rolled_at >= span_of(row.day).end + SETTLING


def _is_whole(source: Source, day: dt.date, now: dt.datetime) -> bool:
    """Whether no row of that day can have been deleted for its age."""
    period = source.kept_for()
    return period is None or now - span_of(day).start < period


def _roll_if_mine(row: RolledDay, now: dt.datetime) -> bool:
    """Sum up a day unless somebody else has meanwhile."""
    with transaction.atomic():
        claimed = RolledDay.objects.filter(pk=row.pk, rolled_at=row.rolled_at)
        if not claimed.update(rolled_at=now, is_stale=False):
            return False
        if not _is_settled(row):
            _replace(row.day, [(source, source.measures) for source in SOURCES])
            return True
        late = [
            (source, source.measures & CHANGES_LATER)
            for source in SOURCES
            if source.measures & CHANGES_LATER and _is_whole(source, row.day, now)
        ]
        _replace(row.day, late)
    return True


def _replace(day: dt.date, parts: Iterable[tuple[Source, frozenset[str]]]) -> None:
    """Write these measures of these sources anew and leave all others alone."""
    span, old, rows = span_of(day), Q(pk__in=[]), []
    living = _living()
    for source, measures in parts:
        own = Q(measure__in=measures)
        if source.where is not None:
            own &= source.where
        old |= own & living if source.goes_with_campaign else own
        rows += [
            DailyFigure(
                day=day, count=count, amount=amount.quantize(SMALLEST), **key._asdict()
            )
            for key, (count, amount) in add_up(source.sums(span)).items()
            if key.measure in measures
        ]  # fmt: skip
    delete(DailyFigure.objects.filter(old, day=day))
    insert_all(rows)


def _living() -> Q:
    """Figures of campaigns and steps that are still there: those of others cannot be made again."""
    campaigns = list(Campaign.objects.order_by().values_list("pk", flat=True))
    steps = list(Step.objects.order_by().values_list("pk", flat=True))
    return Q(campaign_key__in=[0, *campaigns], step_key__in=[0, *steps])
