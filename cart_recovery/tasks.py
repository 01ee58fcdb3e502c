"""What django-q2 runs. These dotted paths are stored in queues and schedules: they do not change.

A task is only a hint that there is work. The truth is in the rows, so a task that is lost, repeated
or run twice at once does no harm.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from cart_recovery import sweep as sweeping
from cart_recovery.conf import conf
from cart_recovery.delivery.pipeline import deliver_due

logger = logging.getLogger(__name__)

SCHEDULE_NAME = "cart_recovery sweep"
SWEEP_PATH = "cart_recovery.tasks.sweep"
DELIVER_PATH = "cart_recovery.tasks.deliver"


def sweep() -> None:
    """Run one sweep, and start as many delivery tasks as there is work for."""
    report = sweeping.run(timezone.now())
    for _number in range(sweeping.delivery_tasks_for(report)):
        async_task(DELIVER_PATH)


def deliver() -> None:
    """Deliver what is due, within the time that a task may take."""
    deliver_due(budget=conf.TASK_BUDGET)


def hint_delivery(**kwargs: Any) -> None:
    """Somebody waits for what they asked for: deliver within seconds. The next sweep does it anyway."""
    try:
        async_task(DELIVER_PATH)
    except Exception as error:
        # a queue that is down must not show in the shop; its error may quote what it was given
        logger.error("Delivery could not be hinted: %s", type(error).__name__)  # noqa: TRY400 see above


def ensure_schedule() -> None:
    """Make the one schedule, every minute, if there is none. What staff changed in it is kept.

    To switch it off set its repeats to 0; a deleted schedule comes back with the next `migrate`.
    """
    with transaction.atomic():
        if not Schedule.objects.filter(func=SWEEP_PATH).exists():
            Schedule.objects.create(
                name=SCHEDULE_NAME, func=SWEEP_PATH, schedule_type=Schedule.MINUTES, minutes=1,
                repeats=-1, next_run=timezone.now(),
            )  # fmt: skip
