"""From idle carts to enrolments: cut-off, age, restart of the clock, no step twice."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cart_recovery import signals
from cart_recovery.campaigns.planning import plan
from cart_recovery.carts import tracking
from cart_recovery.models import (
    CartStage,
    CartState,
    Contact,
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    Reason,
    TrackedCart,
    Trigger,
)
from tests.factories import make_basket, make_campaign, make_cart, make_contact, make_product

pytestmark = pytest.mark.django_db

HOUR = dt.timedelta(hours=1)
TWO_STEPS = (HOUR, 24 * HOUR)


def idle_cart(
    contact: Contact | None = None, *, idle_for: dt.timedelta = HOUR, **kwargs: Any
) -> TrackedCart:
    return make_cart(
        make_basket(make_product()), contact or make_contact(),
        last_activity_at=timezone.now() - idle_for, **kwargs,
    )  # fmt: skip


class TestEnrolment:
    def test_idle_cart_is_enrolled_with_its_first_step(self) -> None:
        campaign = make_campaign(delays=TWO_STEPS)
        cart = idle_cart()
        result = plan(timezone.now())
        enrolment = Enrolment.objects.get()
        assert (enrolment.campaign, enrolment.cart, enrolment.contact) == (
            campaign,
            cart,
            cart.contact,
        )
        followup = enrolment.followups.get()
        assert followup.step.position == 1
        assert followup.due_at == cart.last_activity_at + HOUR
        assert (result.abandoned, result.enrolled) == (1, 1)

    def test_busy_cart_is_left_alone(self) -> None:
        make_campaign()
        idle_cart(idle_for=dt.timedelta(minutes=29))
        assert plan(timezone.now()).abandoned == 0
        assert not Enrolment.objects.exists()

    def test_cart_without_contact_is_never_enrolled(self) -> None:
        make_campaign()
        make_cart(make_basket(make_product()))
        plan(timezone.now())
        assert not Enrolment.objects.exists()

    def test_checkout_cart_takes_the_checkout_campaign(self) -> None:
        make_campaign()
        checkout = make_campaign(trigger=Trigger.CHECKOUT_ABANDONED)
        idle_cart(stage=CartStage.CHECKOUT)
        plan(timezone.now())
        assert Enrolment.objects.get().campaign == checkout

    def test_checkout_cart_falls_back_to_the_basket_campaign(self) -> None:
        basket = make_campaign()
        idle_cart(stage=CartStage.CHECKOUT)
        plan(timezone.now())
        assert Enrolment.objects.get().campaign == basket

    def test_first_campaign_by_priority_wins_alone(self) -> None:
        make_campaign(priority=50)
        first = make_campaign(priority=10)
        idle_cart()
        plan(timezone.now())
        assert Enrolment.objects.get().campaign == first

    def test_planning_again_changes_nothing(self) -> None:
        make_campaign()
        idle_cart()
        plan(timezone.now())
        assert plan(timezone.now()).enrolled == 0
        assert FollowUp.objects.count() == 1

    def test_shop_hears_of_abandoned_carts(self, django_capture_on_commit_callbacks: Any) -> None:
        heard: list[TrackedCart] = []

        def listen(carts: list[TrackedCart], **kwargs: Any) -> None:
            heard.extend(carts)

        signals.carts_abandoned.connect(listen)
        cart = idle_cart()
        with django_capture_on_commit_callbacks(execute=True):
            plan(timezone.now())
        signals.carts_abandoned.disconnect(listen)
        assert heard == [cart]


class TestCutOff:
    """S8 and PAINS 6: switching a campaign on never mails last year's baskets."""

    def test_old_carts_are_not_mailed_when_a_campaign_is_switched_on(self) -> None:
        campaign = make_campaign(is_active=False)
        for days in (0, 1, 3, 400):
            idle_cart(idle_for=dt.timedelta(days=days, hours=1))
        campaign.is_active = True
        campaign.save()
        result = plan(timezone.now())
        assert not Enrolment.objects.exists()
        assert dict(result.left_alone) == {Reason.BEFORE_ACTIVATION: 4}

    def test_switching_off_and_on_sets_the_cut_off_anew(self) -> None:
        campaign = make_campaign()
        before = campaign.activated_at
        assert before is not None
        campaign.is_active = False
        campaign.save()
        assert campaign.activated_at is None
        campaign.is_active = True
        campaign.save(update_fields=["is_active"])
        campaign.refresh_from_db()
        assert campaign.activated_at is not None
        assert campaign.activated_at > before

    def test_cart_beyond_the_maximum_age_is_left_alone(self) -> None:
        make_campaign(max_age=dt.timedelta(days=2))
        idle_cart(idle_for=dt.timedelta(days=3))
        result = plan(timezone.now())
        assert dict(result.left_alone) == {Reason.MISSED: 1}

    def test_nothing_is_planned_when_no_campaign_is_active(self) -> None:
        make_campaign(is_active=False)
        idle_cart()
        assert dict(plan(timezone.now()).left_alone) == {Reason.CAMPAIGN_OFF: 1}


