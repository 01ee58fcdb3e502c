"""What a campaign could not settle is for staff."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable

from django.db.models import QuerySet

from cart_recovery.models import Enrolment, StaffTask, StaffTaskKind, Trigger


def hand_over(completed: Iterable[Enrolment], now: dt.datetime) -> None:
    """Tell staff of orders that stay unpaid after the last reminder. Needs `order` and `campaign`
    loaded. Two statements, and none where there is nothing to tell.

    A task that had closed by itself opens again; one that staff have closed stays closed.
    """
    tasks = [
        StaffTask(
            kind=StaffTaskKind.UNPAID_ORDER, order_id=enrolment.order.order_id,
            contact_id=enrolment.contact_id, opened_at=now,
        )
        for enrolment in completed
        if enrolment.order is not None and enrolment.order.order_id is not None
        if enrolment.campaign.trigger == Trigger.ORDER_UNPAID
    ]  # fmt: skip
    if not tasks:
        return
    StaffTask.objects.bulk_create(tasks, ignore_conflicts=True)
    StaffTask.objects.filter(
        kind=StaffTaskKind.UNPAID_ORDER, order_id__in=[task.order_id for task in tasks],
        closed_at__isnull=False, closed_by__isnull=True, note="",
    ).update(closed_at=None)  # fmt: skip


def settle(order_ids: Collection[int], now: dt.datetime) -> None:
    """Orders that were paid or cancelled are nobody's task any more. One statement."""
    if order_ids:
        _open_tasks().filter(order_id__in=order_ids).update(closed_at=now)


def settle_deleted(now: dt.datetime) -> None:
    """Nor are those that are not there any more. One statement."""
    _open_tasks().filter(order__isnull=True).update(closed_at=now)


def _open_tasks() -> QuerySet[StaffTask]:
    return StaffTask.objects.filter(kind=StaffTaskKind.UNPAID_ORDER, closed_at__isnull=True)
