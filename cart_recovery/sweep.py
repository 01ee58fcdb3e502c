"""One minute's work: plan, repair what died, credit, clean up, and see what is due.

Both the queue's task and the `recovery_sweep` command run this. Run twice at once, or four times in
a row, it makes no difference: each stage claims its rows.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError

from cart_recovery.attribution.crediting import credit_pending
from cart_recovery.attribution.reversals import take_back
from cart_recovery.campaigns.order_planning import (
    OrderPlanResult,
    active_order_campaigns,
    plan_orders,
)
from cart_recovery.campaigns.planning import PlanResult, plan
from cart_recovery.conf import conf
from cart_recovery.delivery import followups, notices
from cart_recovery.delivery.outbox import end_idle_retries, give_up_stuck
from cart_recovery.incentives.purging import purge_expired
from cart_recovery.models import Heartbeat
from cart_recovery.orders.catching_up import catch_up
from cart_recovery.privacy import retention
from cart_recovery.recommendations import computing
from cart_recovery.reports import rolling

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class SweepReport:
    """What one sweep did. `due` counts no further than the delivery tasks could take."""

    planned: PlanResult = field(default_factory=PlanResult)
    orders: OrderPlanResult = field(default_factory=OrderPlanResult)
    noticed: int = 0
    taken_back: int = 0
    released: int = 0
    unknown: int = 0
    credited: int = 0
    purged_vouchers: int = 0
    rolled_days: int = 0
    recommended: int = 0
    removed: dict[str, int] = field(default_factory=dict)
    due: int = 0
    failed_stages: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


def run(now: dt.datetime) -> SweepReport:
    """Run all stages once. A stage that fails is logged and named; the others still run."""
    report = SweepReport()
    stages: tuple[tuple[str, Callable[[], None]], ...] = (
        ("unknown", lambda: setattr(report, "unknown", _clear_up(now))),
        ("released", lambda: setattr(report, "released", _release(now))),
        ("credited", lambda: setattr(report, "credited", credit_pending(now, conf.BATCH_SIZE))),
        ("planned", lambda: setattr(report, "planned", plan(now))),
        ("noticed", lambda: setattr(report, "noticed", catch_up(active_order_campaigns(), now))),
        ("orders", lambda: _look_at_orders(report, now)),
        ("purged", lambda: setattr(report, "purged_vouchers", purge_expired(now, conf.BATCH_SIZE))),
        # before anything is deleted
        ("rolled", lambda: setattr(report, "rolled_days", rolling.run(now))),
        ("retention", lambda: setattr(report, "removed", _clean_up(now))),
        ("recommended", lambda: setattr(report, "recommended", computing.run(now))),
        ("due", lambda: setattr(report, "due", _count_due(now))),
    )
    for name, stage in stages:
        try:
            stage()
        except Exception:
            logger.exception("Stage %s of the sweep failed", name)
            report.failed_stages.append(name)
    _beat(now, report)
    return report


def delivery_tasks_for(report: SweepReport) -> int:
    """How many delivery tasks the due follow-ups and notices are worth."""
    return min(conf.DELIVERY_TASKS, -(-report.due // conf.BATCH_SIZE))


def _look_at_orders(report: SweepReport, now: dt.datetime) -> None:
    """What changed orders set going or end, and what that means for those who were credited."""

    def on_change(order_ids: Sequence[int]) -> None:
        report.taken_back += take_back(order_ids, now)

    report.orders = plan_orders(now, on_change=on_change)


def _clear_up(now: dt.datetime) -> int:
    """Messages of which nobody will hear: cut off in mid-call, or waiting for what has ended."""
    end_idle_retries()
    return give_up_stuck(now)


def _clean_up(now: dt.datetime) -> dict[str, int]:
    """One batch of each kind of rows that were kept for long enough."""
    done = retention.run(now, limit=conf.BATCH_SIZE)
    if done.failed:
        raise RuntimeError(f"Could not delete what is over: {', '.join(done.failed)}")
    return dict(+done.counts)


def _release(now: dt.datetime) -> int:
    return followups.release_stale(now) + notices.release_stale(now)


def _count_due(now: dt.datetime) -> int:
    capacity = _capacity()
    waiting = notices.count_due(now, at_most=capacity)
    return min(capacity, waiting + followups.count_due(now, at_most=capacity))


def _capacity() -> int:
    return conf.DELIVERY_TASKS * conf.BATCH_SIZE


def _beat(now: dt.datetime, report: SweepReport) -> None:
    try:
        Heartbeat.objects.update_or_create(
            stage="sweep", defaults={"ran_at": now, "result": report.as_dict()}
        )
    except DatabaseError:
        logger.exception("The sweep's heartbeat could not be written")
