"""Checkouts that fail, through Oscar's own views: what is written down, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, connections
from django.http import HttpResponse
from django.test import AsyncClient, Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from oscar.core.loading import get_class, get_model

from cart_recovery.carts import requests, troubles
from cart_recovery.carts.troubles import latest_troubles, note_trouble
from cart_recovery.models import CartState, CheckoutTrouble, TrackedCart, TroubleKind
from tests.checkout import (
    add_to_basket,
    enter_address,
    enter_as_guest,
    go_to_preview,
    placed_order,
    submit_order,
)
from tests.factories import make_basket, make_cart, make_contact, make_product, make_user
from tests.orders.kit import make_order

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "Karte 4111111111111111 von Erika Mustermann"
MIDDLEWARE = "cart_recovery.carts.middleware.CheckoutTroubleMiddleware"


@pytest.fixture(params=[True, False], ids=["atomic", "autocommit"], autouse=True)
def atomic_requests(request: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(connections.settings["default"], "ATOMIC_REQUESTS", request.param)


@pytest.fixture
def watched(settings: Any) -> None:
    """The shop has added the middleware. Asked for before `shopper`, whose first request loads it."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, MIDDLEWARE]


@pytest.fixture
def shopper() -> Client:
    """Somebody who stands before the button that places the order."""
    client = Client(raise_request_exception=False)
    add_to_basket(client, make_product())
    enter_as_guest(client, "gast@example.de")
    enter_address(client)
    go_to_preview(client)
    return client


@pytest.fixture
def paying(monkeypatch: Any) -> Callable[[Any], None]:
    """Let the shop's payment do this: raise an exception, or call something with the view."""
    view_class = get_class("checkout.views", "PaymentDetailsView")

    def use(outcome: Any) -> None:
        def handle_payment(self: Any, *args: Any, **kwargs: Any) -> None:
            if isinstance(outcome, Exception):
                raise outcome
            outcome(self)

        monkeypatch.setattr(view_class, "handle_payment", handle_payment)

    return use


@pytest.fixture
def placing(monkeypatch: Any) -> Callable[[Exception], None]:
    """Let placing the order raise this."""
    view_class = get_class("checkout.views", "PaymentDetailsView")

    def use(error: Exception) -> None:
        def handle_order_placement(self: Any, *args: Any, **kwargs: Any) -> None:
            raise error

        monkeypatch.setattr(view_class, "handle_order_placement", handle_order_placement)

    return use


def payment_error(name: str, *args: Any) -> Exception:
    made: Exception = get_class("payment.exceptions", name)(*args)
    return made


def thaw_while_handling(basket: Any, error: Exception) -> None:
    """As a view does that a bank's page leads back to."""

    def come_back() -> None:
        raise error

    requests.begin("")
    try:
        come_back()
    except type(error):
        basket.thaw()
    requests.end()


def found() -> list[tuple[str, str, str]]:
    rows = CheckoutTrouble.objects.order_by("pk")
    return list(rows.values_list("kind", "reason", "stage"))


def statements(queries: Any) -> list[str]:
    return [q["sql"] for q in queries if "cart_recovery_checkouttrouble" in q["sql"]]


