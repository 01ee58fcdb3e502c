"""Quiet hours, pauses, rules of the market and caps, judged over real rows. Berlin unless said."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from cart_recovery.consent import withdrawals
from cart_recovery.eligibility.caps import Cap, Sent, free_at
from cart_recovery.eligibility.facts import load_facts, with_relations
from cart_recovery.eligibility.rules import judge
from cart_recovery.eligibility.verdicts import Send, Skip, Verdict, Wait
from cart_recovery.models import (
    Campaign,
    Contact,
    FollowUp,
    Message,
    MessageState,
    Purpose,
    Reason,
    TrackedCart,
    Variant,
)
from tests.factories import (
    make_campaign,
    make_consent,
    make_contact,
    make_followup,
)

pytestmark = pytest.mark.django_db

PHONE, US_PHONE = "+4915112345678", "+12125551234"
HOUR = dt.timedelta(hours=1)


def berlin(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin"))


#: a Tuesday
NOON, NIGHT, MORNING = (
    berlin("2026-06-09 12:00"),
    berlin("2026-06-09 23:00"),
    berlin("2026-06-10 08:00"),
)


def recovery(**changes: Any) -> Any:
    """The test settings, with the quiet hours that a shop has."""
    return override_settings(CART_RECOVERY={**settings.CART_RECOVERY, "MARKETS": {}, **changes})


@pytest.fixture(autouse=True)
def _quiet_hours():
    with recovery():
        yield


def make_mix(**weights: int) -> Campaign:
    """A campaign whose one step has these channels."""
    campaign = make_campaign(channels=())
    for channel, weight in weights.items():
        code = "abandoned-basket-2" if channel == "sms" else "abandoned-basket-1"
        Variant.objects.create(
            step=campaign.steps.get(), channel=channel, template_code=code, weight=weight
        )
    return campaign


def make_person(*channels: str, phone: str = PHONE, **kwargs: Any) -> Contact:
    return make_consent(make_contact(phone=phone, **kwargs), *(channels or ("sms", "email")))


def plan(
    campaign: Campaign, contact: Contact, due_at: dt.datetime, left: dt.timedelta = HOUR
) -> FollowUp:
    """A follow-up for a basket that was left so long before it is due."""
    followup = make_followup(campaign=campaign, contact=contact, due_at=due_at)
    cart = followup.enrolment.cart
    TrackedCart.objects.filter(pk=cart.pk).update(
        created_at=due_at - left, last_activity_at=due_at - left
    )
    type(followup.enrolment).objects.filter(pk=followup.enrolment.pk).update(clock_at=due_at - left)
    return followup


def verdict_on(followup: FollowUp, now: dt.datetime) -> Verdict:
    (facts,) = load_facts(with_relations([followup.pk]), now)
    return judge(facts, now)


def had(
    followup: FollowUp, channel: str, at: dt.datetime, state: str = MessageState.SENT
) -> Message:
    """A message of this follow-up that went out."""
    return Message.objects.create(
        followup=followup, contact=followup.enrolment.contact, channel=channel, language="de",
        state=state, to_address="x", address_digest="x", sending_at=at, created_at=at,
    )  # fmt: skip


def had_before(
    contact: Contact, channel: str, at: dt.datetime, state: str = MessageState.SENT
) -> None:
    """A message of another campaign and basket; its follow-up is over."""
    followup = plan(make_mix(email=1), contact, at)
    had(followup, channel, at, state)
    FollowUp.objects.filter(pk=followup.pk).update(state="done")


def channel_of(verdict: Verdict) -> str:
    assert isinstance(verdict, Send), verdict
    return verdict.choice.option.channel


class TestQuietHours:
    def test_sms_waits_for_the_morning_and_mail_does_not(self) -> None:
        person = make_person()
        assert verdict_on(plan(make_mix(sms=1), person, NIGHT), NIGHT) == Wait(
            MORNING, Reason.QUIET_HOURS
        )
        assert (
            channel_of(
                verdict_on(
                    plan(make_mix(email=1), make_person(phone="+4915112345679"), NIGHT), NIGHT
                )
            )
            == "email"
        )

    def test_drawn_channel_waits_and_does_not_give_way(self) -> None:
        """Weight 0 makes mail a mere fall-back; the draw is the same in the morning."""
        followup = plan(make_mix(sms=1, email=0), make_person(), NIGHT)
        assert verdict_on(followup, NIGHT) == Wait(MORNING, Reason.QUIET_HOURS)
        assert channel_of(verdict_on(followup, MORNING)) == "sms"

    def test_preferred_channel_waits_too(self) -> None:
        person = make_person(preferred_channel="sms")
        followup = plan(make_mix(sms=1, email=1000), person, NIGHT)
        assert verdict_on(followup, NIGHT) == Wait(MORNING, Reason.QUIET_HOURS)

    def test_channel_that_is_not_permitted_gives_way_by_night_as_by_day(self) -> None:
        followup = plan(make_mix(sms=1, email=0), make_person("email"), NIGHT)
        assert channel_of(verdict_on(followup, NIGHT)) == "email"

    def test_hour_is_that_of_the_person(self) -> None:
        """9 h in Berlin is 3 h in New York."""
        person = make_person(country="DE", time_zone="America/New_York")
        nine = berlin("2026-06-09 09:00")
        verdict = verdict_on(plan(make_mix(sms=1), person, nine), nine)
        assert verdict == Wait(nine + 5 * HOUR, Reason.QUIET_HOURS)

    def test_hold_is_no_lateness(self) -> None:
        """Planned for Saturday evening, sent on Monday: 36 hours, of which none counts."""
        planned, monday = berlin("2026-06-13 20:30"), berlin("2026-06-15 08:00")
        followup = plan(make_mix(sms=1), make_person(), planned)
        assert verdict_on(followup, planned) == Wait(monday, Reason.QUIET_HOURS)
        assert channel_of(verdict_on(followup, monday)) == "sms"
        last = monday + 12 * HOUR - dt.timedelta(minutes=1)
        assert channel_of(verdict_on(followup, last)) == "sms"

    def test_only_the_time_counts_at_which_it_was_allowed(self) -> None:
        """Planned a minute before closing time, seen a minute after: no reason to lose it."""
        planned = berlin("2026-06-09 19:59")
        followup = plan(make_mix(sms=1), make_person(), planned)
        assert verdict_on(followup, planned + 2 * dt.timedelta(minutes=1)) == Wait(
            MORNING, Reason.QUIET_HOURS
        )
        assert channel_of(verdict_on(followup, MORNING + 11 * HOUR)) == "sms"
        # a minute on Tuesday and twelve hours of Wednesday
        assert verdict_on(followup, MORNING + 12 * HOUR) == Skip(Reason.MISSED)

    def test_lateness_counts_from_the_first_open_moment(self) -> None:
        followup = plan(make_mix(sms=1), make_person(), berlin("2026-06-09 05:00"))
        followup.step.missed_after = 2 * HOUR
        followup.step.save()
        assert channel_of(verdict_on(followup, berlin("2026-06-09 10:00"))) == "sms"
        late = verdict_on(followup, berlin("2026-06-09 10:01"))
        assert late == Skip(Reason.MISSED)

    def test_what_would_be_too_late_in_the_morning_is_missed_at_once(self) -> None:
        followup = plan(make_mix(sms=1), make_person(), NOON)
        followup.step.missed_after = 7 * HOUR
        followup.step.save()
        assert verdict_on(followup, NIGHT) == Skip(Reason.MISSED)

    def test_mail_is_late_whatever_the_hour(self) -> None:
        followup = plan(make_mix(email=1), make_person(), NIGHT)
        assert verdict_on(followup, NIGHT + 13 * HOUR) == Skip(Reason.MISSED)

    def test_person_who_can_never_be_written_to_gets_mail(self) -> None:
        windows = {"phone": {"holidays": "08:00-20:00"}}
        with recovery(MARKETS={"DE": {"windows": windows}}):
            noon = berlin("2026-07-07 12:00")
            followup = plan(make_mix(sms=1, email=0), make_person(), noon)
            verdict = verdict_on(followup, noon)
        assert channel_of(verdict) == "email"
        assert isinstance(verdict, Send)
        assert verdict.choice.describe() == "fallback: sms market_rule"


class TestPause:
    def test_advertising_rests_while_the_person_wants_peace(self) -> None:
        person = make_person(paused_until=NOON + HOUR)
        followup = plan(make_mix(email=1), person, NOON)
        assert verdict_on(followup, NOON) == Skip(Reason.PAUSED_BY_PERSON)
        assert channel_of(verdict_on(followup, NOON + HOUR)) == "email"


class TestOrderStatus:
    def make(self, now: dt.datetime, **mix: int) -> FollowUp:
        campaign = make_mix(**mix)
        Campaign.objects.filter(pk=campaign.pk).update(purpose=Purpose.ORDER_STATUS)
        contact = make_contact(phone=PHONE, paused_until=now + HOUR)
        return plan(campaign, contact, now)

    def test_needs_no_yes_and_heeds_no_pause(self) -> None:
        assert channel_of(verdict_on(self.make(NIGHT, email=1), NIGHT)) == "email"

    def test_obeys_a_no(self) -> None:
        followup = self.make(NOON, email=1)
        withdrawals.withdraw(
            followup.enrolment.contact,
            channel="email",
            purposes=[Purpose.ORDER_STATUS],
            source="test",
        )
        verdict = verdict_on(followup, NOON)
        assert isinstance(verdict, Skip)
        assert verdict.reason == Reason.NO_CONSENT

    def test_keeps_quiet_hours(self) -> None:
        assert verdict_on(self.make(NIGHT, sms=1), NIGHT) == Wait(MORNING, Reason.QUIET_HOURS)

    def test_is_not_capped(self) -> None:
        followup = self.make(NOON, email=1)
        for hours in (1, 2, 3):
            had_before(followup.enrolment.contact, "email", NOON - hours * HOUR)
        assert channel_of(verdict_on(followup, NOON)) == "email"

    def test_is_never_sent_to_who_was_erased(self) -> None:
        followup = self.make(NOON, email=1)
        Contact.objects.update(erased_at=NOON)
        assert verdict_on(followup, NOON) == Skip(Reason.ERASED, ends_enrolment=True)


class TestUnitedStates:
    """One SMS per cart, within 48 hours, double opt-in by SMS (PROVIDERS 2.2)."""

    #: noon in New York, a Tuesday
    NOON = dt.datetime(2026, 6, 9, 16, tzinfo=dt.UTC)

    def american(self) -> Contact:
        return make_person(phone=US_PHONE, time_zone="America/New_York")

    def test_second_sms_for_a_cart_becomes_mail(self) -> None:
        person = self.american()
        followup = plan(make_mix(sms=1, email=0), person, self.NOON)
        assert channel_of(verdict_on(followup, self.NOON)) == "sms"
        earlier = plan(make_mix(sms=1), person, self.NOON - 30 * HOUR)
        type(earlier.enrolment).objects.filter(pk=earlier.enrolment.pk).update(
            cart=followup.enrolment.cart
        )
        had(earlier, "sms", self.NOON - 30 * HOUR)
        verdict = verdict_on(followup, self.NOON)
        assert channel_of(verdict) == "email"

    def test_another_cart_has_an_sms_of_its_own(self) -> None:
        person = self.american()
        had_before(person, "sms", self.NOON - 30 * HOUR)
        followup = plan(make_mix(sms=1), person, self.NOON)
        assert channel_of(verdict_on(followup, self.NOON)) == "sms"

    @pytest.mark.parametrize(("hours", "channel"), [(48, "sms"), (48.1, "email")])
    def test_sms_goes_out_within_48_hours(self, hours: float, channel: str) -> None:
        followup = plan(make_mix(sms=1, email=0), self.american(), self.NOON, left=hours * HOUR)
        assert channel_of(verdict_on(followup, self.NOON)) == channel

    def test_sms_whose_morning_is_too_late_becomes_mail_at_once(self) -> None:
        """Saturday evening, 24 hours after the basket was left: Monday would be more than 48."""
        evening = dt.datetime(2026, 6, 13, 22, tzinfo=dt.UTC)
        followup = plan(make_mix(sms=1, email=0), self.american(), evening, left=24 * HOUR)
        assert channel_of(verdict_on(followup, evening)) == "email"

    def test_step_without_another_channel_is_skipped_with_the_reason(self) -> None:
        followup = plan(make_mix(sms=1), self.american(), self.NOON, left=72 * HOUR)
        verdict = verdict_on(followup, self.NOON)
        assert verdict == Skip(Reason.MARKET_RULE, detail="sms market_rule")

    def test_german_may_get_two(self) -> None:
        followup = plan(make_mix(sms=1), make_person(), NOON, left=72 * HOUR)
        assert channel_of(verdict_on(followup, NOON)) == "sms"


class TestCaps:
    def test_free_moment_is_when_the_oldest_leaves_the_period(self) -> None:
        caps = (
            Cap(frozenset({"sms"}), 1, 24 * HOUR),
            Cap(frozenset(), 2, 10 * HOUR),
        )
        sent = [Sent("email", NOON - 9 * HOUR), Sent("email", NOON - 2 * HOUR)]
        assert free_at(caps, [], "sms", NOON) == NOON
        assert free_at(caps, sent[:1], "email", NOON) == NOON
        assert free_at(caps, sent, "email", NOON) == NOON + HOUR
        assert free_at(caps, sent, "email", NOON + HOUR) == NOON + HOUR
        assert free_at(caps, [Sent("sms", NOON)], "sms", NOON) == NOON + 24 * HOUR
        assert free_at(caps, [Sent("sms", NOON)], "email", NOON) == NOON

    @pytest.mark.parametrize(
        ("state", "counts"),
        [(s, s not in ("retry", "failed", "withdrawn")) for s in MessageState.values],
    )
    def test_what_the_provider_may_have_counts(self, state: str, counts: bool) -> None:
        person = make_person()
        for hours in (20, 19, 18):
            had_before(person, "email", NOON - hours * HOUR, state)
        verdict = verdict_on(plan(make_mix(email=1), person, NOON), NOON)
        if counts:
            assert verdict == Wait(NOON + 4 * HOUR, Reason.CAPPED)
        else:
            assert channel_of(verdict) == "email"

    def test_caps_of_a_channel_leave_the_others_alone(self) -> None:
        person = make_person()
        had_before(person, "sms", NOON - 20 * HOUR)
        sms = plan(make_mix(sms=1), person, NOON)
        assert verdict_on(sms, NOON) == Wait(NOON + 4 * HOUR, Reason.CAPPED)
        FollowUp.objects.filter(pk=sms.pk).update(state="done")
        assert channel_of(verdict_on(plan(make_mix(email=1), person, NOON), NOON)) == "email"

    def test_what_the_cap_would_make_too_late_is_skipped(self) -> None:
        person = make_person()
        had_before(person, "sms", NOON - HOUR)
        followup = plan(make_mix(sms=1), person, NOON)
        # eight hours of this day and three of the next
        assert verdict_on(followup, NOON) == Wait(NOON + 23 * HOUR, Reason.CAPPED)
        followup.step.missed_after = 10 * HOUR
        followup.step.save()
        assert verdict_on(followup, NOON) == Skip(Reason.CAPPED)

    def test_others_do_not_count(self) -> None:
        for hours in (1, 2, 3):
            had_before(make_person(phone=f"+491511234560{hours}"), "email", NOON - hours * HOUR)
        assert channel_of(verdict_on(plan(make_mix(email=1), make_person(), NOON), NOON)) == "email"

    def test_better_ranked_campaign_gets_the_last_place(self) -> None:
        person = make_person()
        for hours in (5, 6):
            had_before(person, "email", NOON - hours * HOUR)
        late, first = make_mix(email=1), make_mix(email=1)
        Campaign.objects.filter(pk=first.pk).update(priority=5)
        waiting, going = plan(late, person, NOON - HOUR), plan(first, person, NOON)
        assert verdict_on(waiting, NOON) == Wait(NOON + dt.timedelta(minutes=1), Reason.CAPPED)
        assert channel_of(verdict_on(going, NOON)) == "email"

    def test_both_go_where_there_is_room_for_both(self) -> None:
        person = make_person()
        first, second = plan(make_mix(email=1), person, NOON), plan(make_mix(email=1), person, NOON)
        assert [channel_of(verdict_on(f, NOON)) for f in (first, second)] == ["email", "email"]

    def test_shop_may_do_without(self) -> None:
        person = make_person()
        for minutes in range(1, 20):
            had_before(person, "email", NOON - minutes * dt.timedelta(minutes=1))
        followup = plan(make_mix(email=1), person, NOON)
        with recovery(FREQUENCY_CAPS=[]):
            assert channel_of(verdict_on(followup, NOON)) == "email"


def test_number_of_queries_is_the_same_for_one_and_for_many() -> None:
    ids = []
    for number in range(12):
        person = make_person(phone=f"+121255512{number:02}", country="US")
        ids.append(plan(make_mix(sms=1, email=1), person, NOON).pk)

    def count(keys: list[int]) -> int:
        with CaptureQueriesContext(connection) as queries:
            for facts in load_facts(with_relations(keys), NOON):
                judge(facts, NOON)
        return len(queries)

    count(ids[:1])
    assert count(ids[:2]) == count(ids)
