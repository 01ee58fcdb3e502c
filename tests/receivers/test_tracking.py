"""What shoppers do in the shop, seen in the tracked cart, and what it costs."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery.models import CartStage, CartState, Contact, TrackedCart
from tests.checkout import (
    PHONE,
    add_to_basket,
    current_basket,
    enter_address,
    enter_as_guest,
    go_to_preview,
    place_order_as_guest,
    place_order_as_user,
)
from tests.factories import make_basket, make_contact, make_product, make_user

pytestmark = pytest.mark.django_db


def tracking_statements(queries):
    return [q["sql"] for q in queries if "cart_recovery_" in q["sql"]]


def make_voucher():
    """A voucher that takes ten per cent off everything."""
    everything = get_model("offer", "Range").objects.create(
        name="Alles", includes_all_products=True
    )
    condition = get_model("offer", "Condition").objects.create(
        range=everything, type="Count", value=1
    )
    benefit = get_model("offer", "Benefit").objects.create(
        range=everything, type="Percentage", value=10
    )
    offer = get_model("offer", "ConditionalOffer").objects.create(
        name="Zehn", offer_type="Voucher", condition=condition, benefit=benefit
    )
    now = timezone.now()
    voucher = get_model("voucher", "Voucher").objects.create(
        name="Zehn", code="ZEHN", usage="Multi-use", start_datetime=now,
        end_datetime=now + dt.timedelta(days=1),
    )  # fmt: skip
    voucher.offers.add(offer)
    return voucher


@pytest.fixture
def shopper():
    return Client(HTTP_ACCEPT_LANGUAGE="en")


def test_cart_is_tracked_when_a_guest_adds_a_product(shopper):
    add_to_basket(shopper, make_product())

    cart = TrackedCart.objects.get()
    assert cart.basket == current_basket(shopper)
    assert (cart.state, cart.stage) == (CartState.ACTIVE, CartStage.BASKET)
    assert cart.language == "en"
    assert cart.contact is None
    assert not cart.is_machine


def test_adding_costs_exactly_one_statement(shopper):
    product = make_product()
    for _ in ("first", "again"):
        with CaptureQueriesContext(connection) as queries:
            add_to_basket(shopper, product)
        assert len(tracking_statements(queries)) == 1


def test_several_changes_in_one_request_cost_one_statement(shopper):
    for product in (make_product(), make_product()):
        add_to_basket(shopper, product)
    lines = list(current_basket(shopper).lines.order_by("pk"))
    form = {"form-TOTAL_FORMS": 2, "form-INITIAL_FORMS": 2, "form-MAX_NUM_FORMS": 1000}
    for index, line in enumerate(lines):
        form |= {f"form-{index}-id": line.pk, f"form-{index}-quantity": 3}

    with CaptureQueriesContext(connection) as queries:
        shopper.post(reverse("basket:summary"), form)

    assert len(tracking_statements(queries)) == 1
    assert [line.quantity for line in current_basket(shopper).lines.order_by("pk")] == [3, 3]


def test_clock_starts_again_when_a_line_is_removed(shopper):
    add_to_basket(shopper, make_product())
    before = TrackedCart.objects.get().last_activity_at
    line = current_basket(shopper).lines.get()
    form = {
        "form-TOTAL_FORMS": 1, "form-INITIAL_FORMS": 1, "form-0-id": line.pk,
        "form-0-quantity": 1, "form-0-DELETE": "on",
    }  # fmt: skip

    shopper.post(reverse("basket:summary"), form)

    assert not current_basket(shopper).lines.exists()
    assert TrackedCart.objects.get().last_activity_at > before


def test_cart_is_tracked_when_a_basket_changes_outside_a_request():
    basket = make_basket(make_product())
    first = TrackedCart.objects.get(basket=basket)

    basket.add_product(basket.lines.get().product)

    cart = TrackedCart.objects.get(basket=basket)
    assert cart.last_activity_at > first.last_activity_at
    assert cart.language == ""


def test_cart_is_a_machines_when_the_user_agent_says_so():
    bot = Client(HTTP_USER_AGENT="Mozilla/5.0 (compatible; Storebot-Google/1.0)")
    add_to_basket(bot, make_product())

    assert TrackedCart.objects.get().is_machine


def test_cart_stays_a_humans_when_a_machine_touches_it(shopper):
    add_to_basket(shopper, make_product())

    add_to_basket(shopper, make_product(), HTTP_USER_AGENT="Googlebot/2.1")

    assert not TrackedCart.objects.get().is_machine


def test_cart_stays_a_machines_when_it_is_changed_outside_a_request():
    bot = Client(HTTP_USER_AGENT="Googlebot/2.1")
    add_to_basket(bot, make_product())

    current_basket(bot).lines.get().save()

    assert TrackedCart.objects.get().is_machine


def test_phone_of_the_make_cubot_is_no_bot():
    human = Client(HTTP_USER_AGENT="Mozilla/5.0 (Linux; Android 11; CUBOT KINGKONG 5 Pro)")
    add_to_basket(human, make_product())

    assert not TrackedCart.objects.get().is_machine


def test_guest_is_known_when_the_checkout_begins(shopper):
    add_to_basket(shopper, make_product())
    enter_as_guest(shopper, "Gast@Example.de")

    cart = TrackedCart.objects.get()
    assert cart.stage == CartStage.CHECKOUT
    assert cart.contact.email_key == "gast@example.de"
    assert cart.contact.language == "en"


def test_guest_is_reachable_by_phone_when_the_address_is_given(shopper):
    add_to_basket(shopper, make_product())
    enter_as_guest(shopper, "gast@example.de")
    enter_address(shopper, phone="0151 23456789")

    contact = TrackedCart.objects.get().contact
    assert str(contact.phone) == "+4915123456789"
    assert contact.country == "DE"


def test_guest_keeps_the_contact_when_the_phone_is_a_strangers(shopper):
    stranger = make_contact("fremd@example.de", phone="+4915123456789")
    add_to_basket(shopper, make_product())
    enter_as_guest(shopper, "gast@example.de")
    enter_address(shopper)

    contact = TrackedCart.objects.get().contact
    assert contact.email_key == "gast@example.de"
    assert contact.phone is None
    stranger.refresh_from_db()
    assert (stranger.email_key, str(stranger.phone)) == ("fremd@example.de", "+4915123456789")


def test_stage_stays_when_a_shopper_goes_back_from_the_checkout(shopper):
    add_to_basket(shopper, make_product())
    enter_as_guest(shopper, "gast@example.de")
    add_to_basket(shopper, make_product())

    assert TrackedCart.objects.get().stage == CartStage.CHECKOUT


def test_cart_is_closed_when_a_guest_orders(shopper):
    order = place_order_as_guest(shopper, make_product())

    cart = TrackedCart.objects.get()
    assert (cart.state, cart.order, cart.basket) == (CartState.ORDERED, order, order.basket)
    assert cart.closed_at is not None


def test_cart_is_closed_when_a_member_orders(shopper):
    user = make_user()

    order = place_order_as_user(shopper, user, make_product())

    cart = TrackedCart.objects.get()
    assert (cart.state, cart.order) == (CartState.ORDERED, order)
    assert cart.contact.user == user
    assert str(cart.contact.phone) == "+4915123456789"


def test_cart_stays_ordered_when_its_basket_is_opened_again(shopper):
    order = place_order_as_guest(shopper, make_product())
    order.basket.thaw()
    order.basket.lines.get().save()

    assert TrackedCart.objects.get().state == CartState.ORDERED


def test_next_cart_starts_afresh_after_a_purchase(shopper):
    place_order_as_guest(shopper, make_product())
    add_to_basket(shopper, make_product())

    assert sorted(TrackedCart.objects.values_list("state", flat=True)) == ["active", "ordered"]


def test_guest_cart_is_closed_as_merged_when_the_shopper_signs_in(shopper):
    user = make_user("kunde@example.de")
    own = make_basket(make_product(), owner=user)
    add_to_basket(shopper, make_product())
    guest_basket = current_basket(shopper)

    shopper.post(
        reverse("customer:login"),
        {
            "login-username": "kunde@example.de",
            "login-password": "geheim-123",
            "login_submit": "Log in",
        },
    )
    merged = current_basket(shopper)

    assert merged == own
    assert merged.lines.count() == 2
    assert TrackedCart.objects.get(basket=guest_basket).state == CartState.MERGED
    assert TrackedCart.objects.get(basket=own).state == CartState.ACTIVE


def test_former_guest_is_the_user_after_signing_in(shopper):
    guest = make_contact("Kunde@example.de")
    user = make_user("kunde@example.de")

    shopper.force_login(user, backend="oscar.apps.customer.auth_backends.EmailBackend")

    guest.refresh_from_db()
    assert guest.user == user


def test_visitor_who_followed_a_link_is_the_contact(shopper):
    contact = make_contact()
    session = shopper.session
    session["cart_recovery_contact"] = contact.pk
    session.save()
    add_to_basket(shopper, make_product())
    assert TrackedCart.objects.get().contact == contact

    with CaptureQueriesContext(connection) as queries:
        add_to_basket(shopper, make_product())
    assert len(tracking_statements(queries)) == 1


def test_visitor_behind_a_merged_link_is_the_living_contact(shopper):
    living = make_contact()
    session = shopper.session
    session["cart_recovery_contact"] = make_contact(None, merged_into=living).pk
    session.save()

    add_to_basket(shopper, make_product())

    assert TrackedCart.objects.get().contact == living


def test_link_is_forgotten_when_somebody_signs_in(shopper):
    session = shopper.session
    session["cart_recovery_contact"] = make_contact().pk
    session.save()

    shopper.force_login(make_user(), backend="oscar.apps.customer.auth_backends.EmailBackend")
    add_to_basket(shopper, make_product())

    assert TrackedCart.objects.get().contact is None
    assert "cart_recovery_contact" not in shopper.session


def test_address_typed_at_the_checkout_goes_before_the_link(shopper):
    session = shopper.session
    session["cart_recovery_contact"] = make_contact().pk
    session.save()
    add_to_basket(shopper, make_product())
    enter_as_guest(shopper, "gast@example.de")
    add_to_basket(shopper, make_product())

    assert TrackedCart.objects.get().contact.email_key == "gast@example.de"


@pytest.mark.parametrize(
    ("action", "state"),
    [
        (lambda basket: basket.freeze(), CartState.ACTIVE),
        (lambda basket: (basket.freeze(), basket.thaw()), CartState.ACTIVE),
        (lambda basket: basket.flush(), CartState.ACTIVE),
        (lambda basket: setattr(basket, "status", "Saved") or basket.save(), CartState.EXCLUDED),
        (lambda basket: basket.submit(), CartState.ACTIVE),  # closed by its order, or the sweep
    ],
)
def test_cart_follows_its_basket(action, state):
    basket = make_basket(make_product())

    action(basket)

    assert TrackedCart.objects.get().state == state


def test_frozen_basket_is_at_the_checkout():
    basket = make_basket(make_product())
    basket.freeze()

    assert TrackedCart.objects.get().stage == CartStage.CHECKOUT


def test_saved_basket_is_not_tracked():
    basket = get_model("basket", "Basket").saved.create(owner=make_user())
    other = make_basket(make_product(), owner=basket.owner)
    basket.merge_line(other.lines.get())

    assert not TrackedCart.objects.filter(basket=basket).exists()


@pytest.mark.parametrize("how", ["instance", "queryset", "owner", "raw"])
def test_row_stays_when_a_basket_is_deleted(how):
    basket = make_basket(make_product(), make_product(), owner=make_user())
    {
        "instance": basket.delete,
        "queryset": get_model("basket", "Basket").objects.filter(pk=basket.pk).delete,
        "owner": basket.owner.delete,
        "raw": lambda: basket.lines.all().delete() and basket.delete(),
    }[how]()

    cart = TrackedCart.objects.get()
    assert (cart.basket_id, cart.state) == (None, CartState.DELETED)
    connection.check_constraints()


def test_nothing_dangles_when_products_or_lines_of_a_deleted_basket_go():
    product = make_product()
    basket = make_basket(product)

    product.delete()

    assert TrackedCart.objects.get().basket == basket
    connection.check_constraints()


def test_clock_starts_again_when_a_voucher_is_added(shopper):
    add_to_basket(shopper, make_product())
    before = TrackedCart.objects.get().last_activity_at
    voucher = make_voucher()

    shopper.post(reverse("basket:vouchers-add"), {"code": voucher.code})

    assert current_basket(shopper).vouchers.get() == voucher
    assert TrackedCart.objects.get().last_activity_at > before


def test_cart_is_frozen_at_the_checkout_when_the_shopper_leaves_on_the_payment_page(shopper):
    add_to_basket(shopper, make_product())
    enter_as_guest(shopper, "gast@example.de")
    enter_address(shopper)
    go_to_preview(shopper)
    current_basket(shopper).freeze()

    cart = TrackedCart.objects.get()
    assert (cart.state, cart.stage) == (CartState.ACTIVE, CartStage.CHECKOUT)
    assert Contact.objects.count() == 1
    assert PHONE.replace(" ", "") == str(cart.contact.phone)
