"""What a campaign could not settle is for staff."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from cart_recovery.models import Enrolment, StaffTask, StaffTaskKind, Trigger


def hand_over(completed: Iterable[Enrolment], now: dt.datetime) -> None:
    """Tell staff of orders that stay unpaid after the last reminder. Needs `order` and `campaign`
    loaded. One statement, and none where there is nothing to tell."""
    tasks = [
        StaffTask(
            kind=StaffTaskKind.UNPAID_ORDER, order_id=enrolment.order.order_id,
            contact_id=enrolment.contact_id, opened_at=now,
        )
        for enrolment in completed
        if enrolment.order is not None and enrolment.campaign.trigger == Trigger.ORDER_UNPAID
    ]  # fmt: skip
    if tasks:
        StaffTask.objects.bulk_create(tasks, ignore_conflicts=True)