class TestComingBack:
    def test_clock_restarts_and_unsent_steps_wait(self) -> None:
        make_campaign(delays=TWO_STEPS)
        cart = idle_cart()
        plan(timezone.now())
        back = timezone.now() - dt.timedelta(minutes=40)
        TrackedCart.objects.filter(pk=cart.pk).update(state=CartState.ACTIVE, last_activity_at=back)
        result = plan(timezone.now())
        assert result.restarted == 1
        followup = FollowUp.objects.get()
        assert followup.due_at == followup.planned_for == back + HOUR

    def test_sent_step_is_not_repeated(self) -> None:
        make_campaign(delays=TWO_STEPS)
        cart = idle_cart()
        plan(timezone.now())
        FollowUp.objects.update(state=FollowUpState.DONE)
        TrackedCart.objects.filter(pk=cart.pk).update(
            state=CartState.ACTIVE, last_activity_at=timezone.now() - HOUR
        )
        plan(timezone.now())
        assert FollowUp.objects.filter(state=FollowUpState.PLANNED).count() == 0
        assert FollowUp.objects.count() == 1

    def test_completed_enrolment_is_not_begun_again(self) -> None:
        make_campaign()
        cart = idle_cart()
        plan(timezone.now())
        Enrolment.objects.update(state=EnrolmentState.COMPLETED)
        TrackedCart.objects.filter(pk=cart.pk).update(state=CartState.ACTIVE)
        assert dict(plan(timezone.now()).left_alone) == {"already_followed_up": 1}

    def test_checkout_takes_over_while_nothing_was_sent(self) -> None:
        make_campaign()
        checkout = make_campaign(trigger=Trigger.CHECKOUT_ABANDONED)
        cart = idle_cart()
        plan(timezone.now())
        TrackedCart.objects.filter(pk=cart.pk).update(
            state=CartState.ACTIVE, stage=CartStage.CHECKOUT
        )
        plan(timezone.now())
        running = Enrolment.objects.get(state=EnrolmentState.ACTIVE)
        assert running.campaign == checkout
        stopped = Enrolment.objects.get(state=EnrolmentState.STOPPED)
        assert stopped.reason == Reason.SUPERSEDED
        assert stopped.followups.get().state == FollowUpState.CANCELLED

    def test_second_abandonment_after_a_purchase_starts_afresh(self) -> None:
        """PAINS 21."""
        make_campaign()
        contact = make_contact()
        first = idle_cart(contact)
        plan(timezone.now())
        TrackedCart.objects.filter(pk=first.pk).update(state=CartState.ORDERED)
        Enrolment.objects.update(state=EnrolmentState.STOPPED, reason=Reason.BOUGHT)
        second = idle_cart(contact)
        plan(timezone.now())
        assert Enrolment.objects.get(state=EnrolmentState.ACTIVE).cart == second


def test_number_of_queries_does_not_depend_on_the_batch() -> None:
    make_campaign()

    def run(size: int) -> int:
        for _n in range(size):
            idle_cart()
        with CaptureQueriesContext(connection) as queries:
            assert plan(timezone.now()).enrolled == size
        return len(queries)

    run(1)
    assert run(2) == run(30)


def test_touch_is_the_activity_that_planning_sees() -> None:
    make_campaign()
    basket = make_basket(make_product())
    tracking.touch(basket.pk, contact_id=make_contact().pk, now=timezone.now() - HOUR)
    assert plan(timezone.now()).enrolled == 1
