"""From due follow-ups to provider calls: what goes out, what does not, and what is kept of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cart_recovery.channels.base import Outcome, OutcomeKind, OutgoingMessage
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.consent import suppression, withdrawals
from cart_recovery.delivery.followups import release_stale
from cart_recovery.delivery.outbox import give_up_stuck
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import (
    CartState,
    ChannelStatus,
    ConsentAction,
    Contact,
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    Incentive,
    IncentiveKind,
    Message,
    MessageState,
    Purpose,
    Reason,
    Suppression,
)
from cart_recovery.provider_events import SuppressionReason
from tests.checkout import place_order_as_guest
from tests.factories import (
    make_basket,
    make_campaign,
    make_consent,
    make_contact,
    make_followup,
    make_product,
    make_user,
)

pytestmark = pytest.mark.django_db(transaction=True)


def ready_followup(**kwargs: Any) -> FollowUp:
    """A due follow-up whose contact has agreed to e-mail."""
    kwargs.setdefault("contact", make_consent(make_contact()))
    return make_followup(**kwargs)


def reason_of(followup: FollowUp) -> tuple[str, str]:
    followup.refresh_from_db()
    return followup.state, followup.reason


class TestSending:
    def test_message_goes_out_when_due_and_permitted(self) -> None:
        product = make_product("Kaffeemühle", price="39.90")
        followup = ready_followup(basket=make_basket(product, quantity=2))
        result = deliver_due()
        (sent,) = LocmemChannel.outbox
        assert sent.to == followup.enrolment.contact.email
        assert "Kaffeemühle" in sent.html
        assert "79,80" in sent.html
        assert "Kaffeemühle" in sent.text
        assert "List-Unsubscribe" in sent.headers
        message = Message.objects.get(followup=followup)
        assert message.state == MessageState.SENT
        assert message.provider_message_id == f"locmem-{message.public_id}"
        assert message.sent_at is not None
        assert result.messages == {"sent": 1}
        assert reason_of(followup) == (FollowUpState.DONE, "")

    def test_nothing_goes_out_when_not_due(self) -> None:
        ready_followup(due_at=timezone.now() + dt.timedelta(minutes=1))
        assert deliver_due().claimed == 0
        assert LocmemChannel.outbox == []

    def test_second_run_sends_nothing_more(self) -> None:
        ready_followup()
        deliver_due()
        deliver_due()
        assert len(LocmemChannel.outbox) == 1

    def test_next_step_is_planned_from_the_clock(self) -> None:
        campaign = make_campaign(delays=(dt.timedelta(hours=1), dt.timedelta(hours=24)))
        followup = ready_followup(campaign=campaign)
        deliver_due()
        following = followup.enrolment.followups.exclude(pk=followup.pk).get()
        assert following.state == FollowUpState.PLANNED
        assert following.planned_for == followup.enrolment.clock_at + dt.timedelta(hours=24)

    def test_enrolment_is_completed_after_the_last_step(self) -> None:
        followup = ready_followup()
        deliver_due()
        followup.enrolment.refresh_from_db()
        assert followup.enrolment.state == EnrolmentState.COMPLETED

    def test_late_step_keeps_its_distance_from_the_next(self) -> None:
        campaign = make_campaign(delays=(dt.timedelta(0), dt.timedelta(hours=2)))
        late = timezone.now() - dt.timedelta(hours=11)
        followup = ready_followup(campaign=campaign, due_at=late)
        Enrolment.objects.update(clock_at=late)
        followup.enrolment.cart.last_activity_at = late
        followup.enrolment.cart.save()
        deliver_due()
        following = followup.enrolment.followups.exclude(pk=followup.pk).get()
        assert following.due_at >= timezone.now() + dt.timedelta(minutes=59)

    def test_voucher_is_in_the_message_when_the_step_has_an_incentive(self) -> None:
        campaign = make_campaign()
        step = campaign.steps.get()
        step.incentive = Incentive.objects.create(
            name="Zehn",
            kind=IncentiveKind.PERCENTAGE,
            value=Decimal(10),
            valid_for=dt.timedelta(days=7),
        )
        step.save()
        step.variants.update(template_code="abandoned-basket-2")
        followup = ready_followup(campaign=campaign)
        deliver_due()
        followup.refresh_from_db()
        assert followup.voucher_grant.code in LocmemChannel.outbox[0].html

    def test_sms_goes_to_the_number_when_the_step_says_sms(self) -> None:
        campaign = make_campaign(channels=("sms",))
        campaign.steps.get().variants.update(template_code="abandoned-basket-2")
        contact = make_consent(make_contact(phone="+4915112345678"), "sms")
        ready_followup(contact=contact, campaign=campaign)
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert (sent.to, sent.html) == ("+4915112345678", "")
        assert Message.objects.get().sms_parts >= 1

    def test_language_of_the_cart_is_spoken(self) -> None:
        followup = ready_followup()
        followup.enrolment.cart.language = "en"
        followup.enrolment.cart.save()
        deliver_due()
        assert LocmemChannel.outbox[0].language == "en"
        assert 'lang="en"' in LocmemChannel.outbox[0].html


class TestPermission:
    """Promise 2: never without permission, read at the moment of sending."""

    def test_nothing_goes_out_without_consent(self) -> None:
        followup = make_followup()
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup) == (FollowUpState.SKIPPED, Reason.NO_CONSENT)

    def test_nothing_goes_out_after_a_withdrawal(self) -> None:
        followup = ready_followup()
        withdrawals.withdraw(followup.enrolment.contact, channel="email", source="test")
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup) == (FollowUpState.SKIPPED, Reason.NO_CONSENT)

    def test_consent_for_another_purpose_does_not_count(self) -> None:
        contact = make_consent(make_contact(), purpose=Purpose.REVIEW_REQUEST)
        followup = make_followup(contact=contact)
        deliver_due()
        assert reason_of(followup)[1] == Reason.NO_CONSENT

    def test_consent_for_another_channel_does_not_count(self) -> None:
        contact = make_consent(make_contact(phone="+4915112345678"), "sms")
        followup = make_followup(contact=contact)
        deliver_due()
        assert reason_of(followup)[1] == Reason.NO_CONSENT

    def test_consent_does_not_move_to_a_new_address(self) -> None:
        followup = ready_followup()
        Contact.objects.filter(pk=followup.enrolment.contact_id).update(
            email="neu@example.de", email_key="neu@example.de"
        )
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup)[1] == Reason.NO_CONSENT

    def test_nothing_goes_to_a_suppressed_address(self) -> None:
        followup = ready_followup()
        suppression.suppress(
            "email", "email", followup.enrolment.contact.email,
            reason=SuppressionReason.HARD_BOUNCE, source="test",
        )  # fmt: skip
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup) == (FollowUpState.SKIPPED, Reason.SUPPRESSED)

    def test_other_channel_is_taken_when_the_drawn_one_is_not_permitted(self) -> None:
        campaign = make_campaign(channels=("email", "sms"))
        variants = campaign.steps.get().variants
        variants.update(template_code="abandoned-basket-2")
        # chance draws the mail, as good as always
        variants.filter(channel="email").update(weight=1000)
        variants.filter(channel="sms").update(weight=1)
        for n in range(8):
            contact = make_consent(make_contact(phone=f"+491511234560{n}"), "sms")
            make_followup(contact=contact, campaign=campaign)
        deliver_due()
        assert {m.channel for m in LocmemChannel.outbox} == {"sms"}
        assert len(LocmemChannel.outbox) == 8
        reasons = set(FollowUp.objects.values_list("choice_reason", flat=True))
        assert "fallback: email no_consent" in reasons

    def test_withdrawal_between_claim_and_call_is_obeyed(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        followup = ready_followup()
        happens_after_the_outbox(
            monkeypatch,
            lambda: withdrawals.withdraw(
                followup.enrolment.contact, channel="email", source="test"
            ),
        )
        deliver_due()
        assert LocmemChannel.outbox == []
        message = Message.objects.get()
        assert (message.state, message.reason) == (MessageState.WITHDRAWN, Reason.NO_CONSENT)


class TestAfterThePurchase:
    """Promise 1: an order by the same person ends everything that is planned."""

    @pytest.mark.parametrize("email", ["anna@example.de", "Anna@Example.DE"])
    def test_guest_order_in_another_basket_ends_it_whatever_the_spelling(
        self, client: Any, email: str
    ) -> None:
        followup = ready_followup(contact=make_consent(make_contact("anna@example.de")))
        place_order_as_guest(client, make_product(), email=email)
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup)[1] == Reason.BOUGHT

    def test_order_with_the_same_phone_ends_it(self, client: Any) -> None:
        contact = make_consent(make_contact("anna@example.de", phone="+4915112345678"))
        followup = ready_followup(contact=contact)
        place_order_as_guest(
            client, make_product(), email="andere@example.de", phone="+4915112345678"
        )
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup)[1] == Reason.BOUGHT

    def test_order_without_any_signal_is_seen(self, client: Any) -> None:
        from oscar.core.loading import get_model

        user = make_user()
        contact = make_consent(make_contact(user.email, user=user))
        followup = ready_followup(contact=contact)
        order = place_order_as_guest(client, make_product(), email="x@example.de")
        # an import or an API that creates orders without OrderCreator
        get_model("order", "Order").objects.filter(pk=order.pk).update(user=user, guest_email="")
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup)[1] == Reason.BOUGHT

    def test_order_between_outbox_and_call_withdraws_the_message(
        self, client: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ready_followup(contact=make_consent(make_contact("anna@example.de")))
        happens_after_the_outbox(
            monkeypatch,
            lambda: place_order_as_guest(client, make_product(), email="anna@example.de"),
        )
        deliver_due()
        assert LocmemChannel.outbox == []
        message = Message.objects.get()
        assert (message.state, message.reason) == (MessageState.WITHDRAWN, Reason.BOUGHT)

    def test_order_of_somebody_else_changes_nothing(self, client: Any) -> None:
        ready_followup(contact=make_consent(make_contact("anna@example.de")))
        place_order_as_guest(client, make_product(), email="bernd@example.de")
        deliver_due()
        assert len(LocmemChannel.outbox) == 1

    def test_what_was_bought_before_is_not_offered_again(self, client: Any) -> None:
        bought, wanted = make_product("Schon gekauft"), make_product("Noch nicht")
        basket, anna = make_basket(bought, wanted), make_consent(make_contact("anna@example.de"))
        place_order_as_guest(client, bought, email="anna@example.de")
        # she came back to the older basket after that order, and left it again
        followup = ready_followup(contact=anna, basket=basket)
        cart = followup.enrolment.cart
        cart.created_at = timezone.now() - dt.timedelta(hours=3)
        cart.last_activity_at = timezone.now()
        cart.save()
        Enrolment.objects.update(clock_at=cart.last_activity_at)
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert "Noch nicht" in sent.html
        assert "Schon gekauft" not in sent.html


class TestCart:
    @pytest.mark.parametrize(
        ("state", "reason"),
        [
            (CartState.ORDERED, Reason.BOUGHT),
            (CartState.EMPTIED, Reason.EMPTIED),
            (CartState.MERGED, Reason.BASKET_MERGED),
            (CartState.DELETED, Reason.BASKET_GONE),
            (CartState.EXCLUDED, Reason.LEFT_OUT),
        ],
    )
    def test_closed_cart_ends_the_enrolment(self, state: str, reason: Reason) -> None:
        followup = ready_followup()
        followup.enrolment.cart.state = state
        followup.enrolment.cart.save()
        deliver_due()
        assert reason_of(followup) == (FollowUpState.SKIPPED, reason)
        followup.enrolment.refresh_from_db()
        assert (followup.enrolment.state, followup.enrolment.reason) == (
            EnrolmentState.STOPPED, reason,
        )  # fmt: skip

    def test_active_cart_waits_for_the_restarted_clock(self) -> None:
        followup = ready_followup()
        cart = followup.enrolment.cart
        cart.state, cart.last_activity_at = CartState.ACTIVE, timezone.now()
        cart.save()
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup) == (FollowUpState.PLANNED, Reason.CART_ACTIVE)
        assert followup.due_at >= cart.last_activity_at + dt.timedelta(minutes=29)

    def test_empty_basket_is_never_advertised(self) -> None:
        followup = ready_followup(basket=make_basket())
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup)[1] == Reason.EMPTIED

    def test_basket_in_which_nothing_can_be_bought_is_skipped(self) -> None:
        product = make_product(stock=5)
        followup = ready_followup(basket=make_basket(product))
        product.stockrecords.update(num_in_stock=0)
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup)[1] == Reason.NOTHING_BUYABLE

    def test_price_and_stock_are_those_of_the_moment_of_sending(self) -> None:
        product = make_product(price="10.00")
        ready_followup(basket=make_basket(product))
        product.stockrecords.update(price=Decimal("12.50"))
        deliver_due()
        assert "12,50" in LocmemChannel.outbox[0].html
        assert "10,00" not in LocmemChannel.outbox[0].html

    def test_deleted_product_does_not_break_the_batch(self) -> None:
        gone, kept = make_product("Weg"), make_product("Da")
        followup = ready_followup(basket=make_basket(gone, kept))
        ready_followup()
        gone.delete()
        deliver_due()
        assert len(LocmemChannel.outbox) == 2
        assert "Da" in next(
            m.html for m in LocmemChannel.outbox if m.to == followup.enrolment.contact.email
        )

    def test_too_late_step_is_missed_not_sent(self) -> None:
        followup = ready_followup(due_at=timezone.now() - dt.timedelta(hours=13))
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup) == (FollowUpState.MISSED, Reason.MISSED)

    def test_campaign_switched_off_ends_what_is_planned(self) -> None:
        followup = ready_followup()
        campaign = followup.enrolment.campaign
        campaign.is_active = False
        campaign.save()
        deliver_due()
        assert reason_of(followup)[1] == Reason.CAMPAIGN_OFF


class TestProviderAnswers:
    @pytest.mark.parametrize(
        ("kind", "state", "followup_state"),
        [
            (OutcomeKind.PERMANENT, MessageState.FAILED, FollowUpState.DONE),
            (OutcomeKind.UNKNOWN, MessageState.UNKNOWN, FollowUpState.DONE),
            (OutcomeKind.RETRY_SAFE, MessageState.RETRY, FollowUpState.PLANNED),
            (OutcomeKind.CONFIGURATION, MessageState.RETRY, FollowUpState.PLANNED),
        ],
    )
    def test_answer_decides_what_becomes_of_the_message(
        self, kind: OutcomeKind, state: str, followup_state: str
    ) -> None:
        followup = ready_followup()
        LocmemChannel.answers.append(Outcome(kind, code="x", detail="warum"))
        deliver_due()
        message = Message.objects.get()
        assert message.state == state
        assert message.detail == "x warum"
        assert reason_of(followup)[0] == followup_state

    def test_unknown_outcome_is_never_sent_again(self) -> None:
        ready_followup()
        LocmemChannel.answers.append(Outcome(OutcomeKind.UNKNOWN))
        deliver_due()
        FollowUp.objects.update(due_at=timezone.now() - dt.timedelta(minutes=1))
        release_stale(timezone.now() + dt.timedelta(hours=1))
        deliver_due()
        assert LocmemChannel.outbox == []

    def test_report_after_a_retryable_answer_ends_the_follow_up_without_a_second_call(self) -> None:
        followup = ready_followup()
        LocmemChannel.answers.append(Outcome(OutcomeKind.RETRY_SAFE, code="429"))
        deliver_due()
        Message.objects.update(state=MessageState.DELIVERED)
        FollowUp.objects.filter(pk=followup.pk).update(due_at=timezone.now())
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup)[0] == FollowUpState.DONE

    def test_safe_retry_uses_the_same_row_and_goes_out_once(self) -> None:
        followup = ready_followup()
        LocmemChannel.answers.append(Outcome(OutcomeKind.RETRY_SAFE, code="429"))
        deliver_due()
        FollowUp.objects.filter(pk=followup.pk).update(due_at=timezone.now())
        deliver_due()
        message = Message.objects.get()
        assert (message.state, message.attempts) == (MessageState.SENT, 2)
        assert len(LocmemChannel.outbox) == 1

    def test_retries_end_after_the_permitted_attempts(self) -> None:
        followup = ready_followup()
        with override_settings(CART_RECOVERY={**_project_settings(), "MAX_ATTEMPTS": 2}):
            for _attempt in range(4):
                LocmemChannel.answers[:] = [Outcome(OutcomeKind.RETRY_SAFE, code="429")]
                FollowUp.objects.filter(state=FollowUpState.PLANNED).update(due_at=timezone.now())
                deliver_due()
        message = Message.objects.get()
        assert (message.state, message.reason, message.attempts) == (
            MessageState.FAILED, Reason.GAVE_UP, 2,
        )  # fmt: skip
        assert reason_of(followup)[0] == FollowUpState.DONE

    def test_refused_key_pauses_the_channel_and_keeps_the_messages(self) -> None:
        followup = ready_followup()
        LocmemChannel.answers.append(Outcome(OutcomeKind.CONFIGURATION, code="401"))
        deliver_due()
        status = ChannelStatus.objects.get(channel="email")
        assert status.paused_at is not None
        FollowUp.objects.update(due_at=timezone.now())
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(followup) == (FollowUpState.PLANNED, Reason.CHANNEL_PAUSED)

    def test_messages_go_out_after_the_channel_is_resumed(self) -> None:
        from cart_recovery.delivery.pausing import resume

        ready_followup()
        LocmemChannel.answers.append(Outcome(OutcomeKind.CONFIGURATION, code="401"))
        deliver_due()
        resume("email")
        FollowUp.objects.update(due_at=timezone.now())
        deliver_due()
        assert len(LocmemChannel.outbox) == 1

    def test_rate_limit_is_obeyed_before_the_next_call(self) -> None:
        ready_followup()
        LocmemChannel.answers.append(
            Outcome(OutcomeKind.RETRY_SAFE, code="rate_limited", retry_after=120)
        )
        deliver_due()
        other = ready_followup()
        deliver_due()
        assert LocmemChannel.outbox == []
        assert reason_of(other) == (FollowUpState.PLANNED, Reason.CHANNEL_PAUSED)
        assert other.due_at > timezone.now() + dt.timedelta(seconds=100)

    def test_blocked_address_is_suppressed_at_once(self) -> None:
        followup = ready_followup()
        LocmemChannel.answers.append(
            Outcome(OutcomeKind.PERMANENT, code="21610", suppress=SuppressionReason.CARRIER_BLOCK)
        )
        deliver_due()
        assert Suppression.objects.get().reason == SuppressionReason.CARRIER_BLOCK
        later = make_followup(contact=followup.enrolment.contact)
        deliver_due()
        assert reason_of(later)[1] == Reason.SUPPRESSED

    def test_one_poisoned_recipient_does_not_hold_up_the_others(self) -> None:
        for _n in range(5):
            ready_followup()
        LocmemChannel.answers.append(RuntimeError("kaputt"))
        deliver_due()
        assert len(LocmemChannel.outbox) == 4
        states = sorted(Message.objects.values_list("state", flat=True))
        assert states == ["sent"] * 4 + ["unknown"]

    def test_broken_template_fails_alone_with_its_reason(self) -> None:
        from cart_recovery.models import MessageTemplate

        campaign = make_campaign()
        campaign.steps.get().variants.update(template_code="kaputt")
        for language in ("de", "en"):
            MessageTemplate.objects.create(
                code="kaputt", channel="email", language=language, subject="x", text="{{ nix }}"
            )
        broken = ready_followup(campaign=campaign)
        ready_followup()
        deliver_due()
        assert len(LocmemChannel.outbox) == 1
        assert reason_of(broken) == (FollowUpState.SKIPPED, Reason.TEMPLATE_ERROR)


class TestNeverTwice:
    """Promise 3, as far as one process can show it; tests/queue kills real workers."""

    def test_crash_after_the_outbox_leaves_an_unknown_message(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        followup = ready_followup()

        def die() -> None:
            raise KeyboardInterrupt

        happens_after_the_outbox(monkeypatch, die)
        with pytest.raises(KeyboardInterrupt):
            deliver_due()
        monkeypatch.undo()
        assert Message.objects.get().state == MessageState.SENDING
        deliver_due()
        later = timezone.now() + dt.timedelta(minutes=10)
        assert give_up_stuck(later) == 1
        release_stale(later)
        deliver_due(clock=lambda: later)
        message = Message.objects.get()
        assert (message.state, message.reason) == (MessageState.UNKNOWN, Reason.WORKER_DIED)
        assert LocmemChannel.outbox == []
        assert reason_of(followup)[0] == FollowUpState.DONE

    def test_crash_before_the_outbox_is_caught_up_once(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ready_followup()
        monkeypatch.setattr("cart_recovery.delivery.pipeline.compose", _raiser(KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt):
            deliver_due()
        monkeypatch.undo()
        assert deliver_due().claimed == 0
        assert release_stale(timezone.now() + dt.timedelta(minutes=6)) == 1
        deliver_due()
        assert len(LocmemChannel.outbox) == 1

    def test_stolen_claim_sends_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A worker so slow that its lease ran out finds its work taken over."""
        ready_followup()
        from cart_recovery.delivery import pipeline

        original = pipeline.compose

        def slow(*args: Any) -> Any:
            composition = original(*args)
            monkeypatch.setattr("cart_recovery.delivery.pipeline.compose", original)
            release_stale(timezone.now() + dt.timedelta(hours=1))
            deliver_due()
            return composition

        monkeypatch.setattr("cart_recovery.delivery.pipeline.compose", slow)
        deliver_due()
        assert len(LocmemChannel.outbox) == 1
        assert Message.objects.count() == 1


