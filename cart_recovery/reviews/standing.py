"""What holds a review request back: that it was answered, or that somebody is unhappy."""

from __future__ import annotations

from collections.abc import Collection

from cart_recovery.models import LineReview, StaffTask, StaffTaskKind
from cart_recovery.shop.reviews import reviewed_by_customers


def reviewed_lines(line_ids: Collection[int]) -> set[int]:
    """Those of these order lines of which there is a review: written behind one of our links, or by
    the order's customer on the shop's own page. Three queries."""
    if not line_ids:
        return set()
    ours = LineReview.objects.filter(line__in=set(line_ids))
    written = {key for key in ours.values_list("line_id", flat=True) if key is not None}
    return written | reviewed_by_customers(line_ids)


def complaint_about(order_id: int) -> StaffTask | None:
    """The task of an order whose customer is or was unhappy."""
    return StaffTask.objects.filter(kind=StaffTaskKind.LOW_RATING, order=order_id).first()


def complaints_about(order_ids: Collection[int]) -> set[int]:
    """Those of these orders whose customer is unhappy, as long as nobody has looked after it."""
    if not order_ids:
        return set()
    tasks = StaffTask.objects.filter(
        kind=StaffTaskKind.LOW_RATING, order__in=set(order_ids), closed_at__isnull=True
    )
    return {key for key in tasks.values_list("order_id", flat=True) if key is not None}
