"""The upsert and what it does to a cart that is known."""

from __future__ import annotations

import datetime as dt

import pytest
from asgiref.sync import async_to_sync
from django.db import connection, transaction
from django.test import AsyncClient
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from cart_recovery.carts import requests
from cart_recovery.carts.tracking import touch
from cart_recovery.models import CartStage, CartState, TrackedCart
from tests.factories import make_basket, make_contact, make_product

pytestmark = pytest.mark.django_db


@pytest.fixture
def basket():
    """A basket that we know nothing of yet."""
    basket = make_basket(make_product())
    TrackedCart.objects.all().delete()
    return basket


@pytest.fixture
def in_request():
    requests.begin("Mozilla/5.0")
    yield
    requests.end()


def statements(function):
    with CaptureQueriesContext(connection) as queries:
        function()
    return len(queries)


def test_cart_is_made_and_woken_by_one_statement(basket):
    at = timezone.now() - dt.timedelta(hours=2)
    assert statements(lambda: touch(basket.pk, now=at)) == 1
    assert statements(lambda: touch(basket.pk, now=at + dt.timedelta(hours=1))) == 1

    cart = TrackedCart.objects.get()
    assert (cart.created_at, cart.last_activity_at) == (at, at + dt.timedelta(hours=1))
    assert (cart.line_count, cart.currency, cart.total) == (0, "", None)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (CartState.ACTIVE, CartState.ACTIVE),
        (CartState.ABANDONED, CartState.ACTIVE),
        (CartState.EMPTIED, CartState.ACTIVE),
        (CartState.EXCLUDED, CartState.ACTIVE),
        (CartState.MERGED, CartState.ACTIVE),
        (CartState.DELETED, CartState.ACTIVE),
        (CartState.ORDERED, CartState.ORDERED),
    ],
)
def test_new_activity_brings_a_cart_back_unless_it_was_ordered(basket, state, expected):
    touch(basket.pk)
    closed_at = timezone.now()
    TrackedCart.objects.update(state=state, closed_at=closed_at, state_reason="x")

    touch(basket.pk)

    cart = TrackedCart.objects.get()
    assert cart.state == expected
    is_ordered = expected == CartState.ORDERED
    assert cart.closed_at == (closed_at if is_ordered else None)
    assert cart.state_reason == ("x" if is_ordered else "")


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (CartState.ACTIVE, CartStage.CHECKOUT),
        (CartState.ABANDONED, CartStage.CHECKOUT),
        (CartState.ORDERED, CartStage.CHECKOUT),
        (CartState.EMPTIED, CartStage.BASKET),
        (CartState.MERGED, CartStage.BASKET),
    ],
)
def test_stage_is_kept_until_the_cart_is_closed(basket, state, expected):
    touch(basket.pk, stage=CartStage.CHECKOUT)
    TrackedCart.objects.update(state=state)

    touch(basket.pk)

    assert TrackedCart.objects.get().stage == expected


@pytest.mark.parametrize("status", ["Saved", "Merged", "Submitted"])
def test_basket_that_is_out_of_play_is_left_alone(basket, status):
    type(basket).objects.filter(pk=basket.pk).update(status=status)

    touch(basket.pk)
    touch(987654)
    touch(None)

    assert not TrackedCart.objects.exists()


def test_contact_is_kept_and_replaced_by_a_newer_one(basket):
    first, second = make_contact(), make_contact()
    touch(basket.pk, contact_id=first.pk)
    touch(basket.pk)
    assert TrackedCart.objects.get().contact == first
    touch(basket.pk, contact_id=second.pk)
    assert TrackedCart.objects.get().contact == second


def test_nothing_dangles_when_the_contact_is_gone(basket):
    first = make_contact()
    touch(basket.pk, contact_id=987654)
    assert TrackedCart.objects.get().contact is None
    touch(basket.pk, contact_id=first.pk)
    touch(basket.pk, contact_id=987654)

    assert TrackedCart.objects.get().contact == first
    connection.check_constraints()


def test_language_is_the_requests_and_survives_what_has_none(basket, in_request):
    with translation.override("en"):
        touch(basket.pk)
    requests.end()
    with translation.override("de"):
        touch(basket.pk)

    assert TrackedCart.objects.get().language == "en"


def test_later_touch_is_left_out_when_it_says_nothing_new(basket, in_request):
    assert statements(lambda: touch(basket.pk)) == 1
    assert statements(lambda: touch(basket.pk)) == 0
    assert statements(lambda: touch(basket.pk, stage=CartStage.CHECKOUT)) == 1
    assert statements(lambda: touch(basket.pk)) == 0
    contact = make_contact()
    assert statements(lambda: touch(basket.pk, contact_id=contact.pk)) == 1
    assert statements(lambda: touch(basket.pk, contact_id=contact.pk)) == 0


def test_each_change_counts_outside_a_request(basket):
    assert statements(lambda: touch(basket.pk)) == 1
    assert statements(lambda: touch(basket.pk)) == 1


def test_touch_is_repeated_when_the_first_one_was_rolled_back(basket, in_request):
    def fail():
        with transaction.atomic():
            touch(basket.pk)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert not TrackedCart.objects.exists()

    touch(basket.pk)

    assert TrackedCart.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_touch_is_not_repeated_when_the_first_one_is_committed(basket, in_request):
    with transaction.atomic():
        touch(basket.pk)
    assert statements(lambda: touch(basket.pk)) == 0
    TrackedCart.objects.all().delete()
    with pytest.raises(RuntimeError), transaction.atomic():
        touch(basket.pk, stage=CartStage.CHECKOUT)
        raise RuntimeError
    touch(basket.pk, stage=CartStage.CHECKOUT)
    assert TrackedCart.objects.get().stage == CartStage.CHECKOUT


def test_nothing_is_raised_when_anything_is_wrong(caplog):
    touch(object(), now="yesterday")

    assert "touch failed" in caplog.text


@pytest.mark.parametrize(
    ("agent", "is_machine"),
    [
        ("Mozilla/5.0 (Macintosh) Safari/605.1", False),
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", True),
        ("Mozilla/5.0 AppleWebKit (compatible; Storebot-Google/1.0)", True),
        ("BINGPREVIEW/1.0b", True),
        ("Mozilla/5.0 (Linux; Android 10; CUBOT_NOTE_20) Chrome/86", False),
        ("CUBOT Googlebot", True),
        ("", False),
    ],
)
def test_machines_are_told_by_their_user_agent(agent, is_machine):
    assert requests.is_machine_agent(agent) is is_machine


def test_context_reaches_the_view_under_asgi():
    product = make_product()

    with CaptureQueriesContext(connection) as queries:
        response = async_to_sync(AsyncClient().post)(
            f"/basket/add/{product.pk}/", {"quantity": 1},
            headers={"user-agent": "Googlebot/2.1"},
        )  # fmt: skip

    assert response.status_code == 302
    assert len([q for q in queries if "cart_recovery" in q["sql"]]) == 1
    assert TrackedCart.objects.get().is_machine
    assert requests.current() is None
