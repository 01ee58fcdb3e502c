"""User models of other shapes: whatever key and fields they have."""

from __future__ import annotations

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from cart_recovery.contacts.identities import resolve_users
from cart_recovery.shop.customers import user_facts
from tests.checkout import place_order_as_user
from tests.factories import make_product, make_user

pytestmark = pytest.mark.django_db


def test_contact_belongs_to_the_user_whatever_the_key_is():
    user = make_user("kunde@example.de")

    contact = resolve_users([user.pk])[user.pk]

    assert contact.user_id == user.pk
    assert contact.email_key == "kunde@example.de"


if hasattr(get_user_model(), "phone_number"):

    def test_phone_is_the_users_own_where_the_model_has_one():
        user = make_user()
        user.phone_number = "+4915123456789"
        user.save()

        assert user_facts([user.pk])[user.pk].phone == "+4915123456789"


def test_order_is_placed_by_a_user_of_this_shape():
    order = place_order_as_user(Client(), make_user(), make_product())

    assert isinstance(order.user, get_user_model())
