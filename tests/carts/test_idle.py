"""Which carts are found idle, and what becomes of each."""

from __future__ import annotations

import datetime as dt
import threading

import pytest
from django.db import connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cart_recovery.carts import idle
from cart_recovery.carts.closing import close
from cart_recovery.carts.idle import is_machine_address, take_idle
from cart_recovery.carts.tracking import touch
from cart_recovery.models import CartStage, CartState, Contact, ExclusionReason, TrackedCart
from tests.checkout import place_order_as_guest
from tests.factories import make_basket, make_cart, make_contact, make_product, make_user

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def now():
    return timezone.now()


def idle_cart(contact=None, *, owner=None, basket=None, **kwargs):
    return make_cart(basket or make_basket(make_product(), owner=owner), contact, **kwargs)


def test_cart_is_abandoned_when_it_is_idle(now):
    contact = make_contact()
    cart = idle_cart(contact)

    batch = take_idle(now, 10)

    assert batch.abandoned == [cart]
    assert batch.taken == 1
    cart.refresh_from_db()
    assert (cart.state, cart.abandoned_at, cart.contact) == (CartState.ABANDONED, now, contact)
    assert (cart.line_count, str(cart.total), cart.currency) == (1, "19.99", "EUR")
    assert take_idle(now, 10).taken == 0


def test_contact_comes_with_the_cart_without_a_query(now, django_assert_num_queries):
    contact = make_contact()
    idle_cart(contact)
    cart = take_idle(now, 10).abandoned[0]

    with django_assert_num_queries(0):
        assert cart.contact.email == contact.email


@override_settings(
    CART_RECOVERY={
        "ABANDONED_AFTER": dt.timedelta(minutes=30),
        "CHECKOUT_ABANDONED_AFTER": dt.timedelta(minutes=10),
    }
)
@pytest.mark.parametrize(
    ("stage", "minutes", "is_idle"),
    [
        (CartStage.BASKET, 29, False), (CartStage.BASKET, 30, True),
        (CartStage.CHECKOUT, 9, False), (CartStage.CHECKOUT, 10, True),
    ],
)  # fmt: skip
def test_basket_and_checkout_have_thresholds_of_their_own(now, stage, minutes, is_idle):
    idle_cart(make_contact(), stage=stage, last_activity_at=now - minutes * MINUTE)

    assert bool(take_idle(now, 10).abandoned) is is_idle


def test_oldest_carts_come_first(now):
    carts = [
        idle_cart(make_contact(), stage=stage, last_activity_at=now - hours * 60 * MINUTE)
        for hours, stage in [(2, "basket"), (4, "checkout"), (3, "basket"), (1, "checkout")]
    ]

    assert take_idle(now, 2).abandoned == [carts[1], carts[2]]
    assert take_idle(now, 2).abandoned == [carts[0], carts[3]]


def test_old_cart_is_abandoned_however_old_it_is(now):
    cart = idle_cart(make_contact(), last_activity_at=now - dt.timedelta(days=4000))

    assert take_idle(now, 10).abandoned == [cart]


def test_cart_of_the_future_waits_when_the_clock_has_jumped_back(now):
    cart = idle_cart(make_contact(), last_activity_at=now + dt.timedelta(days=1))
    assert take_idle(now, 10).taken == 0

    touch(cart.basket_id, now=now)

    assert take_idle(now + 31 * MINUTE, 10).abandoned == [cart]


def test_owner_is_the_contact(now):
    user = make_user("kunde@example.de")
    idle_cart(make_contact(), owner=user)

    cart = take_idle(now, 10).abandoned[0]

    assert cart.contact.user == user
    assert cart.contact.email == "kunde@example.de"


def test_cart_without_a_known_person_is_abandoned_and_not_followed_up(now):
    idle_cart()

    assert take_idle(now, 10).abandoned == []
    assert TrackedCart.objects.get().state == CartState.ABANDONED


def test_merged_contact_is_followed(now):
    living = make_contact()
    idle_cart(make_contact(None, merged_into=living))

    assert take_idle(now, 10).abandoned[0].contact == living


def set_status(status):
    return lambda cart: type(cart.basket).objects.filter(pk=cart.basket_id).update(status=status)


