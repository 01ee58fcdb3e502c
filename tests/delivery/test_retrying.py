"""Staff may send failed messages on their way again; nothing may arrive twice by it (promise 3)."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cart_recovery.campaigns.planning import stop_by_id
from cart_recovery.channels.base import Outcome, OutcomeKind
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.delivery.cancelling import CancelObstacle, cancel, obstacle_to
from cart_recovery.delivery.outbox import end_idle_retries
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.delivery.retrying import RetryObstacle, examine, retry
from cart_recovery.models import (
    Campaign,
    DeliveryEvent,
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    Message,
    MessageState,
    Reason,
)
from tests.factories import make_campaign, make_consent, make_contact, make_followup

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _empty_outbox() -> None:
    LocmemChannel.reset()


def fail(monkeypatch: Any, *, delays: tuple[int, ...] = (0,)) -> Message:
    """A message that the provider refused."""
    campaign = make_campaign(delays=tuple(dt.timedelta(hours=h) for h in delays))
    make_followup(contact=make_consent(make_contact()), campaign=campaign)
    with monkeypatch.context() as patch:
        patch.setattr(
            LocmemChannel, "send",
            lambda self, messages: [Outcome(OutcomeKind.PERMANENT, code="400")] * len(messages),
        )  # fmt: skip
        deliver_due()
    message = Message.objects.get()
    assert (message.state, message.reason) == (MessageState.FAILED, Reason.PROVIDER_REFUSED)
    return message


def obstacle(message: Message) -> RetryObstacle | None:
    message.refresh_from_db()
    (outlook,) = examine([message], timezone.now())
    return outlook.obstacle


def test_refused_message_goes_out_once_after_the_repair(monkeypatch: Any) -> None:
    message = fail(monkeypatch)
    assert obstacle(message) is None
    assert retry([message], timezone.now()) == [message.pk]
    assert retry([message], timezone.now()) == []
    deliver_due()
    deliver_due()
    message.refresh_from_db()
    assert message.state == MessageState.SENT
    assert len(LocmemChannel.outbox) == 1
    assert Enrolment.objects.get().state == EnrolmentState.COMPLETED


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (state, reason)
        for state in MessageState.values
        for reason in (Reason.PROVIDER_REFUSED, Reason.GAVE_UP, Reason.REPORTED, "")
        if (state, reason) not in
        {("failed", Reason.PROVIDER_REFUSED), ("failed", Reason.GAVE_UP)}
    ],
)  # fmt: skip
def test_what_a_provider_may_have_is_never_tried_again(
    monkeypatch: Any, state: str, reason: str
) -> None:
    message = fail(monkeypatch)
    Message.objects.update(state=state, reason=reason)
    assert obstacle(message) is not None
    assert retry([message], timezone.now()) == []
    deliver_due()
    assert LocmemChannel.outbox == []


def test_any_sign_of_the_provider_is_enough(monkeypatch: Any) -> None:
    message = fail(monkeypatch)
    for fields in ({"provider_message_id": "SM1"}, {"sent_at": timezone.now()}):
        Message.objects.update(**fields)
        assert obstacle(message) is RetryObstacle.WITH_PROVIDER
        Message.objects.update(provider_message_id="", sent_at=None)
    assert obstacle(message) is None
    DeliveryEvent.objects.create(
        message=message, channel="email", kind="opened", occurred_at=timezone.now(), dedupe_key="1"
    )
    assert obstacle(message) is RetryObstacle.WITH_PROVIDER


def test_rules_are_asked_first_and_again(monkeypatch: Any) -> None:
    message = fail(monkeypatch)
    Campaign.objects.update(is_active=False)
    message.refresh_from_db()
    (outlook,) = examine([message], timezone.now())
    assert (outlook.obstacle, outlook.reason) == (RetryObstacle.RULES, Reason.CAMPAIGN_OFF)
    Campaign.objects.update(is_active=True)
    retry([message], timezone.now())
    Campaign.objects.update(is_active=False)
    deliver_due()
    assert LocmemChannel.outbox == []


def test_step_that_was_overtaken_stays_as_it_is(monkeypatch: Any) -> None:
    """Its enrolment would never end otherwise."""
    message = fail(monkeypatch, delays=(0, 1))
    assert obstacle(message) is None
    later = FollowUp.objects.get(step__position=2)
    FollowUp.objects.filter(pk=later.pk).update(state=FollowUpState.DONE)
    assert obstacle(message) is RetryObstacle.GONE_ON


class TestCancelling:
    def test_planned_step_ends_the_sequence_with_its_reason(self) -> None:
        followup = make_followup()
        assert obstacle_to(followup) is None
        assert cancel([followup], timezone.now()) == [followup.pk]
        followup.refresh_from_db()
        assert (followup.state, followup.reason) == (FollowUpState.CANCELLED, Reason.STAFF)
        assert followup.enrolment.state == EnrolmentState.STOPPED

    def test_message_that_waited_for_its_retry_ends_too(self, monkeypatch: Any) -> None:
        message = fail(monkeypatch)
        retry([message], timezone.now())
        cancel(list(FollowUp.objects.all()), timezone.now())
        deliver_due()
        message.refresh_from_db()
        assert (message.state, message.reason) == (MessageState.WITHDRAWN, Reason.STAFF)
        assert LocmemChannel.outbox == []

    @pytest.mark.parametrize("state", sorted({*FollowUpState.values} - {"planned"}))
    def test_everything_else_stays(self, state: str) -> None:
        followup = make_followup()
        FollowUp.objects.update(state=state)
        followup.refresh_from_db()
        claimed = CancelObstacle.CLAIMED if state == "claimed" else CancelObstacle.ENDED
        assert obstacle_to(followup) is claimed
        assert cancel([followup], timezone.now()) == []
        assert FollowUp.objects.get().state == state


@pytest.mark.parametrize("reason", [Reason.BOUGHT, Reason.EMPTIED])
def test_retry_whose_follow_up_has_ended_waits_for_nobody(monkeypatch: Any, reason: Reason) -> None:
    """A rule, an order or staff ended it meanwhile: the message says so and stays unsent."""
    message = fail(monkeypatch)
    retry([message], timezone.now())
    assert end_idle_retries() == 0
    stop_by_id([FollowUp.objects.get().enrolment_id], reason, timezone.now())
    assert end_idle_retries() == 1
    message.refresh_from_db()
    assert (message.state, message.reason) == (MessageState.WITHDRAWN, reason)
    assert end_idle_retries() == 0