class TestSignals:
    def test_refused_payment_is_written_down_with_cart_and_contact(
        self, shopper: Client, paying: Any
    ) -> None:
        paying(payment_error("UnableToTakePayment", SECRET))
        assert SECRET in submit_order(shopper).content.decode()
        assert found() == [("payment_refused", "UnableToTakePayment", "checkout:preview")]
        trouble = CheckoutTrouble.objects.get()
        cart = TrackedCart.objects.get()
        assert (trouble.cart, trouble.contact) == (cart, cart.contact)
        assert trouble.contact is not None
        assert trouble.contact.email == "gast@example.de"

    @pytest.mark.parametrize(
        ("name", "kind"),
        [("GatewayError", "payment_error"), ("TransactionDeclined", "payment_refused"),
         ("InsufficientPaymentSources", "payment_error")],
    )  # fmt: skip
    def test_errors_of_the_gateway_are_told_apart(
        self, shopper: Client, paying: Any, name: str, kind: str
    ) -> None:
        paying(payment_error(name, SECRET))
        submit_order(shopper)
        assert found() == [(kind, name, "checkout:preview")]

    def test_any_other_exception_while_paying_is_an_error(
        self, shopper: Client, paying: Any
    ) -> None:
        paying(KeyError("token"))
        submit_order(shopper)
        assert found() == [("payment_error", "KeyError", "checkout:preview")]

    @pytest.mark.parametrize(
        ("module", "name"), [("order.exceptions", "UnableToPlaceOrder"), ("", "RuntimeError")]
    )
    def test_order_that_cannot_be_placed_after_paying(
        self, shopper: Client, placing: Any, module: str, name: str
    ) -> None:
        placing(get_class(module, name)("x") if module else RuntimeError(SECRET))
        submit_order(shopper)
        assert found() == [("order_error", name, "checkout:preview")]

    def test_redirect_to_a_bank_is_no_trouble(self, shopper: Client, paying: Any) -> None:
        paying(payment_error("RedirectRequired", "https://bank.example/3ds"))
        answer = shopper.post(reverse("checkout:preview"), {"action": "place_order"})
        assert answer["Location"] == "https://bank.example/3ds"
        assert found() == []

    def test_who_changes_their_mind_has_no_trouble(
        self, watched: None, shopper: Client, paying: Any
    ) -> None:
        paying(payment_error("UserCancelled"))
        submit_order(shopper)
        assert found() == []

    def test_bank_that_says_no_on_the_way_back(self, shopper: Client) -> None:
        """No `pre_payment` in this request: the exception that is handled while thawing tells."""
        basket = get_model("basket", "Basket").objects.get()
        basket.freeze()
        thaw_while_handling(basket, payment_error("TransactionDeclined", SECRET))
        assert found() == [("payment_refused", "TransactionDeclined", "")]

    def test_basket_that_thaws_for_another_reason_is_none(self, shopper: Client) -> None:
        basket = get_model("basket", "Basket").objects.get()
        basket.freeze()
        thaw_while_handling(basket, ValueError("x"))
        assert found() == []

    def test_second_attempt_that_succeeds_ends_it(
        self, shopper: Client, paying: Any, monkeypatch: Any
    ) -> None:
        paying(payment_error("UnableToTakePayment", "x"))
        submit_order(shopper)
        paying(lambda view: None)
        placed_order(submit_order(shopper))
        cart = TrackedCart.objects.get()
        assert cart.state == CartState.ORDERED
        assert CheckoutTrouble.objects.get().cart == cart

    def test_each_attempt_counts(self, shopper: Client, paying: Any) -> None:
        paying(payment_error("UnableToTakePayment", "x"))
        submit_order(shopper)
        submit_order(shopper)
        assert len(found()) == 2


def test_trouble_of_a_guest_goes_along_when_they_log_in(shopper: Client, paying: Any) -> None:
    paying(payment_error("UnableToTakePayment", SECRET))
    submit_order(shopper)
    user = make_user("kunde@example.de")
    shopper.force_login(user, backend="oscar.apps.customer.auth_backends.EmailBackend")
    shopper.get(reverse("basket:summary"))
    (trouble,) = CheckoutTrouble.objects.select_related("cart__basket")
    assert trouble.cart is not None
    assert trouble.cart.basket is not None
    assert trouble.cart.basket.owner == user


class TestCost:
    def test_checkout_that_goes_well_costs_nothing(self, watched: None, shopper: Client) -> None:
        with CaptureQueriesContext(connection) as queries:
            placed_order(submit_order(shopper))
        assert statements(queries) == []

    def test_trouble_costs_one_statement(self, watched: None, shopper: Client, paying: Any) -> None:
        paying(payment_error("UnableToTakePayment", "x"))
        with CaptureQueriesContext(connection) as queries:
            submit_order(shopper)
        assert len(statements(queries)) == 1


