"""Carts whose checkout failed: help goes before reminders."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cart_recovery.campaigns.planning import plan
from cart_recovery.consent.withdrawals import withdraw
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import (
    Campaign,
    CartStage,
    CartState,
    CheckoutTrouble,
    Enrolment,
    EnrolmentState,
    FollowUpState,
    LinkClick,
    Purpose,
    Reason,
    RestoreLink,
    TrackedCart,
    Trigger,
    TroubleKind,
)
from cart_recovery.restore_links.tokens import LinkRequest, create_links
from tests.factories import make_basket, make_campaign, make_cart, make_contact, make_product

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)


def failed_cart(*, ago: dt.timedelta = HOUR, **kwargs: Any) -> TrackedCart:
    """A cart left at the checkout, which had failed just before."""
    at = timezone.now() - ago
    contact = kwargs.pop("contact", None) or make_contact()
    cart = make_cart(
        make_basket(make_product()),
        contact,
        stage=CartStage.CHECKOUT,
        last_activity_at=at,
        **kwargs,
    )
    add_trouble(cart, at)
    return cart


def add_trouble(cart: TrackedCart, at: dt.datetime) -> None:
    CheckoutTrouble.objects.create(
        cart=cart, contact=cart.contact, kind=TroubleKind.PAYMENT_REFUSED, occurred_at=at
    )


def come_back(cart: TrackedCart, at: dt.datetime) -> None:
    TrackedCart.objects.filter(pk=cart.pk).update(
        state=CartState.ACTIVE, stage=CartStage.CHECKOUT, last_activity_at=at
    )


@pytest.fixture
def reminders() -> Campaign:
    return make_campaign(trigger=Trigger.CHECKOUT_ABANDONED)


@pytest.fixture
def help_() -> Campaign:
    return make_campaign(trigger=Trigger.CHECKOUT_TROUBLE)


def running() -> Enrolment:
    return Enrolment.objects.get(state=EnrolmentState.ACTIVE)


class TestWhoIsHelped:
    def test_cart_with_trouble_takes_the_campaign_for_it(
        self, reminders: Campaign, help_: Campaign
    ) -> None:
        failed_cart()
        plan(timezone.now())
        assert running().campaign == help_
        assert help_.purpose == Purpose.ORDER_STATUS

    def test_cart_without_trouble_takes_the_reminders(
        self, reminders: Campaign, help_: Campaign
    ) -> None:
        make_cart(make_basket(make_product()), make_contact(), stage=CartStage.CHECKOUT)
        plan(timezone.now())
        assert running().campaign == reminders

    def test_trouble_from_before_the_activation_is_reminded_of_as_ever(
        self, reminders: Campaign, help_: Campaign
    ) -> None:
        Campaign.objects.filter(pk=help_.pk).update(activated_at=timezone.now() - HOUR / 2)
        failed_cart()
        plan(timezone.now())
        assert running().campaign == reminders

    def test_trouble_of_long_ago_does_not_count_for_a_cart_left_now(
        self, reminders: Campaign, help_: Campaign
    ) -> None:
        cart = make_cart(make_basket(make_product()), make_contact(), stage=CartStage.CHECKOUT)
        add_trouble(cart, timezone.now() - dt.timedelta(days=8))
        plan(timezone.now())
        assert running().campaign == reminders

    def test_campaign_that_is_off_leaves_it_to_the_reminders(self, reminders: Campaign) -> None:
        make_campaign(trigger=Trigger.CHECKOUT_TROUBLE, is_active=False)
        failed_cart()
        plan(timezone.now())
        assert running().campaign == reminders

    def test_nobody_can_be_helped_whom_nobody_knows(self, help_: Campaign) -> None:
        cart = failed_cart()
        TrackedCart.objects.filter(pk=cart.pk).update(contact=None)
        plan(timezone.now())
        assert not Enrolment.objects.exists()


class TestTakingOver:
    @pytest.mark.parametrize("state", [FollowUpState.PLANNED, FollowUpState.DONE])
    def test_help_takes_over_from_reminders(self, reminders: Campaign, state: str) -> None:
        cart = make_cart(make_basket(make_product()), make_contact(), stage=CartStage.CHECKOUT)
        plan(timezone.now())
        running().followups.update(state=state)
        help_ = make_campaign(trigger=Trigger.CHECKOUT_TROUBLE)
        come_back(cart, timezone.now() - HOUR)
        add_trouble(cart, timezone.now() - HOUR)
        plan(timezone.now())
        assert running().campaign == help_
        stopped = Enrolment.objects.get(state=EnrolmentState.STOPPED)
        assert (stopped.campaign, stopped.reason) == (reminders, Reason.SUPERSEDED)
        assert not stopped.followups.filter(state=FollowUpState.PLANNED).exists()

    def test_help_comes_after_reminders_that_are_through(
        self, reminders: Campaign, help_: Campaign
    ) -> None:
        cart = make_cart(make_basket(make_product()), make_contact(), stage=CartStage.CHECKOUT)
        plan(timezone.now())
        Enrolment.objects.update(state=EnrolmentState.COMPLETED)
        come_back(cart, timezone.now() - HOUR)
        add_trouble(cart, timezone.now() - HOUR)
        plan(timezone.now())
        assert running().campaign == help_

    def test_help_is_offered_once(self, reminders: Campaign, help_: Campaign) -> None:
        cart = failed_cart()
        plan(timezone.now())
        Enrolment.objects.update(state=EnrolmentState.COMPLETED)
        come_back(cart, timezone.now() - HOUR)
        add_trouble(cart, timezone.now() - HOUR)
        result = plan(timezone.now())
        assert dict(result.left_alone) == {"already_followed_up": 1}

    def test_trouble_with_a_restored_copy_ends_the_originals_reminders(
        self, reminders: Campaign, help_: Campaign
    ) -> None:
        original = make_cart(make_basket(make_product()), make_contact(), stage=CartStage.CHECKOUT)
        plan(timezone.now())
        followup = running().followups.get()
        create_links([LinkRequest(followup.pk, original.contact_id, original.pk)], timezone.now())
        copy = failed_cart(contact=original.contact)
        LinkClick.objects.create(
            link=RestoreLink.objects.get(), visit="v", clicked_at=timezone.now(), basket=copy.basket
        )
        plan(timezone.now())
        assert (running().campaign, running().cart) == (help_, copy)
        assert Enrolment.objects.get(cart=original).reason == Reason.SUPERSEDED


def test_order_ends_it(help_: Campaign) -> None:
    cart = failed_cart()
    TrackedCart.objects.filter(pk=cart.pk).update(state=CartState.ORDERED)
    plan(timezone.now())
    assert not Enrolment.objects.exists()


def test_no_consent_is_needed_and_a_no_is_obeyed(help_: Campaign) -> None:
    asked, refused = make_contact(), make_contact()
    withdraw(refused, channel="email", purposes=[Purpose.ORDER_STATUS], source="test")
    for contact in (asked, refused):
        failed_cart(contact=contact)
    plan(timezone.now())
    deliver_due()
    states = dict(Enrolment.objects.values_list("contact", "followups__state"))
    assert states == {asked.pk: FollowUpState.DONE, refused.pk: FollowUpState.SKIPPED}


def test_one_more_query_per_batch_and_none_without_such_a_campaign(reminders: Campaign) -> None:
    def run(size: int) -> int:
        for _n in range(size):
            failed_cart()
        with CaptureQueriesContext(connection) as queries:
            assert plan(timezone.now()).enrolled == size
        return len(queries)

    run(1)
    without = run(3)
    make_campaign(trigger=Trigger.CHECKOUT_TROUBLE)
    assert run(3) == run(20) == without + 1
