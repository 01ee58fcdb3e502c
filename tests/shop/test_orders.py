"""Who bought when."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery.shop.orders import order_facts, orders_of_baskets, purchases_since
from tests.checkout import place_order_as_guest, place_order_as_user
from tests.factories import make_product, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def since():
    return timezone.now() - dt.timedelta(days=1)


@pytest.fixture
def guest_order():
    return place_order_as_guest(Client(), make_product(), email="Gast@Example.DE")


@pytest.fixture
def member_order():
    return place_order_as_user(Client(), make_user("Kunde@example.de"), make_product())


def test_guest_is_found_by_address_phone_and_basket(since, guest_order):
    for query in (
        {"email_keys": ["gast@example.de"]},
        {"phones": ["+4915123456789"]},
        {"basket_ids": [guest_order.basket_id]},
    ):
        purchases = purchases_since(since, **query)
        assert [p.order_id for p in purchases] == [guest_order.pk], query

    assert purchases[0].email_key == "gast@example.de"
    assert purchases[0].phone == "+4915123456789"
    assert (purchases[0].user_id, purchases[0].basket_id) == (None, guest_order.basket_id)
    assert purchases[0].placed_at == guest_order.date_placed


def test_member_is_found_by_user_and_address(since, member_order):
    for query in ({"user_ids": [member_order.user_id]}, {"email_keys": ["kunde@example.de"]}):
        purchases = purchases_since(since, **query)
        assert [p.order_id for p in purchases] == [member_order.pk], query
    assert purchases[0].email_key == "kunde@example.de"


def test_all_are_found_by_one_statement(since, guest_order, member_order):
    with CaptureQueriesContext(connection) as queries:
        purchases = purchases_since(
            since, user_ids=[member_order.user_id], email_keys=["gast@example.de"],
            phones=["+4915123456789"], basket_ids=[1, 2, 3],
        )  # fmt: skip

    assert {p.order_id for p in purchases} == {guest_order.pk, member_order.pk}
    assert len(queries) == 1


def test_order_comes_under_both_addresses_when_a_guest_registered(since, guest_order):
    guest_order.user = make_user("anders@example.de")
    guest_order.save()

    for key in ("gast@example.de", "anders@example.de"):
        purchases = purchases_since(since, email_keys=[key])
        assert {p.email_key for p in purchases} == {"gast@example.de", "anders@example.de"}
        assert {p.order_id for p in purchases} == {guest_order.pk}


@pytest.mark.parametrize("stored", ["info@münchen.de", "INFO@xn--mnchen-3ya.de"])
def test_hosts_are_found_in_both_spellings(since, guest_order, stored):
    get_model("order", "Order").objects.update(guest_email=stored)

    purchases = purchases_since(since, email_keys=["info@xn--mnchen-3ya.de"])

    assert [p.email_key for p in purchases] == ["info@xn--mnchen-3ya.de"]


def test_nobody_is_found_who_did_not_buy(since, guest_order):
    assert purchases_since(since) == []
    assert purchases_since(since, email_keys=["x@example.de"], phones=[""], user_ids=[7]) == []
    later = timezone.now() + dt.timedelta(minutes=1)
    assert purchases_since(later, email_keys=["gast@example.de"]) == []


def test_order_is_told(guest_order, member_order):
    facts = order_facts(guest_order.pk)
    assert (facts.email, facts.phone, facts.country) == (
        "Gast@example.de", "+4915123456789", "DE",
    )  # fmt: skip
    assert (facts.number, facts.basket_id) == (guest_order.number, guest_order.basket_id)
    assert (facts.total_incl_tax, facts.currency) == (guest_order.total_incl_tax, "EUR")
    assert order_facts(member_order.pk).email == "Kunde@example.de"
    assert order_facts(987654) is None


def test_order_is_told_when_user_and_address_are_gone(member_order):
    member_order.user.delete()
    member_order.shipping_address.delete()

    facts = order_facts(member_order.pk)

    assert (facts.email, facts.phone, facts.country, facts.user_id) == ("", "", "", None)


def test_order_of_a_basket_is_found(guest_order):
    assert orders_of_baskets([guest_order.basket_id, 5]) == {guest_order.basket_id: guest_order.pk}
