"""Oscar enforces single use and expiry when the order is placed. These tests hold it to that."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from oscar.core.loading import get_model

from cart_recovery.incentives.granting import grant
from tests import checkout, factories
from tests.incentives.test_granting import NOW, make_followups, make_incentive


def basket_with_code(client, code):
    checkout.add_to_basket(client, factories.make_product())
    client.post(reverse("basket:vouchers-add"), {"code": code})
    assert "10" in client.get(reverse("basket:summary")).content.decode()


@pytest.mark.django_db
def test_a_code_works_for_one_order_only(client):
    code = next(iter(grant(make_followups(1, make_incentive()), {}, NOW).values())).code
    basket_with_code(client, code)
    assert checkout.place_order_as_guest(client, None).total_discount_incl_tax > 0
    other = Client()
    basket_with_code(other, code)
    order = checkout.place_order_as_guest(other, None, email="zweite@example.de")
    assert order.total_discount_incl_tax == 0


@pytest.mark.django_db
def test_a_code_that_expires_in_the_basket_gives_nothing_any_more(client):
    code = next(iter(grant(make_followups(1, make_incentive()), {}, NOW).values())).code
    basket_with_code(client, code)
    past = NOW - dt.timedelta(seconds=1)
    get_model("voucher", "Voucher").objects.update(end_datetime=past)
    order = checkout.place_order_as_guest(client, None)
    assert order.total_discount_incl_tax == 0
    assert not get_model("voucher", "VoucherApplication").objects.exists()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_orders_at_the_same_moment_share_no_code(settings):
    code = next(iter(grant(make_followups(1, make_incentive()), {}, NOW).values())).code
    clients = [Client(), Client()]
    for number, client in enumerate(clients):
        basket_with_code(client, code)
        checkout.enter_as_guest(client, f"gast{number}@example.de")
        checkout.enter_address(client)
        checkout.go_to_preview(client)
    barrier = threading.Barrier(2, timeout=20)

    def order(client):
        try:
            barrier.wait()
            client.post(reverse("checkout:preview"), {"action": "place_order"})
        finally:
            connection.close()

    threads = [threading.Thread(target=order, args=(c,)) for c in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    placed = get_model("order", "Order").objects.all()
    assert len([o for o in placed if o.total_discount_incl_tax > 0]) == 1
    assert get_model("voucher", "VoucherApplication").objects.count() == 1
