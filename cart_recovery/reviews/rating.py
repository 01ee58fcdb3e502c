"""Grades for the shop's service: one per order, and a task for staff where it is a low one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from cart_recovery.conf import conf
from cart_recovery.models import (
    RatingSource,
    ReviewLink,
    ServiceRating,
    StaffTask,
    StaffTaskKind,
)

#: longer ones are cut: a comment is no letter
MAX_COMMENT = 4000


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody says. `comment` None: nothing is said about it, an earlier one stays."""

    score: int
    source: RatingSource
    comment: str | None = None
    followup_id: int | None = None


@dataclass(frozen=True, slots=True)
class Rated:
    """`rating` as it stands now. Neither new nor changed: the time to change it is over."""

    rating: ServiceRating
    is_new: bool
    is_changed: bool


def rate(order_id: Any, contact_id: int, answer: Answer, now: dt.datetime) -> Rated:
    """Record the rating of an order, or change it while that is possible. Twelve at once make one."""
    with transaction.atomic():
        lock_order(order_id)
        rating, is_new = ServiceRating.objects.get_or_create(
            order_id=order_id,
            defaults={
                "contact_id": contact_id, "score": answer.score, "source": answer.source,
                "comment": (answer.comment or "")[:MAX_COMMENT], "rated_at": now,
                "followup_id": answer.followup_id, **conf.RATING_SCALE,
            },
        )  # fmt: skip
        is_changed = not is_new and _change(rating, answer, now)
        if is_new or is_changed:
            _mind(rating, order_id, now)
            ReviewLink.objects.filter(
                order=order_id, followup=answer.followup_id, answered_at__isnull=True
            ).update(answered_at=now)
    return Rated(rating, is_new, is_changed)


def lock_order(order_id: Any) -> None:
    """Let what is said of one order come in one after the other. An UPDATE takes the lock on every
    database, before anything is read; the shop's own row stays free."""
    ReviewLink.objects.filter(order_id=order_id).update(answered_at=F("answered_at"))


def is_editable(rating: ServiceRating, now: dt.datetime) -> bool:
    return now < rating.rated_at + conf.RATING_EDITABLE_FOR


def settled_orders(order_ids: Collection[Any], now: dt.datetime) -> set[Any]:
    """Those of these orders whose rating can no longer be changed. One query."""
    if not order_ids:
        return set()
    old = ServiceRating.objects.filter(
        order__in=set(order_ids), rated_at__lte=now - conf.RATING_EDITABLE_FOR
    )
    return set(old.values_list("order_id", flat=True))


def _change(rating: ServiceRating, answer: Answer, now: dt.datetime) -> bool:
    comment = rating.comment if answer.comment is None else answer.comment[:MAX_COMMENT]
    if not is_editable(rating, now) or (answer.score, comment) == (rating.score, rating.comment):
        return False
    rating.score, rating.comment, rating.changed_at = answer.score, comment, now
    rating.best, rating.worst = conf.RATING_SCALE["best"], conf.RATING_SCALE["worst"]
    rating.save(update_fields=["score", "comment", "changed_at", "best", "worst"])
    return True


def mind_late(rating: ServiceRating, order_id: Any, score: int, now: dt.datetime) -> None:
    """Open a task for a low rating that came when the one before could no longer be changed."""
    late = ServiceRating(score=score, **conf.RATING_SCALE)
    if not late.is_low:
        return
    with transaction.atomic():
        lock_order(order_id)
        task = _open_task(order_id, rating.contact_id, now)
        _note(
            task,
            gettext_noop(
                "The customer has answered again, too late to change the rating: %(score)s"
            ),
            score=score,
        )
        task.save(update_fields=["note"])


def _mind(rating: ServiceRating, order_id: Any, now: dt.datetime) -> None:
    """Open a task for a low rating; end it where the customer has thought better of it."""
    if rating.is_low:
        _open_task(order_id, rating.contact_id, now)
        return
    open_ones = StaffTask.objects.filter(
        kind=StaffTaskKind.LOW_RATING, order_id=order_id, closed_at__isnull=True
    )
    for task in open_ones:
        task.closed_at = now
        _note(task, gettext_noop("The customer has changed the rating."))
        task.save(update_fields=["closed_at", "note"])


def _open_task(order_id: Any, contact_id: int | None, now: dt.datetime) -> StaffTask:
    task, _is_new = StaffTask.objects.update_or_create(
        kind=StaffTaskKind.LOW_RATING, order_id=order_id,
        defaults={"contact_id": contact_id, "closed_at": None, "closed_by": None},
        create_defaults={"contact_id": contact_id, "opened_at": now},
    )  # fmt: skip
    return task


def _note(task: StaffTask, text: str, **values: Any) -> None:
    """Add a line to the note: in the shop's language, not in that of the customer who is served."""
    with translation.override(settings.LANGUAGE_CODE):
        line = gettext(text) % values
    if line not in task.note.splitlines():
        task.note = f"{task.note}\n{line}".strip()
