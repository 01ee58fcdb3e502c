"""What a change of an order costs the shop: one statement at the most, and never an error."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from decimal import Decimal

import pytest
from django.db import connection, connections, transaction
from django.db.models.signals import post_save
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from oscar.apps.order import signals as order_signals
from oscar.core.loading import get_model

from cart_recovery import models, sweep
from cart_recovery.carts import requests as request_contexts
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.conf import conf
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import FollowUp, Trigger
from cart_recovery.receivers import orders
from tests.factories import make_campaign, make_product, make_user
from tests.orders.kit import look, make_address, make_order, refund, ship

pytestmark = pytest.mark.django_db(transaction=True)
PIPELINE = {
    "Pending": ("Shipped", "Cancelled"), "Shipped": ("Delivered",), "Delivered": (), "Cancelled": (),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _pipeline(monkeypatch):
    order_model, line_model = get_model("order", "Order"), get_model("order", "Line")
    monkeypatch.setattr(order_model, "pipeline", PIPELINE)
    monkeypatch.setattr(order_model, "cascade", {"Shipped": "Shipped", "Delivered": "Delivered"})
    monkeypatch.setattr(line_model, "pipeline", PIPELINE)


@pytest.fixture
def deaf(monkeypatch):
    """Our receivers of orders are not connected; gives a function that connects them."""
    order = get_model("order", "Order")
    post_save.disconnect(sender=order, dispatch_uid="cart_recovery.order")
    order_signals.order_status_changed.disconnect(dispatch_uid="cart_recovery.order_status")
    order_signals.order_line_status_changed.disconnect(
        dispatch_uid="cart_recovery.order_line_status"
    )
    yield orders.connect
    orders.connect()


def ours(queries):
    return [q["sql"] for q in queries if "cart_recovery" in q["sql"]]


def cost(function):
    with CaptureQueriesContext(connection) as queries:
        function()
    return len(queries), len(ours(queries))


@pytest.mark.parametrize("lines", [1, 5])
def test_a_status_change_costs_one_statement(deaf, lines):
    before, after = (make_order(*(make_product() for _ in range(lines))) for _ in range(2))
    without, nothing = cost(lambda: before.set_status("Shipped"))
    deaf()
    with_us, mine = cost(lambda: after.set_status("Shipped"))
    assert (nothing, mine) == (0, 1)
    assert with_us - without == 1


def test_a_status_change_in_the_dashboard_costs_one_statement(deaf):
    client = Client()
    staff = make_user("chefin@example.de", is_staff=True, is_superuser=True)
    client.force_login(staff, backend="django.contrib.auth.backends.ModelBackend")
    warm, before, after = (make_order(make_product(), make_product()) for _ in range(3))

    def post(order):
        response = client.post(
            reverse("dashboard:order-detail", kwargs={"number": order.number}),
            {"order_action": "change_order_status", "new_status": "Shipped"},
        )
        assert response.status_code == 302
        order.refresh_from_db()
        assert order.status == "Shipped"

    post(warm)
    without, _ = cost(lambda: post(before))
    deaf()
    with_us, mine = cost(lambda: post(after))
    assert mine == 1
    # a savepoint of its own comes and goes with the statement on some databases
    assert with_us - without <= 1 + 2 * (connection.vendor == "postgresql")


def test_a_line_status_and_events_are_noted():
    order = make_order(make_product(), make_product())
    tracked = models.TrackedOrder.objects.filter(order=order)
    first, second = order.lines.all()
    for change in (
        lambda: first.set_status("Shipped"),
        lambda: ship(order, {second: 1}),
        lambda: refund(order, "5.00"),
        lambda: refund(order, "5.00", {first: 1}),
        order.save,
    ):
        tracked.update(changed_at=None)
        change()
        assert tracked.get().changed_at is not None


def test_within_a_transaction_that_is_rolled_back_nothing_is_noted():
    order = make_order()
    tracked = models.TrackedOrder.objects.filter(order=order)
    tracked.update(changed_at=None)
    with pytest.raises(RuntimeError), transaction.atomic():
        order.set_status("Shipped")
        raise RuntimeError("the shop's own")
    assert tracked.get().changed_at is None


def test_within_a_request_a_change_after_a_look_is_noted_again():
    """Without ATOMIC_REQUESTS a sweep may come between two changes of one request."""
    order = make_order()
    request_contexts.begin("Mozilla")
    try:
        for status in ("Shipped", "Delivered"):
            order.set_status(status)
            assert models.TrackedOrder.objects.get(order=order).changed_at is not None
            look()
        with transaction.atomic():
            _without, mine = cost(lambda: (order.save(), order.save()))
        assert mine == 1, "once per transaction"
    finally:
        request_contexts.end()


@pytest.mark.parametrize("atomic", [True, False])
def test_a_failing_statement_of_ours_does_not_reach_the_shop(atomic, monkeypatch):
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", atomic)
    monkeypatch.setattr(
        "cart_recovery.orders.tracking.upsert_sql", lambda alias: "SELECT nothing FROM nowhere"
    )
    order = make_order()
    with transaction.atomic():
        order.set_status("Shipped")
    order.refresh_from_db()
    assert order.status == "Shipped"


def test_five_thousand_orders_at_once(monkeypatch):
    """Shipped in one go, by a thousand people: one statement each for the shop, constant statements
    per batch for the sweep, and no person gets more than the caps allow."""
    # what lines cost the shop is tried above
    monkeypatch.setattr(get_model("order", "Order"), "cascade", {})
    campaign = make_campaign(trigger=Trigger.ORDER_SHIPPED, channels=("sms",))
    models.Variant.objects.filter(step__campaign=campaign).update(template_code="order-shipped")
    placed = make_orders(5_000, people=1_000)
    asked: Counter[str] = Counter()

    def count(execute, sql, params, many, context):
        asked["ours" if "cart_recovery" in sql else "theirs"] += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count), transaction.atomic():
        for order in placed:
            order.set_status("Shipped")
    assert asked["ours"] == 5_000

    asked.clear()
    with connection.execute_wrapper(count):
        report = sweep.run(timezone.now())
    assert report.failed_stages == []
    assert report.orders.enrolled == 5_000
    assert asked.total() <= 600, "ten batches of 500"
    assert sweep.delivery_tasks_for(report) <= conf.DELIVERY_TASKS

    deliver_due()
    by_person = Counter(models.Message.objects.values_list("contact_id", flat=True))
    assert set(by_person.values()) == {4}, "the cap for texts"
    assert len(LocmemChannel.outbox) == 4_000
    # a day later it would be no news any more
    assert FollowUp.objects.filter(reason="capped").count() == 1_000


def make_orders(number, *, people):
    """Orders with a line and a phone number each; five each by a thousand people."""
    order_model, line_model = get_model("order", "Order"), get_model("order", "Line")
    address_model = get_model("order", "ShippingAddress")
    product = make_product()
    contacts = models.Contact.objects.bulk_create(
        models.Contact(
            email=f"viele{n}@example.de", email_key=f"viele{n}@example.de",
            phone=f"+4915{n + 100000000}", language="de", country="DE",
        )
        for n in range(people)
    )  # fmt: skip
    country = make_address("", "DE").country
    addresses = address_model.objects.bulk_create(
        address_model(line1="Weg 1", country=country, phone_number=contact.phone)
        for contact in contacts
    )
    now = timezone.now()
    rows = order_model.objects.bulk_create(
        order_model(
            number=f"M{n}", guest_email=contacts[n % people].email, currency="EUR",
            total_incl_tax=20, total_excl_tax=20, shipping_incl_tax=0, shipping_excl_tax=0,
            status="Pending", shipping_address=addresses[n % people], date_placed=now - dt.timedelta(hours=1),
        )
        for n in range(number)
    )  # fmt: skip
    line_model.objects.bulk_create(
        line_model(
            order=order, product=product, title="Ware", quantity=1, status="Pending",
            line_price_incl_tax=Decimal(20), line_price_excl_tax=Decimal(20),
            line_price_before_discounts_incl_tax=Decimal(20),
            line_price_before_discounts_excl_tax=Decimal(20), unit_price_incl_tax=Decimal(20),
            unit_price_excl_tax=Decimal(20), num_allocated=0,
        )
        for order in rows
    )  # fmt: skip
    return list(order_model.objects.filter(pk__in=[row.pk for row in rows]).order_by("pk"))
