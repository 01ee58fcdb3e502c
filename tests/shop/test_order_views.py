"""Orders as messages show them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery.rendering.order_facts import order_view
from cart_recovery.shop.order_views import (
    OrderContents,
    load_order_contents,
    newest_orders,
    stored_key,
)
from tests.checkout import place_order_as_guest, place_order_as_user
from tests.factories import make_product, make_user

pytestmark = pytest.mark.django_db

urlpatterns = [path("", lambda request: None)]


def make_order(*products: Any, number: str = "", quantity: int = 2, **kwargs: Any) -> Any:
    """An order with a line per product, without a checkout."""
    orders = get_model("order", "Order").objects
    number = number or f"A-{orders.count() + 1}"
    order = orders.create(
        number=number, currency="EUR", total_incl_tax=Decimal("39.98"),
        total_excl_tax=Decimal("39.98"), date_placed=timezone.now(), status="Pending",
        **{"guest_email": "gast@example.de"} | kwargs,
    )  # fmt: skip
    for product in products:
        price = Decimal("19.99") * quantity
        get_model("order", "Line").objects.create(
            order=order, product=product, title=f"{product.title} (bestellt)", quantity=quantity,
            partner_sku="x", line_price_incl_tax=price, line_price_excl_tax=price,
            line_price_before_discounts_incl_tax=price, line_price_before_discounts_excl_tax=price,
            unit_price_incl_tax=Decimal("19.99"), num_allocated=0,
        )  # fmt: skip
    return order


def contents(order: Any, language: str = "") -> OrderContents:
    return load_order_contents([order.pk], {order.pk: language} if language else None)[order.pk]


def test_an_order_says_what_was_bought_and_paid() -> None:
    product = make_product("Hemd", price="19.99")
    order = place_order_as_guest(Client(), product, email="gast@example.de")
    found = contents(order)
    assert (found.order_id, found.number, found.currency) == (order.pk, order.number, "EUR")
    assert (found.total, found.placed_at) == (order.total_incl_tax, order.date_placed)
    (line,) = order.lines.all()
    (shown,) = found.lines.values()
    assert list(found.lines) == [shown.line_id] == [line.pk]
    assert (shown.title, shown.quantity, shown.product_id) == ("Hemd", 1, product.pk)
    assert shown.line_price == line.line_price_incl_tax
    assert shown.unit_price == line.unit_price_incl_tax
    assert shown.product_path == product.get_absolute_url()


def test_a_guest_finds_the_order_without_logging_in() -> None:
    client = Client()
    order = place_order_as_guest(client, make_product(), email="gast@example.de")
    client.cookies.clear()
    answer = client.get(contents(order).order_path)
    # Oscar asks a guest for the address, once per visit
    assert "order-status-form" in answer.headers["Location"]
    answer = client.post(answer.headers["Location"], {"email": "gast@example.de"}, follow=True)
    assert order.number in answer.content.decode()


def test_a_customer_finds_the_order_in_the_account() -> None:
    client, user = Client(), make_user()
    order = place_order_as_user(client, user, make_product())
    path_ = contents(order).order_path
    assert order.number in client.get(path_).content.decode()
    assert "login" in Client().get(path_).headers["Location"]


def test_an_order_without_a_page_has_no_path(settings: Any) -> None:
    order = make_order(make_product())
    settings.ROOT_URLCONF = __name__
    assert contents(order).order_path == ""


def test_a_number_that_oscars_pattern_does_not_expect_has_no_path() -> None:
    found = contents(make_order(make_product(), number="2026/11 äß"))
    assert found.order_path == ""
    view = order_view(found)
    assert (view.order_url, view.action_url) == ("", "https://shop.example/")


def test_a_product_that_is_gone_or_hidden_keeps_its_title_and_has_no_page() -> None:
    gone, hidden = make_product("Weg"), make_product("Versteckt", is_public=False)
    order = make_order(gone, hidden)
    gone.delete()
    first, second = contents(order).lines.values()
    assert (first.title, first.product_id, first.product_path) == ("Weg (bestellt)", None, "")
    assert (second.title, second.product_path) == ("Versteckt (bestellt)", "")


def test_what_is_gone_is_left_out() -> None:
    order = make_order(make_product())
    assert list(load_order_contents([order.pk, 10**9])) == [order.pk]
    assert load_order_contents([]) == {}


def test_queries_do_not_grow_with_orders_and_lines() -> None:
    def count(orders: int, lines: int) -> int:
        ids = [make_order(*(make_product() for _n in range(lines))).pk for _n in range(orders)]
        with CaptureQueriesContext(connection) as queries:
            assert len(load_order_contents(ids, dict.fromkeys(ids, "de"))) == orders
        return len(queries)

    assert count(1, 1) == count(20, 5) <= 6


def test_newest_come_first() -> None:
    orders = [make_order(make_product()).pk for _n in range(4)]
    assert newest_orders(3) == orders[:0:-1]


def test_a_key_is_read_back_or_refused() -> None:
    order = make_order(make_product())
    assert stored_key(str(order.pk)) == order.pk
    for nonsense in ("", "x", "9" * 34, "-1", "1.5", "²", "' OR 1=1"):
        assert stored_key(nonsense) is None


class TestView:
    def test_it_is_about_the_whole_order_unless_told_otherwise(self) -> None:
        order = make_order(make_product("A"), make_product("B"))
        view = order_view(contents(order))
        assert [(line.title, line.quantity) for line in view.lines] == [
            ("A (bestellt)", 2), ("B (bestellt)", 2),
        ]  # fmt: skip
        assert view.other_lines == ()
        assert view.order_url.startswith("https://shop.example/")
        assert view.action_url == view.order_url

    def test_some_pieces_cost_their_share(self) -> None:
        order = make_order(make_product("A"), make_product("B"), quantity=3)
        first, second = order.lines.order_by("pk")
        view = order_view(
            contents(order), {first.pk: 2, 10**9: 1}, others={first.pk: 1, second.pk: 3},
            action_url="https://paket.example/1",
        )  # fmt: skip
        assert [(line.quantity, line.total) for line in view.lines] == [(2, Decimal("39.98"))]
        assert [line.quantity for line in view.other_lines] == [1, 3]
        assert view.action_url == "https://paket.example/1"
