"""What is known of Oscar's reviews beyond their text: which are of a verified purchase.

UWG § 5b (3): a shop that shows reviews says whether and how it makes sure that they come from
customers. Ours do: each hangs on a line of an order, and the link went to whoever ordered it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from cart_recovery.models import LineReview

#: attribute of a review that has been looked up
NOTED: Final = "cart_recovery_mark"


@dataclass(frozen=True, slots=True)
class Mark:
    """`photo_url` is "" where there is none; it shows with a published review only."""

    photo_url: str
    was_thanked: bool


def mark(reviews: Iterable[Any]) -> list[Any]:
    """The reviews, each with its mark or None. One query."""
    shown = list(reviews)
    found: dict[Any, Mark] = {}
    rows = LineReview.objects.filter(review__in=[review.pk for review in shown]).order_by("pk")
    for row in rows:
        before = found.get(row.review_id)
        found[row.review_id] = Mark(
            photo_url=row.photo.url if row.photo else (before.photo_url if before else ""),
            was_thanked=row.was_thanked or (before is not None and before.was_thanked),
        )
    for review in shown:
        setattr(review, NOTED, found.get(review.pk))
    return shown


def mark_of(review: Any, others: Any = None) -> Mark | None:
    """The mark of one review; `others` are those on the same page, which are looked up with it."""
    if not hasattr(review, NOTED):
        page = others if isinstance(others, (list, tuple)) else _loaded(others)
        twin = next((other for other in page if other.pk == review.pk), review)
        if not hasattr(twin, NOTED):
            mark(page if twin is not review or review in page else [review])
        setattr(review, NOTED, getattr(twin, NOTED))
    noted: Mark | None = getattr(review, NOTED)
    return noted


def _loaded(others: Any) -> list[Any]:
    """Rows of a query set that was read already; no other is read for this."""
    rows = getattr(others, "_result_cache", None)
    return list(rows) if rows is not None else []
