"""What a review link is about: the products of its lines, and whether each can be reviewed now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.conf import settings

from cart_recovery.conf import conf
from cart_recovery.models import LineReview, ReviewLink, StaffTask
from cart_recovery.reviews.standing import complaint_about
from cart_recovery.shop.orders import OrderFacts, order_facts
from cart_recovery.shop.progress import load_progress
from cart_recovery.shop.reviews import (
    Reviewable,
    ReviewFacts,
    ReviewStatus,
    load_lines,
    load_reviews,
    permits_review,
    reviews_by,
)


class SubjectState(StrEnum):
    OPEN = "open"
    #: written, and still to be changed
    EDITABLE = "editable"
    WRITTEN = "written"
    #: cancelled, returned or paid back
    ENDED = "ended"
    #: the product is no longer in the shop
    GONE = "gone"
    #: the shop takes no review of it
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Subject:
    """One product of the order. Lines of the same product share it: a person reviews it once."""

    #: the key of its first line, as it stands in the form
    key: str
    line_ids: tuple[Any, ...]
    product_id: Any | None
    title: str
    image_url: str
    state: SubjectState
    review: ReviewFacts | None
    #: our row of it, with the photo
    row: LineReview | None

    @property
    def takes_text(self) -> bool:
        return self.state in (SubjectState.OPEN, SubjectState.EDITABLE)


@dataclass(frozen=True, slots=True)
class Subjects:
    """All that a link is about. `order` is None where it is gone."""

    order: OrderFacts | None
    all: tuple[Subject, ...]
    #: the customer is unhappy, and nobody has looked after it yet
    has_complaint: bool = False

    def find(self, key: str) -> Subject | None:
        return next((subject for subject in self.all if subject.key == key), None)


def load_subjects(link: ReviewLink, now: dt.datetime) -> Subjects:
    """The subjects of a link as they stand now. A constant number of queries, and two for each
    product that nobody has reviewed."""
    order = order_facts(link.order_id) if link.order_id is not None else None
    if order is None:
        return Subjects(None, ())
    lines = load_lines(order.order_id, link.line_ids)
    rows = list(LineReview.objects.filter(order=order.order_id).order_by("pk"))
    written = load_reviews({row.review_id for row in rows} - {None})
    own = reviews_by(order.user_id, {n.product_id for n in lines} - {None})
    ended = ended_lines(order.order_id)
    task = complaint_about(order.order_id)
    found = [
        _subject(group, rows, written, own, ended, order.user_id, task, now)
        for group in _grouped(lines)
    ]
    return Subjects(order, tuple(found), task is not None and task.closed_at is None)


def ended_lines(order_id: Any) -> set[Any]:
    """The lines of which the customer has nothing left: cancelled, returned, paid back."""
    progress = load_progress([order_id]).get(order_id)
    if progress is None:
        return set()
    return {
        line.line_id for line in progress.lines if progress.is_cancelled or line.open_quantity <= 0
    }


def _grouped(lines: Iterable[Reviewable]) -> list[list[Reviewable]]:
    groups: dict[Any, list[Reviewable]] = {}
    for line in lines:
        key = ("line", line.line_id) if line.product_id is None else ("product", line.product_id)
        groups.setdefault(key, []).append(line)
    return list(groups.values())


def _subject(  # noqa: PLR0913, PLR0917 all that is known of a group, read together before
    group: Sequence[Reviewable],
    rows: Sequence[LineReview],
    written: dict[Any, ReviewFacts],
    own: dict[Any, ReviewFacts],
    ended: set[Any],
    user_id: Any | None,
    task: StaffTask | None,
    now: dt.datetime,
) -> Subject:
    first = group[0]
    keys = [line.line_id for line in group]
    row = _row_of(first.product_id, keys, rows, written)
    review = own.get(first.product_id)
    if review is None and row is not None:
        review = written.get(row.review_id)
    return Subject(
        key=str(first.line_id),
        line_ids=tuple(key for key in keys if key not in ended),
        product_id=first.product_id,
        title=first.title,
        image_url=first.image_url,
        state=_state(first, set(keys) <= ended, review, row, user_id, task, now),
        review=review,
        row=row,
    )


def _row_of(
    product_id: Any, keys: Sequence[Any], rows: Sequence[LineReview], written: dict[Any, Any]
) -> LineReview | None:
    """Our row of these lines, else of another line of the same product."""
    for row in rows:
        if row.line_id in keys:
            return row
    for row in rows:
        review = written.get(row.review_id)
        if review is not None and product_id is not None and review.product_id == product_id:
            return row
    return None


def _state(  # noqa: PLR0913, PLR0917 the facts that decide, in the order in which they do
    line: Reviewable,
    is_ended: bool,
    review: ReviewFacts | None,
    row: LineReview | None,
    user_id: Any | None,
    task: StaffTask | None,
    now: dt.datetime,
) -> SubjectState:
    if review is not None:
        is_read = is_moderated() or _was_held(review, row, task)
        may = may_change(review, now, is_read=is_read)
        return SubjectState.EDITABLE if may else SubjectState.WRITTEN
    if row is not None:
        # the shop has removed it
        return SubjectState.WRITTEN
    if is_ended:
        return SubjectState.ENDED
    if line.product_id is None:
        return SubjectState.GONE
    is_open = permits_review(line.product_id, user_id)
    return SubjectState.OPEN if is_open else SubjectState.CLOSED


def _was_held(review: ReviewFacts, row: LineReview | None, task: StaffTask | None) -> bool:
    """Whether its text was written or changed while its customer was unhappy, so that it waited for
    somebody of the shop."""
    if task is None:
        return False
    written_at = (row.edited_at or row.written_at) if row is not None else review.created_at
    return task.opened_at <= written_at and (task.closed_at is None or written_at <= task.closed_at)


def may_change(review: ReviewFacts, now: dt.datetime, *, is_read: bool) -> bool:
    """Until somebody of the shop has decided (`is_read`: they read it before it is published). Where
    reviews are published at once, for a short while: what others have read and voted on must not
    become another text."""
    if review.status is ReviewStatus.WAITING:
        return True
    if review.status is ReviewStatus.REJECTED or is_read:
        return False
    return now < review.created_at + conf.REVIEW_EDITABLE_FOR


def is_moderated() -> bool:
    """Oscar's own setting: whether staff read reviews before they are published."""
    return bool(getattr(settings, "OSCAR_MODERATE_REVIEWS", False))
