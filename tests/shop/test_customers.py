"""What the shop knows about customers and guests."""

from __future__ import annotations

import pytest
from django.test import Client, RequestFactory, override_settings
from oscar.core.loading import get_model

from cart_recovery.shop.customers import (
    guest_email,
    phone_text,
    shipping_phone,
    user_facts,
)
from cart_recovery.shop.site import absolute_url
from tests.checkout import add_to_basket, enter_address, enter_as_guest, make_country
from tests.factories import make_product, make_user

pytestmark = pytest.mark.django_db


def add_address(user, phone, *, country="DE", **kwargs):
    return get_model("address", "UserAddress").objects.create(
        user=user, phone_number=phone, country=make_country(country, country), last_name="M",
        line1=kwargs.pop("line1", f"Weg {phone}"), postcode="10115", line4="B", **kwargs,
    )  # fmt: skip


def test_default_address_gives_the_phone():
    user = make_user("kunde@example.de")
    add_address(user, "+4915111111111", is_default_for_shipping=True)
    add_address(user, "+12015550123", country="US")

    facts = user_facts([user.pk])[user.pk]

    assert (facts.email, facts.phone, facts.country) == (
        "kunde@example.de", "+4915111111111", "DE",
    )  # fmt: skip


def test_latest_address_gives_the_phone_when_none_is_the_default():
    user = make_user()
    add_address(user, "+4915111111111")
    add_address(user, "+4917012345678")
    add_address(user, "")

    assert user_facts([user.pk])[user.pk].phone == "+4917012345678"


def test_statements_are_constant(django_assert_num_queries):
    users = [make_user() for _ in range(30)]
    for user in users:
        add_address(user, "+4915111111111")

    with django_assert_num_queries(2):
        assert len(user_facts([user.pk for user in users])) == 30
    with django_assert_num_queries(0):
        assert user_facts([]) == {}


def test_unknown_users_are_left_out():
    assert user_facts([987654]) == {}


def test_guest_of_a_checkout_is_told():
    client = Client()
    add_to_basket(client, make_product())
    enter_as_guest(client, "gast@example.de")
    enter_address(client, phone="0151 23456789")
    request = client.get("/basket/").wsgi_request

    assert guest_email(request) == "gast@example.de"
    assert shipping_phone(request) == ("+4915123456789", "DE")


def test_member_of_a_checkout_is_told():
    client, user = Client(), make_user()
    address = add_address(user, "+4917012345678")
    foreign = add_address(make_user(), "+4915111111111")
    client.force_login(user, backend="oscar.apps.customer.auth_backends.EmailBackend")
    for row, expected in ((address, ("+4917012345678", "DE")), (foreign, ("", ""))):
        session = client.session
        session["checkout_data"] = {"shipping": {"user_address_id": row.pk}}
        session.save()
        request = client.get("/basket/").wsgi_request
        assert shipping_phone(request) == expected


def test_no_session_is_made_for_a_visitor_by_asking():
    client = Client()
    request = client.get("/basket/").wsgi_request

    assert (guest_email(request), shipping_phone(request)) == ("", ("", ""))
    assert not request.session.modified
    assert guest_email(RequestFactory().get("/")) == ""


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        (None, ""), ("", ""), ("+4915123456789", "+4915123456789"),
        ("+49 151 23456789", "+4915123456789"), ("0151 1", "0151 1"), ("+x", "+x"),
    ],
)  # fmt: skip
def test_stored_number_is_told_as_text(stored, text):
    assert phone_text(stored) == text


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("/a/b", "https://shop.example/a/b"),
        ("a", "https://shop.example/a"),
        ("", "https://shop.example/"),
        ("https://cdn.example/x.png", "https://cdn.example/x.png"),
        ("//cdn.example/x.png", "https://cdn.example/x.png"),
    ],
)
def test_url_is_absolute(path, url):
    assert absolute_url(path) == url


@override_settings(CART_RECOVERY={}, OSCAR_URL_SCHEMA="https")
def test_url_is_the_sites_when_none_is_set():
    from django.contrib.sites.models import Site

    Site.objects.update(domain="laden.example")
    Site.objects.clear_cache()

    assert absolute_url("/x") == "https://laden.example/x"
    Site.objects.clear_cache()
