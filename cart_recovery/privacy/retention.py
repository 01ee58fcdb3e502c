"""Deleting what was kept for long enough: a bounded batch of each kind at a time.

The sweep takes one batch per kind each minute, `recovery_retention` as many as there are. Kinds whose
rows leave an index when they are done are found by that index; the others are gone through by
their keys, a batch at a time, from where the last run stopped.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet

from cart_recovery.conf import conf
from cart_recovery.models import (
    CheckoutTrouble,
    DataLink,
    DeliveryEvent,
    Heartbeat,
    LineReview,
    Message,
    OptIn,
    OptInState,
    Reply,
    RestoreLink,
    ReviewLink,
    ServiceRating,
    StaffTask,
    TrackedOrder,
    WebhookPayload,
)
from cart_recovery.privacy import emptying, foreign_rows, removing, scanning
from cart_recovery.privacy.scanning import Step

logger = logging.getLogger(__name__)

#: the row that keeps how far the scans have come
HEARTBEAT: Final = "retention"


@dataclass(frozen=True, slots=True)
class Aged:
    """Rows that an index finds: those due, oldest first, and what is done with a batch of them."""

    due: Callable[[dt.datetime], QuerySet[Any]]
    order: str
    take: Callable[[list[int], dt.datetime], int]


KINDS: Final[Mapping[str, Aged]] = {
    "message_texts": Aged(
        lambda before: Message.objects.filter(emptied_at__isnull=True, created_at__lt=before),
        "created_at",
        lambda ids, now: emptying.empty_messages(Message.objects.filter(pk__in=ids), now),
    ),
    "delivery_events": Aged(
        lambda before: DeliveryEvent.objects.filter(received_at__lt=before),
        "received_at",
        lambda ids, now: removing.delete(DeliveryEvent.objects.filter(pk__in=ids)),
    ),
    "webhooks": Aged(
        lambda before: WebhookPayload.objects.filter(received_at__lt=before),
        "received_at",
        lambda ids, now: removing.remove_webhooks(ids),
    ),
    "replies": Aged(
        lambda before: Reply.objects.filter(received_at__lt=before),
        "received_at",
        lambda ids, now: removing.delete(Reply.objects.filter(pk__in=ids)),
    ),
    "restore_links": Aged(
        lambda before: RestoreLink.objects.filter(expires_at__lt=before),
        "expires_at",
        lambda ids, now: removing.remove_links(ids),
    ),
    "orders": Aged(
        lambda before: TrackedOrder.objects.filter(created_at__lt=before),
        "created_at",
        lambda ids, now: removing.remove_orders(ids),
    ),
    "troubles": Aged(
        lambda before: CheckoutTrouble.objects.filter(occurred_at__lt=before),
        "occurred_at",
        lambda ids, now: removing.delete(CheckoutTrouble.objects.filter(pk__in=ids)),
    ),
    "review_links": Aged(
        lambda before: ReviewLink.objects.filter(expires_at__lt=before),
        "expires_at",
        lambda ids, now: removing.remove_review_links(ids),
    ),
    # the review is the shop's; that it was this person's is forgotten
    "reviews": Aged(
        lambda before: LineReview.objects.filter(contact__isnull=False, written_at__lt=before),
        "written_at",
        lambda ids, now: emptying.empty_reviews(LineReview.objects.filter(pk__in=ids)),
    ),
    "ratings": Aged(
        lambda before: ServiceRating.objects.filter(rated_at__lt=before),
        "rated_at",
        lambda ids, now: removing.delete(ServiceRating.objects.filter(pk__in=ids)),
    ),
    "tasks": Aged(
        lambda before: StaffTask.objects.filter(opened_at__lt=before, closed_at__lt=before),
        "opened_at",
        lambda ids, now: removing.delete(StaffTask.objects.filter(pk__in=ids)),
    ),
    "opt_ins": Aged(
        lambda before: OptIn.objects.filter(state=OptInState.PENDING, expires_at__lt=before),
        "expires_at",
        lambda ids, now: removing.remove_unconfirmed(ids),
    ),
    "data_links": Aged(
        lambda before: DataLink.objects.filter(expires_at__lt=before),
        "pk",
        lambda ids, now: removing.delete(DataLink.objects.filter(pk__in=ids)),
    ),
}
SCANS: Final[Mapping[str, scanning.Scan]] = {
    "carts": scanning.carts,
    "notices": scanning.notices,
    "contacts": scanning.contacts,
    "proofs": scanning.proofs,
}
FAILED_TASKS: Final = "failed_tasks"
NAMES: Final = (*KINDS, *SCANS, FAILED_TASKS)


@dataclass(slots=True)
class RetentionReport:
    """How many rows of each kind were deleted or emptied; which kinds have more, which failed."""

    counts: Counter[str] = field(default_factory=Counter)
    unfinished: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def run(now: dt.datetime, *, limit: int, dry_run: bool = False) -> RetentionReport:
    """Take one batch of at most `limit` rows of each kind, each in a transaction of its own.

    A kind that fails is logged and named; the others still run. `dry_run` changes nothing and
    counts everything that is due. Raises ImproperlyConfigured where CART_RECOVERY["RETENTION"] is
    wrong.
    """
    if dry_run:
        return run_to_end(now, limit=limit, dry_run=True)
    places = _places()
    reached = dict(places)

    def one_batch(name: str, before: dt.datetime) -> Iterator[Step]:
        step = _step(name, before, now, after=places.get(name, 0), limit=limit, dry_run=False)
        reached[name] = 0 if step.is_last else step.reached
        yield step

    report = _go_through(now, one_batch)
    reached = {name: place for name, place in reached.items() if place}
    if reached != places:
        _keep_places(reached, now)
    return report


def run_to_end(now: dt.datetime, *, limit: int, dry_run: bool = False) -> RetentionReport:
    """Batch after batch until nothing is due; scans begin at the beginning."""

    def every_batch(name: str, before: dt.datetime) -> Iterator[Step]:
        step = Step(0, 0, is_last=False)
        while not step.is_last:
            step = _step(name, before, now, after=step.reached, limit=limit, dry_run=dry_run)
            yield step

    return _go_through(now, every_batch)


def _go_through(
    now: dt.datetime, batches: Callable[[str, dt.datetime], Iterator[Step]]
) -> RetentionReport:
    report = RetentionReport()
    periods = conf.RETENTION
    for name in NAMES:
        period = periods[name]
        # None: kept for ever
        if period is None:
            continue
        step = None
        try:
            for step in batches(name, now - period):
                report.counts[name] += step.count
        except Exception:
            logger.exception("Deleting what is over failed for %s", name)
            report.failed.append(name)
        if step is not None and not step.is_last:
            report.unfinished.append(name)
    return report


def _step(  # noqa: PLR0913 what a piece of work consists of
    name: str, before: dt.datetime, now: dt.datetime, *, after: int, limit: int, dry_run: bool
) -> Step:
    if name in SCANS:
        return SCANS[name](before, now, after=after, limit=limit, dry_run=dry_run)
    if name == FAILED_TASKS:
        return Step(_clear_tasks(before, dry_run=dry_run), 0, is_last=True)
    kind = KINDS[name]
    if dry_run:
        return Step(kind.due(before).order_by().count(), 0, is_last=True)
    due = kind.due(before).order_by(kind.order)
    ids = list(due.values_list("pk", flat=True)[:limit])
    if ids:
        with transaction.atomic():
            kind.take(ids, now)
    return Step(len(ids), 0, is_last=len(ids) < limit)


def _clear_tasks(before: dt.datetime, *, dry_run: bool) -> int:
    failures = foreign_rows.failed_tasks()
    if failures is None:
        return 0
    count = failures.filter(stopped__lt=before).count()
    return foreign_rows.delete_failed_tasks(before) if count and not dry_run else count


def _places() -> dict[str, int]:
    row = Heartbeat.objects.filter(stage=HEARTBEAT).first()
    places = row.result if row is not None else {}
    return {name: place for name, place in places.items() if isinstance(place, int)}


def _keep_places(places: Mapping[str, int], now: dt.datetime) -> None:
    Heartbeat.objects.update_or_create(
        stage=HEARTBEAT, defaults={"ran_at": now, "result": dict(places)}
    )
