"""Drives Oscar's own checkout views with Django's test client, as a shopper clicks through them.

Each helper is one step, so that a test can leave the checkout wherever it likes;
`place_order_as_guest` and `place_order_as_user` go the whole way and hand back the order.
"""

from __future__ import annotations

from typing import Any

from django.test import Client
from django.urls import reverse
from oscar.core.loading import get_model

PHONE = "+49 151 23456789"


def make_country(code: str = "DE", name: str = "Deutschland") -> Any:
    """A country that the shop ships to."""
    return get_model("address", "Country").objects.get_or_create(
        iso_3166_1_a2=code,
        defaults={"printable_name": name, "name": name, "is_shipping_country": True},
    )[0]


def add_to_basket(client: Client, product: Any, *, quantity: int = 1, **headers: Any) -> Any:
    """Posts the form of the product page. Keywords go to the request, as `HTTP_USER_AGENT=...`."""
    response = client.post(
        reverse("basket:add", kwargs={"pk": product.pk}), {"quantity": quantity}, **headers
    )
    assert response.status_code == 302, response.content[:2000]
    return response


def current_basket(client: Client) -> Any:
    """The basket of the client's visitor as it is in the database."""
    basket_id = client.get(reverse("basket:summary")).wsgi_request.basket.pk
    return get_model("basket", "Basket").objects.get(pk=basket_id)


def enter_as_guest(client: Client, email: str) -> Any:
    """First page of the checkout: the visitor goes on as guest with this e-mail address."""
    response = client.post(reverse("checkout:index"), {"username": email, "options": "anonymous"})
    assert response.status_code == 302, response.content[:2000]
    return response


def enter_address(client: Client, *, phone: str = PHONE, country: str = "DE", **fields: Any) -> Any:
    """The shipping address, typed in; `phone=""` leaves the number out."""
    make_country(country)
    data = {
        "first_name": "Erika", "last_name": "Mustermann", "line1": "Heidestraße 17",
        "line4": "Köln", "postcode": "51147", "country": country, "phone_number": phone, **fields,
    }  # fmt: skip
    response = client.post(reverse("checkout:shipping-address"), data)
    assert response.status_code == 302, response.content.decode()[:4000]
    return response


def go_to_preview(client: Client) -> Any:
    """From the address over shipping and payment method (there is one of each) to the preview."""
    return client.get(reverse("checkout:shipping-method"), follow=True)


def submit_order(client: Client) -> Any:
    """The button of the preview page; follows to the thank-you page."""
    return client.post(reverse("checkout:preview"), {"action": "place_order"}, follow=True)


def placed_order(response: Any) -> Any:
    """The order of the thank-you page that `submit_order` ended on."""
    order = (response.context or {}).get("order")
    assert order is not None, f"No order: {response.redirect_chain} {response.content[:3000]!r}"
    return order


def place_order_as_guest(
    client: Client, product: Any, *, email: str = "gast@example.de", phone: str = PHONE
) -> Any:
    """Fills the basket with the product (None: takes what is in it) and orders as a guest."""
    if product is not None:
        add_to_basket(client, product)
    enter_as_guest(client, email)
    return finish_checkout(client, phone=phone)


def place_order_as_user(client: Client, user: Any, product: Any, *, phone: str = PHONE) -> Any:
    """Signs the user in and orders the product (None: takes what is in the basket)."""
    client.force_login(user, backend="oscar.apps.customer.auth_backends.EmailBackend")
    if product is not None:
        add_to_basket(client, product)
    client.get(reverse("checkout:index"))
    return finish_checkout(client, phone=phone)


def finish_checkout(client: Client, *, phone: str = PHONE) -> Any:
    """From the address on to the order."""
    enter_address(client, phone=phone)
    go_to_preview(client)
    return placed_order(submit_order(client))