@pytest.mark.parametrize(
    ("change", "state", "reason"),
    [
        (set_status("Merged"), CartState.MERGED, ""),
        (set_status("Submitted"), CartState.ORDERED, ""),
        (set_status("Saved"), CartState.EXCLUDED, ExclusionReason.SAVED),
        (set_status("Frozen"), CartState.ABANDONED, ""),
        (lambda cart: cart.basket.lines.update(quantity=0), CartState.EMPTIED, ""),
        (lambda cart: cart.basket.lines.all()._raw_delete("default"), CartState.EMPTIED, ""),
        (lambda cart: TrackedCart.objects.update(basket=None), CartState.DELETED, ""),
        (lambda cart: TrackedCart.objects.update(is_machine=True), CartState.EXCLUDED, "machine"),
        (
            lambda cart: Contact.objects.update(email_key="x@storebot.google.com"),
            CartState.EXCLUDED, "machine_address",
        ),
    ],
)  # fmt: skip
def test_end_of_a_cart_is_told_by_its_basket(now, change, state, reason):
    cart = idle_cart(make_contact())
    change(cart)

    batch = take_idle(now, 10)

    cart.refresh_from_db()
    assert (cart.state, cart.state_reason) == (state, reason)
    assert bool(batch.abandoned) is (state == CartState.ABANDONED)
    assert (cart.closed_at is None) is (state == CartState.ABANDONED)


def test_order_is_found_when_its_signal_was_missed(now):
    order = place_order_as_guest(Client(), make_product())
    type(order.basket).objects.filter(pk=order.basket_id).update(status="Open")
    TrackedCart.objects.update(
        state=CartState.ACTIVE, order=None, closed_at=None, last_activity_at=now - 60 * MINUTE
    )

    assert take_idle(now, 10).abandoned == []

    cart = TrackedCart.objects.get()
    assert (cart.state, cart.order) == (CartState.ORDERED, order)


def test_carts_are_left_out_when_one_address_makes_too_many(now):
    contact, human = make_contact(), make_contact()
    for _ in range(21):
        idle_cart(contact)
    idle_cart(human)

    batch = take_idle(now, 100)

    assert [cart.contact for cart in batch.abandoned] == [human]
    reasons = TrackedCart.objects.filter(contact=contact).values_list("state_reason", flat=True)
    assert set(reasons) == {ExclusionReason.TOO_MANY_CARTS}


def test_statements_are_constant(now):
    def run(size):
        for _ in range(size):
            idle_cart(make_contact())
            idle_cart(owner=make_user())
        with CaptureQueriesContext(connection) as queries:
            assert take_idle(now, 1000).taken == 2 * size
        return len(queries)

    run(1)
    assert run(3) == run(25)


def test_cart_that_is_touched_meanwhile_is_left_alone(now, monkeypatch):
    cart = idle_cart(make_contact())

    def shopper_comes_back(baskets, **kwargs):
        touch(cart.basket_id)
        return {}

    monkeypatch.setattr(idle, "load_baskets", shopper_comes_back)

    assert take_idle(now, 10).abandoned == []
    assert TrackedCart.objects.get().state == CartState.ACTIVE


def test_cart_that_is_closed_meanwhile_is_left_alone(now, monkeypatch):
    cart = idle_cart(make_contact())

    def shop_closes(baskets, **kwargs):
        close([cart.basket_id], CartState.DELETED, now)
        return {}

    monkeypatch.setattr(idle, "load_baskets", shop_closes)

    assert take_idle(now, 10).abandoned == []
    assert TrackedCart.objects.get().state == CartState.DELETED


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("a@storebot.google.com", True),
        ("a@x.storebotmail.joonix.net", True),
        ("a@google.com", False),
        ("a@notstorebot.google.com.example.de", False),
        ("", False),
    ],
)
def test_addresses_of_machines_are_known_by_their_host(key, expected):
    assert is_machine_address(key) is expected


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_each_cart_is_taken_once_when_sweeps_run_at_the_same_time(now):
    carts = {idle_cart(make_contact()).pk for _ in range(40)}
    taken: list[int] = []

    def sweep(barrier):
        try:
            barrier.wait()
            taken.extend(cart.pk for cart in take_idle(now, 30).abandoned)
            taken.extend(cart.pk for cart in take_idle(now, 30).abandoned)
        finally:
            connection.close()

    barrier = threading.Barrier(4)
    threads = [threading.Thread(target=sweep, args=[barrier]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    taken.extend(cart.pk for cart in take_idle(now, 100).abandoned)

    assert sorted(taken) == sorted(carts)
