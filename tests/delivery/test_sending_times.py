"""Quiet hours, pauses and caps on the whole way: held overnight, at the last look, two workers."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.consent import withdrawals
from cart_recovery.delivery import capping
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import (
    Campaign,
    Contact,
    FollowUp,
    FollowUpState,
    Message,
    MessageState,
    Notice,
    NoticeKind,
    Purpose,
    Reason,
)
from tests.delivery.test_claims import at_once
from tests.delivery.test_pipeline import happens_after_the_outbox
from tests.factories import (
    make_basket,
    make_campaign,
    make_consent,
    make_contact,
    make_followup,
    make_product,
)

pytestmark = pytest.mark.django_db(transaction=True)

PHONE, US_PHONE = "+4915112345678", "+12125551234"
MINUTE, HOUR = dt.timedelta(minutes=1), dt.timedelta(hours=1)


def recovery(**changes: Any) -> Any:
    """The test settings, with the quiet hours that a shop has."""
    return override_settings(CART_RECOVERY={**settings.CART_RECOVERY, "MARKETS": {}, **changes})


@pytest.fixture
def _quiet_hours():
    with recovery():
        yield


def next_day(hour: int, minute: int = 0) -> dt.datetime:
    """A Tuesday to come, by the clock in Berlin: nothing that the test writes lies after it."""
    berlin = timezone.now().astimezone(ZoneInfo("Europe/Berlin"))
    # far enough from Christmas and Easter, whenever the test runs
    day = dt.date(berlin.year + 1, 9, 8)
    day += dt.timedelta(days=(1 - day.weekday()) % 7)
    return dt.datetime.combine(day, dt.time(hour, minute), ZoneInfo("Europe/Berlin"))


def make_sms_campaign(**kwargs: Any) -> Campaign:
    campaign = make_campaign(channels=("sms",), **kwargs)
    for step in campaign.steps.all():
        step.variants.update(template_code="abandoned-basket-2")
    return campaign


def make_due(campaign: Campaign, contact: Contact, at: dt.datetime | None = None) -> FollowUp:
    """A follow-up for a basket of its own; due a minute ago unless told otherwise."""
    return make_followup(
        campaign=campaign, contact=contact, due_at=at, basket=make_basket(make_product(stock=999))
    )


def deliver(at: dt.datetime) -> None:
    deliver_due(clock=lambda: at)


def state_of(followup: FollowUp) -> tuple[str, str]:
    followup.refresh_from_db()
    return followup.state, followup.reason


@pytest.mark.usefixtures("_quiet_hours")
class TestHeldOvernight:
    def held(self) -> FollowUp:
        person = make_consent(make_contact(phone=PHONE), "sms")
        followup = make_due(make_sms_campaign(), person, next_day(22))
        deliver(next_day(22))
        assert state_of(followup) == (FollowUpState.PLANNED, Reason.QUIET_HOURS)
        assert followup.due_at == next_day(8) + 24 * HOUR
        assert Message.objects.count() == 0
        return followup

    def test_sms_goes_out_in_the_morning_and_not_before(self) -> None:
        followup = self.held()
        deliver(followup.due_at - MINUTE)
        assert LocmemChannel.outbox == []
        deliver(followup.due_at)
        assert [message.to for message in LocmemChannel.outbox] == [PHONE]

    def test_it_is_judged_from_the_start_when_the_hour_has_come(self) -> None:
        followup = self.held()
        withdrawals.withdraw(followup.enrolment.contact, channel="sms", source="test")
        deliver(followup.due_at)
        assert LocmemChannel.outbox == []
        assert state_of(followup) == (FollowUpState.SKIPPED, Reason.NO_CONSENT)

    def test_worker_that_comes_late_in_the_morning_is_not_late(self) -> None:
        followup = self.held()
        deliver(followup.due_at + 11 * HOUR)
        assert len(LocmemChannel.outbox) == 1


@pytest.mark.usefixtures("_quiet_hours")
class TestLastLook:
    """The clock goes on, and people act, between the outbox and the provider call."""

    def deliver(
        self, monkeypatch: pytest.MonkeyPatch, at: dt.datetime, later: dt.datetime, **changes: Any
    ) -> FollowUp:
        phone = changes.pop("phone", PHONE)
        person = make_consent(make_contact(phone=phone, time_zone="Europe/Berlin"), "sms")
        followup = make_due(make_sms_campaign(), person, at)
        clock = {"now": at}

        def meanwhile() -> None:
            clock["now"] = later
            Contact.objects.filter(pk=person.pk).update(**changes)

        happens_after_the_outbox(monkeypatch, meanwhile)
        deliver_due(clock=lambda: clock["now"])
        return followup

    def test_quiet_hours_that_have_begun_keep_the_message_for_the_morning(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        evening, night = next_day(19, 59), next_day(20)
        followup = self.deliver(monkeypatch, evening, night)
        assert LocmemChannel.outbox == []
        assert state_of(followup) == (FollowUpState.PLANNED, Reason.QUIET_HOURS)
        monkeypatch.undo()
        deliver(night + MINUTE)
        assert LocmemChannel.outbox == []
        deliver(next_day(8) + 24 * HOUR)
        assert len(LocmemChannel.outbox) == 1
        assert Message.objects.get().state == MessageState.SENT

    def test_pause_withdraws_the_message(self, monkeypatch: pytest.MonkeyPatch) -> None:
        noon = next_day(12)
        self.deliver(monkeypatch, noon, noon, paused_until=noon + HOUR)
        message = Message.objects.get()
        assert (message.state, message.reason) == (
            MessageState.WITHDRAWN,
            Reason.PAUSED_BY_PERSON,
        )
        assert LocmemChannel.outbox == []

    def test_rule_of_the_market_withdraws_the_message(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """48 hours are over while the worker is busy. 17 h in Berlin is 11 h in New York."""
        noon = next_day(17)
        monkeypatch.setattr("tests.factories.make_cart", _left(noon - 48 * HOUR))
        self.deliver(monkeypatch, noon, noon + MINUTE, phone=US_PHONE, time_zone="America/New_York")
        message = Message.objects.get()
        assert (message.state, message.reason) == (MessageState.WITHDRAWN, Reason.MARKET_RULE)
        assert LocmemChannel.outbox == []


def _left(at: dt.datetime) -> Any:
    from tests.factories import make_cart as original

    return lambda *args, **kwargs: original(*args, last_activity_at=at, **kwargs)


class TestCaps:
    CAP = ({"limit": 1, "per": dt.timedelta(days=1)},)

    def test_two_campaigns_share_what_a_person_may_get(self) -> None:
        person = make_consent(make_contact())
        first = make_due(make_campaign(priority=50), person)
        second = make_due(make_campaign(priority=10), person)
        with recovery(FREQUENCY_CAPS=self.CAP):
            deliver_due()
            assert state_of(second)[0] == FollowUpState.DONE
            assert state_of(first) == (FollowUpState.PLANNED, Reason.CAPPED)
            # a moment later it is known that there is no room, and that there will be none in time
            deliver(timezone.now() + 2 * MINUTE)
        assert len(LocmemChannel.outbox) == 1
        assert state_of(first) == (FollowUpState.SKIPPED, Reason.CAPPED)

    def test_waiting_message_goes_out_when_there_is_room(self) -> None:
        person = make_consent(make_contact())
        cap = {"limit": 1, "per": dt.timedelta(hours=6)}
        followups = [make_due(make_campaign(), person) for _n in range(2)]
        with recovery(FREQUENCY_CAPS=[cap]):
            for minutes in (0, 2, 359, 362):
                deliver(timezone.now() + minutes * MINUTE)
                assert len(LocmemChannel.outbox) == 1 + (minutes == 362)
        assert [state_of(f)[0] for f in followups] == [FollowUpState.DONE] * 2

    def test_one_batch_never_goes_over_the_cap(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without what the rules know of the others, the lock alone decides; the better rank wins."""
        monkeypatch.setattr(
            "cart_recovery.eligibility.history.History.rivals", lambda self, followup: 0
        )
        people = [make_consent(make_contact()) for _n in range(3)]
        for priority in (30, 10, 20):
            campaign = make_campaign(priority=priority)
            for person in people:
                make_due(campaign, person)
        with recovery(FREQUENCY_CAPS=self.CAP):
            result = deliver_due()
        assert Counter(m.to for m in LocmemChannel.outbox) == {p.email: 1 for p in people}
        assert result.waiting == {Reason.CAPPED: 6}
        best = Message.objects.values_list("followup__enrolment__campaign__priority", flat=True)
        assert set(best) == {10}
        # nothing was written for the others, and they can be tried again
        assert FollowUp.objects.filter(state="planned", reason=Reason.CAPPED).count() == 6

    def test_workers_at_the_same_moment_never_go_over_the_cap(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By the lock on the person; SQLite lets writers come one after the other anyway."""
        monkeypatch.setattr(
            "cart_recovery.eligibility.history.History.rivals", lambda self, followup: 0
        )
        people = [make_consent(make_contact()) for _n in range(8)]
        for _n in range(4):
            campaign = make_campaign()
            for person in people:
                make_due(campaign, person)
        with recovery(FREQUENCY_CAPS=self.CAP, BATCH_SIZE=4):
            at_once(4, deliver_due)
        assert Counter(m.to for m in LocmemChannel.outbox) == {p.email: 1 for p in people}

    def test_second_sms_for_an_american_cart_is_refused_under_the_lock(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two campaigns about one basket, judged in one batch."""
        person = make_consent(make_contact(phone=US_PHONE), "sms")
        first = make_due(make_sms_campaign(), person)
        second = make_due(make_sms_campaign(), person)
        type(second.enrolment).objects.filter(pk=second.enrolment_id).update(
            cart=first.enrolment.cart
        )
        quiet_off = {"US": {"windows": {"phone": None}}}
        with recovery(FREQUENCY_CAPS=[], MARKETS=quiet_off):
            deliver_due()
            assert len(LocmemChannel.outbox) == 1
            deliver(timezone.now() + 2 * MINUTE)
        assert len(LocmemChannel.outbox) == 1
        assert {state_of(f) for f in (first, second)} == {
            (FollowUpState.DONE, ""),
            (FollowUpState.SKIPPED, Reason.MARKET_RULE),
        }

    def test_notices_and_news_of_an_order_do_not_count(self) -> None:
        person = make_consent(make_contact())
        now = timezone.now()
        notice = Notice.objects.create(
            kind=NoticeKind.HELP, contact=person, channel="email", address_digest="x",
            created_at=now, due_at=now, expires_at=now + HOUR, state="done",
        )  # fmt: skip
        Message.objects.create(
            notice=notice, contact=person, channel="email", language="de", created_at=now,
            state=MessageState.SENT, to_address="x", address_digest="x", sending_at=now,
        )  # fmt: skip
        news = make_campaign()
        Campaign.objects.filter(pk=news.pk).update(purpose=Purpose.ORDER_STATUS)
        with recovery(FREQUENCY_CAPS=self.CAP):
            make_due(news, person)
            deliver_due()
            make_due(make_campaign(), person)
            deliver_due()
        assert len(LocmemChannel.outbox) == 2

    def test_contact_that_was_merged_meanwhile_is_looked_at_again(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        followup = make_due(make_campaign(), make_consent(make_contact()))
        monkeypatch.setattr(capping, "lock_people", lambda enrolments: set())
        result = deliver_due()
        assert LocmemChannel.outbox == []
        assert result.waiting == {Reason.CAPPED: 1}
        monkeypatch.undo()
        deliver(timezone.now() + 2 * MINUTE)
        assert state_of(followup)[0] == FollowUpState.DONE
        assert len(LocmemChannel.outbox) == 1
