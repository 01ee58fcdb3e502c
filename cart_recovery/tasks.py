"""What django-q2 runs. These dotted paths are stored in queues and schedules: they do not change.

A task is only a hint that there is work. The truth is in the rows, so a task that is lost, repeated
or run twice at once does no harm.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule
from django_q.tasks import async_task

from cart_recovery import sweep as sweeping
from cart_recovery.conf import conf
from cart_recovery.delivery.pipeline import deliver_due

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
