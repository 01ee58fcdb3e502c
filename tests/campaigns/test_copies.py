"""A basket restored elsewhere is the same shopping: one series, one clock, one end."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from cart_recovery.campaigns.planning import plan
from cart_recovery.campaigns.stopping import stop_for_order
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import (
    CartState,
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    LinkClick,
    Reason,
    RestoreLink,
    TrackedCart,
)
from tests.checkout import place_order_as_guest
from tests.factories import (
    make_basket,
    make_cart,
    make_consent,
    make_contact,
    make_followup,
    make_product,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty_outbox() -> None:
    LocmemChannel.reset()


def restored_copy(followup: FollowUp, basket: object | None = None) -> TrackedCart:
    """The tracked cart of a basket that a link of the follow-up's cart filled an hour ago."""
    now = timezone.now()
    cart, contact = followup.enrolment.cart, followup.enrolment.contact
    copy = make_cart(
        basket or make_basket(make_product()), contact, state=CartState.ABANDONED,
        last_activity_at=cart.last_activity_at,
    )  # fmt: skip
    link = RestoreLink.objects.create(
        token_hash="x" * 64, contact=contact, cart=cart, created_at=now,
        expires_at=now + dt.timedelta(days=1),
    )  # fmt: skip
    LinkClick.objects.create(link=link, visit="v", clicked_at=now, basket=copy.basket)
    return copy


def ready() -> FollowUp:
    return make_followup(contact=make_consent(make_contact()))


def test_copy_is_not_followed_up_beside_its_original() -> None:
    followup = ready()
    copy = restored_copy(followup)
    TrackedCart.objects.filter(pk=copy.pk).update(
        state=CartState.ACTIVE, last_activity_at=timezone.now() - dt.timedelta(minutes=40)
    )
    result = plan(timezone.now())
    assert dict(result.left_alone) == {"restored_copy": 1}
    assert Enrolment.objects.get().cart == followup.enrolment.cart


def test_original_takes_the_clock_of_its_copy() -> None:
    followup = ready()
    copy = restored_copy(followup)
    back = timezone.now() - dt.timedelta(minutes=40)
    TrackedCart.objects.filter(pk=copy.pk).update(state=CartState.ACTIVE, last_activity_at=back)
    plan(timezone.now())
    followup.refresh_from_db()
    assert followup.enrolment.clock_at == back
    assert followup.due_at == back + followup.step.delay


def test_nothing_is_sent_while_the_copy_is_in_use() -> None:
    followup = ready()
    copy = restored_copy(followup)
    TrackedCart.objects.filter(pk=copy.pk).update(
        state=CartState.ACTIVE, last_activity_at=timezone.now()
    )
    deliver_due()
    followup.refresh_from_db()
    assert LocmemChannel.outbox == []
    assert (followup.state, followup.reason) == (FollowUpState.PLANNED, Reason.CART_ACTIVE)


def test_order_of_the_copy_under_another_address_ends_the_original(client: object) -> None:
    followup = ready()
    order = place_order_as_guest(client, make_product(), email="ganz-anders@example.de")
    TrackedCart.objects.filter(basket=order.basket).delete()
    restored_copy(followup, order.basket)
    deliver_due()
    assert LocmemChannel.outbox == []
    followup.refresh_from_db()
    assert followup.reason == Reason.BOUGHT


def test_order_of_the_copy_stops_the_plan_at_once(client: object) -> None:
    followup = ready()
    order = place_order_as_guest(client, make_product(), email="ganz-anders@example.de")
    TrackedCart.objects.filter(basket=order.basket).delete()
    restored_copy(followup, order.basket)
    assert stop_for_order(order.pk, timezone.now()) == 1
    enrolment = Enrolment.objects.get()
    assert (enrolment.state, enrolment.reason) == (EnrolmentState.STOPPED, Reason.BOUGHT)


def test_order_without_a_basket_stops_nobody_else(client: object) -> None:
    followup = ready()
    TrackedCart.objects.filter(pk=followup.enrolment.cart_id).update(basket=None)
    order = place_order_as_guest(client, make_product(), email="fremd@example.de")
    type(order).objects.filter(pk=order.pk).update(basket=None)
    assert stop_for_order(order.pk, timezone.now()) == 0