class TestMiddleware:
    def test_exception_of_a_view_is_written_down(
        self, watched: None, shopper: Client, monkeypatch: Any
    ) -> None:
        view_class = get_class("checkout.views", "PaymentDetailsView")

        def fail(self: Any, request: Any) -> Any:
            raise ZeroDivisionError(SECRET)

        monkeypatch.setattr(view_class, "handle_place_order_submission", fail)
        assert submit_order(shopper).status_code == 500
        assert found() == [("other", "ZeroDivisionError", "checkout:preview")]
        assert CheckoutTrouble.objects.get().cart == TrackedCart.objects.get()

    def test_it_outlives_the_transaction_that_the_exception_ends(
        self, watched: None, shopper: Client, paying: Any, monkeypatch: Any
    ) -> None:
        """Refused, noted, and then the page that says so breaks: of all that one row stays."""
        view_class = get_class("checkout.views", "PaymentDetailsView")

        def fail(self: Any, *args: Any, **kwargs: Any) -> Any:
            raise ZeroDivisionError

        paying(payment_error("UnableToTakePayment", "x"))
        monkeypatch.setattr(view_class, "render_payment_details", fail)
        assert submit_order(shopper).status_code == 500
        assert len(found()) == 1

    def test_answer_with_an_error_status_is_written_down(
        self, watched: None, shopper: Client, monkeypatch: Any
    ) -> None:
        view_class = get_class("checkout.views", "PaymentDetailsView")

        def refuse(self: Any, request: Any) -> Any:
            return HttpResponse(status=503)

        monkeypatch.setattr(view_class, "handle_place_order_submission", refuse)
        submit_order(shopper)
        assert found() == [("other", "http_503", "checkout:preview")]

    def test_page_that_comes_back_with_an_error_is_written_down(
        self, watched: None, shopper: Client, monkeypatch: Any
    ) -> None:
        """A view that takes the payment without Oscar's `submit`, and so without its signals."""
        view_class = get_class("checkout.views", "PaymentDetailsView")

        def refuse(self: Any, request: Any) -> Any:
            return self.render_payment_details(request, error=SECRET)

        monkeypatch.setattr(view_class, "handle_place_order_submission", refuse)
        submit_order(shopper)
        assert found() == [("payment_refused", "", "checkout:preview")]

    def test_page_that_a_bank_leads_back_to_is_seen(
        self, watched: None, shopper: Client, monkeypatch: Any
    ) -> None:
        view_class = get_class("checkout.views", "PaymentDetailsView")

        def come_back(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            return self.render_payment_details(request, error="No.")

        monkeypatch.setattr(view_class, "get", come_back)
        shopper.get(reverse("checkout:payment-details"))
        assert found() == [("payment_refused", "", "checkout:payment-details")]

    def test_what_is_wrong_with_an_address_is_no_refused_payment(
        self, watched: None, shopper: Client, monkeypatch: Any
    ) -> None:
        view_class = get_class("checkout.views", "ShippingAddressView")

        def post(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            context = self.get_context_data(form=self.get_form(), error="Which postcode?")
            return self.render_to_response(context)

        monkeypatch.setattr(view_class, "post", post)
        shopper.post(reverse("checkout:shipping-address"), {})
        assert found() == []

    def test_who_changes_their_mind_in_a_view_of_the_shops_own_has_no_trouble(
        self, watched: None, shopper: Client, monkeypatch: Any
    ) -> None:
        view_class = get_class("checkout.views", "PaymentDetailsView")
        cancelled = get_class("payment.exceptions", "UserCancelled")

        def pay(self: Any, request: Any) -> Any:
            self.freeze_basket(request.basket)
            self.checkout_session.set_submitted_basket(request.basket)
            try:
                raise cancelled("x")  # noqa: TRY301 as the gateway's client does
            except cancelled:
                self.restore_frozen_basket()
                return self.render_payment_details(request, error="You have cancelled.")

        monkeypatch.setattr(view_class, "handle_place_order_submission", pay)
        submit_order(shopper)
        assert found() == []

    def test_basket_at_hand_counts_and_not_one_that_was_left_behind(
        self, watched: None, shopper: Client, paying: Any, monkeypatch: Any
    ) -> None:
        paying(payment_error("RedirectRequired", "https://bank.example/"))
        shopper.post(reverse("checkout:preview"), {"action": "place_order"})
        add_to_basket(shopper, make_product())
        view_class = get_class("checkout.views", "ShippingAddressView")

        def fail(self: Any, *args: Any, **kwargs: Any) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr(view_class, "post", fail)
        shopper.post(reverse("checkout:shipping-address"), {})
        (trouble,) = CheckoutTrouble.objects.select_related("cart__basket")
        assert trouble.cart is not None
        assert trouble.cart.basket is not None
        assert trouble.cart.basket.status == "Open"

    def test_payments_of_others_are_no_trouble_of_the_staff(
        self, watched: None, monkeypatch: Any
    ) -> None:
        client = Client(raise_request_exception=False)
        backend = "oscar.apps.customer.auth_backends.EmailBackend"
        client.force_login(make_user(is_staff=True, is_superuser=True), backend=backend)
        add_to_basket(client, make_product())

        def fail(self: Any, request: Any, *args: Any, **kwargs: Any) -> Any:
            note_trouble(request, TroubleKind.PAYMENT_ERROR, "no_refund")
            raise payment_error("GatewayError", SECRET)

        for name in ("dashboard.orders.views", "basket.views"):
            view = "OrderDetailView" if "orders" in name else "BasketView"
            monkeypatch.setattr(get_class(name, view), "get", fail)
        number = make_order().number
        client.get(reverse("dashboard:order-detail", kwargs={"number": number}))
        assert found() == []
        client.get(reverse("basket:summary"))
        [(kind, _code, stage)] = found()
        assert (kind, stage) == ("payment_error", "basket:summary"), "what the shop itself says"

    def test_exceptions_elsewhere_are_none_of_it(
        self, watched: None, shopper: Client, monkeypatch: Any
    ) -> None:
        view_class = get_class("basket.views", "BasketView")

        def fail(self: Any, *args: Any, **kwargs: Any) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr(view_class, "get", fail)
        assert shopper.get(reverse("basket:summary")).status_code == 500
        assert found() == []


class TestAsgi:
    def submit(self, shopper: Client) -> Any:
        client = AsyncClient(raise_request_exception=False)
        client.cookies = shopper.cookies
        return async_to_sync(client.post)(reverse("checkout:preview"), {"action": "place_order"})

    def test_refused_payment_is_written_down_once(
        self, watched: None, shopper: Client, paying: Any
    ) -> None:
        paying(payment_error("UnableToTakePayment", "x"))
        assert self.submit(shopper).status_code == 200
        assert found() == [("payment_refused", "UnableToTakePayment", "checkout:preview")]

    def test_exception_of_a_view_is_written_down_once(
        self, watched: None, shopper: Client, monkeypatch: Any
    ) -> None:
        view_class = get_class("checkout.views", "PaymentDetailsView")

        def fail(self: Any, request: Any) -> Any:
            raise ZeroDivisionError

        monkeypatch.setattr(view_class, "handle_place_order_submission", fail)
        assert self.submit(shopper).status_code == 500
        assert found() == [("other", "ZeroDivisionError", "checkout:preview")]


class TestShopsOwnCode:
    def test_says_it_best_and_is_not_counted_twice(
        self, watched: None, shopper: Client, paying: Any
    ) -> None:
        def refuse(view: Any) -> None:
            note_trouble(view.request, TroubleKind.PAYMENT_REFUSED, "card_expired")
            raise payment_error("UnableToTakePayment", SECRET)

        paying(refuse)
        submit_order(shopper)
        assert found() == [("payment_refused", "card_expired", "checkout:preview")]

    def test_names_a_basket_outside_of_requests(self) -> None:
        basket = make_basket(make_product())
        cart = make_cart(basket, make_contact())
        note_trouble(basket, "other", "bank_timeout")
        trouble = CheckoutTrouble.objects.get()
        assert (trouble.cart, trouble.contact, trouble.reason) == (
            cart, cart.contact, "bank_timeout",
        )  # fmt: skip

    def test_basket_that_nobody_tracks_is_counted_all_the_same(self) -> None:
        basket = make_basket(make_product())
        TrackedCart.objects.all().delete()
        note_trouble(basket, "other")
        assert CheckoutTrouble.objects.get().cart is None

    @pytest.mark.parametrize(
        "code",
        [SECRET, "4111111111111111", "x" * 65, "a@b.de", "card 1", "kunde123456", "Müller",
         "visa.4111-1111-1111-1111", "tel.0151-2345-678"],
    )  # fmt: skip
    def test_what_may_be_personal_is_left_out(self, code: str, caplog: Any) -> None:
        note_trouble(make_basket(make_product()), "other", code)
        assert CheckoutTrouble.objects.get().reason == ""
        assert code not in caplog.text

    def test_mistakes_reach_the_log_and_not_the_shopper(self, caplog: Any) -> None:
        note_trouble(make_basket(make_product()), "kaputt")
        note_trouble(None, "other")
        assert found() == []
        assert caplog.text.count("note_trouble failed") == 2


@pytest.fixture
def broken(monkeypatch: Any) -> Iterator[None]:
    monkeypatch.setattr(troubles, "insert_sql", lambda alias: "SELECT nothing FROM nowhere")
    monkeypatch.setattr(troubles, "_values", lambda *args: [])
    yield


def test_shop_goes_on_when_writing_fails(
    watched: None, shopper: Client, paying: Any, broken: None
) -> None:
    paying(payment_error("UnableToTakePayment", "Karte abgelaufen"))
    answer = submit_order(shopper)
    assert answer.status_code == 200
    assert "Karte abgelaufen" in answer.content.decode()
    paying(lambda view: None)
    placed_order(submit_order(shopper))


def test_latest_trouble_of_each_cart_in_one_query(django_assert_num_queries: Any) -> None:
    carts = [make_cart(make_basket(make_product()), make_contact()) for _n in range(3)]
    for cart in carts[:2]:
        note_trouble(cart.basket, "other")
        note_trouble(cart.basket, "other")
    with django_assert_num_queries(1):
        latest = latest_troubles([cart.pk for cart in carts])
    expected = {
        cart.pk: CheckoutTrouble.objects.filter(cart=cart).latest("pk").occurred_at
        for cart in carts[:2]
    }
    assert latest == expected