class TestQueries:
    def test_number_of_queries_does_not_depend_on_the_batch(self) -> None:
        def run(size: int) -> int:
            campaign = make_campaign(delays=(dt.timedelta(0), dt.timedelta(hours=1)))
            step = campaign.steps.first()
            assert step is not None
            step.incentive = Incentive.objects.create(
                name="Zehn", kind=IncentiveKind.PERCENTAGE, value=Decimal(10),
                valid_for=dt.timedelta(days=7),
            )  # fmt: skip
            step.save()
            for _n in range(size):
                ready_followup(
                    campaign=campaign, basket=make_basket(make_product(), make_product())
                )
            with CaptureQueriesContext(
                connection,
            ) as queries:
                result = deliver_due()
            assert result.messages == {"sent": size}
            return len(queries)

        run(1)  # fills caches
        assert run(3) == run(40)


def happens_after_the_outbox(monkeypatch: pytest.MonkeyPatch, what: Callable[[], Any]) -> None:
    """Let something happen between the committed outbox and the last look."""
    from cart_recovery.delivery import outbox

    original = outbox.open_calls

    def opened(*args: Any, **kwargs: Any) -> Any:
        drafts = original(*args, **kwargs)
        what()
        return drafts

    monkeypatch.setattr("cart_recovery.delivery.outbox.open_calls", opened)


def _raiser(error: BaseException) -> Callable[..., Any]:
    def raise_it(*args: Any) -> Any:
        raise error

    return raise_it


def _project_settings() -> dict[str, Any]:
    from django.conf import settings

    return dict(settings.CART_RECOVERY)


def test_consent_action_is_what_the_factory_writes() -> None:
    contact = make_consent(make_contact())
    assert contact.consent_states.get().action == ConsentAction.GRANTED


def test_outgoing_message_tells_the_provider_nothing_about_the_person() -> None:
    followup = ready_followup()
    deliver_due()
    (sent,) = LocmemChannel.outbox
    assert isinstance(sent, OutgoingMessage)
    contact = followup.enrolment.contact
    for value in (sent.key, sent.callback_url):
        assert contact.email not in value
        assert str(contact.pk) != value
