"""The shop works with the app installed: the helper that other tests build on does what it says."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.checkout import place_order_as_guest, place_order_as_user
from tests.factories import make_product, make_user


@pytest.mark.django_db
def test_order_is_placed_when_a_guest_goes_through_the_checkout():
    order = place_order_as_guest(Client(), make_product(), email="gast@example.de")

    assert order.guest_email == "gast@example.de"
    assert order.shipping_address.phone_number.as_e164 == "+4915123456789"
    assert order.basket.status == "Submitted"


@pytest.mark.django_db
def test_order_is_placed_when_a_member_goes_through_the_checkout():
    user = make_user()

    order = place_order_as_user(Client(), user, make_product())

    assert order.user == user
    assert order.basket.owner == user
