"""What django-q2 runs. These dotted paths are stored in queues and schedules: they do not change.

A task is only a hint that there is work. The truth is in the rows, so a task that is lost, repeated
or run twice at once does no harm.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import Counter
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.utils import timezone
from django_q.brokers import Broker, get_broker
from django_q.conf import Conf
from django_q.models import OrmQ, Schedule
from django_q.status import Stat
from django_q.tasks import async_task

from cart_recovery import sweep as sweeping
from cart_recovery.conf import conf
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.health.queue import QueueState

logger = logging.getLogger(__name__)

SCHEDULE_NAME = "cart_recovery sweep"
SWEEP_PATH = "cart_recovery.tasks.sweep"
DELIVER_PATH = "cart_recovery.tasks.deliver"
#: caches that each process has for itself: what a cluster writes there nobody else reads
PRIVATE_CACHES = ("locmem.LocMemCache", "dummy.DummyCache")


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


def queue_state() -> QueueState:
    """A look at the queue, for the health page. Raises DatabaseError."""
    schedules = Schedule.objects.filter(func=SWEEP_PATH).values_list("repeats", flat=True)
    repeats = list(schedules)
    workers, error = None, ""
    try:
        workers = _workers()
    except DatabaseError:
        raise
    except Exception as problem:
        logger.exception("The queue's broker does not answer")
        error = type(problem).__name__
    return QueueState(workers, _waiting_since(), bool(repeats), any(repeats), error)


def _workers() -> dict[str, int] | None:
    """Host -> workers, of all clusters that gave a sign of life in the last seconds; None if this
    process cannot see them: clusters sign in Redis where that is the broker, else in a cache."""
    signs_in_cache = Conf.ORM or Conf.SQS or Conf.IRON_MQ or Conf.MONGO
    if signs_in_cache and _cache_is_private():
        return None
    # the ORM's own broker would close the request's database connection
    broker = Broker() if signs_in_cache else get_broker()
    found: Counter[str] = Counter()
    for stat in Stat.get_all(broker=broker):
        found[stat.host] += len(stat.workers)
    return dict(found)


def _cache_is_private() -> bool:
    backend = settings.CACHES.get(Conf.CACHE, {}).get("BACKEND", "")
    return str(backend).endswith(PRIVATE_CACHES)


def _waiting_since() -> dt.datetime | None:
    """When the oldest task was queued that nobody has taken, where the database is the queue."""
    if not Conf.ORM:
        return None
    waiting = OrmQ.objects.using(Conf.ORM).filter(key=Conf.CLUSTER_NAME, lock__lte=timezone.now())
    oldest: dt.datetime | None = waiting.order_by("lock").values_list("lock", flat=True).first()
    return oldest
