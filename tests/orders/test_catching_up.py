"""Orders that are written past Oscar's signals, as imports do: found by the next sweep."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery import models, sweep
from cart_recovery.models import EnrolmentState, Reason, Trigger
from cart_recovery.orders import catching_up
from tests.orders.kit import enrolments, make_order, make_order_campaign, set_status

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def run() -> None:
    report = sweep.run(timezone.now())
    assert report.failed_stages == []


def update(order: Any, status: str) -> None:
    type(order).objects.filter(pk=order.pk).update(status=status)


@pytest.mark.parametrize("first", ["Pending", ""])
def test_a_status_that_was_updated_without_a_signal_is_told(first: str) -> None:
    make_order_campaign(Trigger.ORDER_SHIPPED)
    order = make_order(status=first)
    run()
    update(order, "Shipped")
    for _ in range(2):
        run()
    (enrolment,) = enrolments(order)
    assert timezone.now() - enrolment.clock_at < dt.timedelta(minutes=1)
    update(order, first)
    run()
    (enrolment,) = enrolments(order)
    assert (enrolment.state, enrolment.reason) == (EnrolmentState.STOPPED, Reason.SET_BACK)


def test_orders_of_an_import_are_tracked_from_when_they_were_placed() -> None:
    campaign = make_order_campaign(Trigger.ORDER_SHIPPED)
    early, late = make_order(status="Shipped"), make_order()
    models.TrackedOrder.objects.all().delete()
    begun = timezone.now() - dt.timedelta(hours=2)
    models.Campaign.objects.filter(pk=campaign.pk).update(activated_at=begun)
    orders = get_model("order", "Order").objects
    orders.filter(pk=early.pk).update(date_placed=begun - dt.timedelta(hours=1))
    placed_at = begun + dt.timedelta(hours=1)
    orders.filter(pk=late.pk).update(date_placed=placed_at)
    run()
    tracked = models.TrackedOrder.objects.get()
    assert (tracked.order_id, tracked.created_at) == (late.pk, placed_at)
    assert enrolments(late) == []
    update(late, "Shipped")
    run()
    assert len(enrolments(late)) == 1
    assert enrolments(early) == [], "from before the campaign"


def test_without_a_campaign_nothing_is_tracked_that_nobody_told_of() -> None:
    models.Campaign.objects.update(is_active=False)
    make_order()
    models.TrackedOrder.objects.all().delete()
    run()
    assert not models.TrackedOrder.objects.exists()


def test_orders_of_long_ago_are_left_alone() -> None:
    make_order_campaign(Trigger.ORDER_SHIPPED)
    order = make_order(placed_at=timezone.now() - 40 * DAY)
    run()
    update(order, "Shipped")
    run()
    assert enrolments(order) == []
    set_status(order, "Shipped")
    run()
    assert len(enrolments(order)) == 1, "but whoever tells of one is heard"


def test_large_shops_are_gone_through_in_portions(monkeypatch: Any) -> None:
    monkeypatch.setattr(catching_up, "PORTION", 3)
    make_order_campaign(Trigger.ORDER_SHIPPED)
    orders = [make_order(placed_at=timezone.now() - n * dt.timedelta(hours=1)) for n in range(8)]
    run()
    type(orders[0]).objects.update(status="Shipped")
    told = []
    for _ in range(5):
        run()
        told.append(models.Enrolment.objects.count())
    assert told[0] < 8, "not all at once"
    assert told[-1] == 8


def test_orders_are_looked_at_though_the_net_has_torn(monkeypatch: Any) -> None:
    def fail(*args: Any) -> int:
        raise RuntimeError("torn")

    make_order_campaign(Trigger.ORDER_SHIPPED)
    order = make_order()
    set_status(order, "Shipped")
    monkeypatch.setattr(sweep, "catch_up", fail)
    assert sweep.run(timezone.now()).failed_stages == ["noticed"]
    assert len(enrolments(order)) == 1


def test_a_quiet_sweep_looks_at_no_order_again() -> None:
    make_order_campaign(Trigger.ORDER_SHIPPED)
    for status in ("Pending", "", "Shipped"):
        make_order(status=status)
    run()
    with CaptureQueriesContext(connection) as queries:
        run()
    assert [q for q in queries if "cart_recovery_ordermilestone" in q["sql"]] == []
    assert not models.TrackedOrder.objects.filter(changed_at__isnull=False).exists()
