"""The voucher of a message goes into the basket with the link (PAINS 30)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery import models
from tests import checkout, factories
from tests.incentives.test_granting import make_incentive
from tests.pages import words
from tests.restore_links import kit

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def codes(client):
    basket = kit.basket_of(client)
    return set(basket.vouchers.values_list("code", flat=True)) if basket else set()


def granted(**grant):
    return models.VoucherGrant.objects.get(**grant).code


@pytest.mark.parametrize("kind", ["percentage", "fixed_amount", "free_shipping"])
def test_it_is_applied_and_the_order_has_it(client, kind):
    basket = factories.make_basket(factories.make_product("Teekanne", price="50.00"))
    token = kit.make_link(basket, incentive=make_incentive(kind=kind))
    response = kit.tap(client, token)
    assert f"Gutschein {granted()} ist eingelöst" in words(response)
    assert codes(client) == {granted()}
    order = checkout.place_order_as_guest(client, None)
    if kind != "free_shipping":
        assert order.total_discount_incl_tax > 0
    voucher = get_model("voucher", "Voucher").objects.get()
    assert voucher.applications.get().order == order


def test_the_page_announces_it(client):
    with_voucher = kit.make_link(
        factories.make_basket(factories.make_product()), incentive=make_incentive()
    )
    without = kit.make_link(factories.make_basket(factories.make_product()))
    assert "Gutschein" in words(kit.show(client, with_voucher))
    assert "Gutschein" not in words(kit.show(client, without))
    assert granted() not in words(kit.show(client, with_voucher))


def test_the_own_basket_gets_it_too_and_only_once(client):
    checkout.add_to_basket(client, factories.make_product("Teekanne"))
    token = kit.make_link(kit.basket_of(client), incentive=make_incentive())
    assert "ist eingelöst" in words(kit.tap(client, token))
    assert "ist eingelöst" not in words(kit.tap(client, token))
    assert codes(client) == {granted()}


def expire():
    get_model("voucher", "Voucher").objects.update(end_datetime=NOW - dt.timedelta(seconds=1))


def delete():
    get_model("voucher", "Voucher").objects.all().delete()


def delete_offer():
    get_model("offer", "ConditionalOffer").objects.all().delete()


def use():
    buyer = Client()
    checkout.add_to_basket(buyer, factories.make_product("Anderes"))
    buyer.post(reverse("basket:vouchers-add"), {"code": granted()})
    checkout.place_order_as_guest(buyer, None, email="dritte@example.de")


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(expire, "ist abgelaufen"), (delete, "gilt nicht mehr"), (use, "wurde schon verwendet"),
     (delete_offer, "gilt für diesen Warenkorb noch nicht")],
)  # fmt: skip
def test_one_that_does_not_work_any_more_is_named_and_the_basket_still_comes(client, spoil, said):
    basket = factories.make_basket(factories.make_product("Teekanne"))
    token = kit.make_link(basket, incentive=make_incentive())
    spoil()
    response = kit.tap(client, token)
    assert said in words(response)
    assert codes(client) == set()
    assert kit.holding(client) == {"Teekanne": 1}


def test_below_the_minimum_it_waits_outside_the_basket(client):
    tea = factories.make_product("Teekanne", price="20.00")
    token = kit.make_link(
        factories.make_basket(tea), incentive=make_incentive(minimum_basket=Decimal(30))
    )
    assert "gilt für diesen Warenkorb noch nicht" in words(kit.tap(client, token))
    # an order must not use it up for nothing
    assert codes(client) == set()
    checkout.add_to_basket(client, factories.make_product("Tasse", price="15.00"))
    assert "ist eingelöst" in words(kit.tap(client, token))
    assert codes(client) == {granted()}


def test_two_links_of_one_person_give_one_voucher(client):
    contact = factories.make_contact()
    basket = factories.make_basket(factories.make_product("Teekanne"))
    first = kit.make_link(basket, contact, incentive=make_incentive())
    enrolment = models.Enrolment.objects.get()
    step = models.Step.objects.create(
        campaign=enrolment.campaign, position=2, delay=dt.timedelta(1),
        incentive=make_incentive(kind="free_shipping"),
    )  # fmt: skip
    second = kit.make_later_link(enrolment, step)
    kit.tap(client, first)
    kit.tap(client, second)
    assert codes(client) == {granted(followup__step=step)}
    kit.tap(client, first)
    assert codes(client) == {models.VoucherGrant.objects.exclude(followup__step=step).get().code}


def test_the_shops_own_vouchers_stay(client):
    tea = factories.make_product("Teekanne")
    checkout.add_to_basket(client, tea)
    own = kit.make_link(factories.make_basket(tea), incentive=make_incentive(kind="free_shipping"))
    other = get_model("voucher", "Voucher").objects.get()
    other.pk, other.code, other.name = None, "SOMMER", "Sommer"
    other.save()
    kit.basket_of(client).vouchers.add(other)
    kit.tap(client, own)
    assert codes(client) == {"SOMMER", granted()}


def test_a_voucher_is_not_wasted_on_a_basket_that_is_gone(client):
    tea = factories.make_product("Teekanne")
    token = kit.make_link(factories.make_basket(tea), incentive=make_incentive())
    tea.delete()
    response = kit.tap(client, token)
    assert "ist eingelöst" not in words(response)
