"""Days are summed up once, rightly, and never to less than was true."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cart_recovery import models, sweep
from cart_recovery.attribution.reversals import take_back
from cart_recovery.consent.withdrawals import withdraw, withdraw_everywhere
from cart_recovery.delivery.events import ingest
from cart_recovery.models import DailyFigure, Measure, RolledDay
from cart_recovery.privacy import removing, retention
from cart_recovery.provider_events import EventKind, ProviderEvent
from cart_recovery.reports import rolling
from cart_recovery.reports.figures import sums
from tests.delivery.test_claims import at_once
from tests.factories import (
    make_basket,
    make_campaign,
    make_cart,
    make_consent,
    make_contact,
    make_product,
)
from tests.reports.kit import (
    AFTER,
    BERLIN,
    DAY,
    LATER,
    NOON,
    ONE_DAY,
    figures,
    make_click,
    make_conversion,
    make_event,
    make_message,
)

pytestmark = pytest.mark.django_db
TWO_STEPS = (dt.timedelta(0), dt.timedelta(hours=2))


def roll(now: dt.datetime = AFTER) -> None:
    while rolling.run(now):
        pass


def pass_quietly(until: dt.datetime) -> None:
    """Nothing happens for years, and each day is summed up."""
    days = (until.date() - DAY).days
    RolledDay.objects.bulk_create(
        (RolledDay(day=DAY + n * ONE_DAY, rolled_at=until) for n in range(1, days)),
        ignore_conflicts=True,
    )


def make_abandoned(at: dt.datetime, **values: Any) -> models.TrackedCart:
    return make_cart(
        make_basket(make_product()),
        last_activity_at=at,
        state="abandoned",
        abandoned_at=at,
        **values,
    )


class TestMeasures:
    def test_carts_count_by_language_and_with_their_value(self) -> None:
        make_abandoned(NOON, language="de", total=Decimal("10.50"), currency="EUR")
        make_abandoned(NOON, language="de", total=Decimal("4.50"), currency="EUR")
        make_abandoned(NOON, language="en", total=None, currency="")
        make_abandoned(NOON, is_machine=True)
        roll()
        assert figures(Measure.ABANDONED, "language", "currency", "count", "amount") == [
            ("de", "EUR", 2, Decimal("15.00000")), ("en", "", 1, Decimal(0)),
        ]  # fmt: skip

    def test_messages_count_by_where_they_came_from(self) -> None:
        campaign = make_campaign(channels=("email", "sms"))
        step = campaign.steps.get()
        email, sms = step.variants.order_by("pk")
        for _n in range(2):
            make_message(campaign=campaign)
        bounced = make_message(campaign=campaign, state="bounced", delivered_at=NOON)
        other = make_message(campaign=campaign, channel="sms", language="en", state="sent")
        models.FollowUp.objects.filter(pk=other.followup_id).update(variant=sms)
        assert bounced.followup is not None
        roll()
        origin = ("campaign_key", "step_key", "variant_key", "channel", "language", "count")
        assert figures(Measure.SENT, *origin) == [
            (campaign.pk, step.pk, email.pk, "email", "de", 3),
            (campaign.pk, step.pk, sms.pk, "sms", "en", 1),
        ]
        assert figures(Measure.DELIVERED, "channel", "count") == [("email", 2)]
        assert figures(Measure.FAILED, "channel", "count") == [("email", 1)]

    def test_what_no_provider_took_is_failed_and_not_sent(self) -> None:
        make_abandoned(NOON)
        make_message(state="failed", sent_at=None)
        make_message(state="unknown")
        roll()
        assert figures(Measure.SENT) == []
        assert figures(Measure.FAILED) == [(1,)]

    def test_a_cart_is_reached_by_its_first_message_alone(self) -> None:
        campaign = make_campaign(delays=TWO_STEPS)
        first = make_message(campaign=campaign)
        assert first.followup is not None
        cart = first.followup.enrolment.cart
        make_message(NOON + LATER, campaign=campaign, cart=cart)
        make_message(NOON + ONE_DAY, cart=cart)
        roll(AFTER + ONE_DAY)
        assert figures(Measure.SENT, day=None) == [(1,), (1,), (1,)]
        assert figures(Measure.REACHED, "day", "step_key", "count", day=None) == [
            (DAY, first.followup.step_id, 1)
        ]

    def test_only_the_first_click_of_a_person_counts(self) -> None:
        message = make_message(NOON - ONE_DAY)
        make_click(message, is_machine=True)
        make_click(message)
        make_click(message, NOON + 2 * LATER)
        make_click(message, NOON + ONE_DAY)
        roll(AFTER + ONE_DAY)
        assert figures(Measure.CLICKED, "day", "channel", "count", day=None) == [(DAY, "email", 1)]

    def test_a_message_is_complained_about_once(self) -> None:
        message = make_message(NOON - ONE_DAY)
        make_event(message, EventKind.COMPLAINED)
        make_event(message, EventKind.COMPLAINED, NOON + ONE_DAY)
        make_event(None, EventKind.COMPLAINED)
        roll(AFTER + ONE_DAY)
        assert message.followup is not None
        assert figures(Measure.COMPLAINED, "day", "step_key", "count", day=None) == [
            (DAY, 0, 1), (DAY, message.followup.step_id, 1),
        ]  # fmt: skip

    def test_credits_and_refunds_count_on_the_day_of_the_credit(self) -> None:
        message = make_message(language="en")
        make_conversion(message, amount="50")
        make_conversion(message, amount="30", refunded_amount=10)
        make_conversion(message, amount="20", refunded_amount=20, reversed_at=NOON + 3 * ONE_DAY)
        make_conversion(message, amount="7", currency="CHF")
        roll()
        shown = ("language", "currency", "count", "amount")
        assert figures(Measure.RECOVERED, *shown) == [
            ("en", "CHF", 1, Decimal(7)), ("en", "EUR", 3, Decimal(100)),
        ]  # fmt: skip
        assert figures(Measure.REFUNDED, *shown) == [("en", "EUR", 1, Decimal(30))]

    def test_costs_are_those_of_the_parts_of_an_sms_and_of_whole_mails(self, settings: Any) -> None:
        prices = {"sms": (Decimal("0.0825"), "EUR"), "email": (Decimal("0.001"), "USD")}
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "PRICES": prices}
        make_message(channel="sms", sms_parts=3)
        make_message()
        make_notice_message()
        roll()
        assert figures(Measure.COST, "channel", "currency", "count", "amount", "campaign_key")[0][
            :4
        ] == ("email", "USD", 1, Decimal("0.001"))
        assert sum(count for (count,) in figures(Measure.COST)) == 5
        assert [f.amount for f in sums(DAY, DAY, measures=[Measure.COST])] == [
            Decimal("0.2475"), Decimal("0.002"),
        ]  # fmt: skip

    def test_without_a_price_there_is_no_cost(self) -> None:
        make_message()
        roll()
        assert figures(Measure.COST) == []

    def test_notices_count_for_no_campaign(self) -> None:
        make_notice_message()
        roll()
        assert figures(Measure.SENT, "campaign_key", "count") == [(0, 1)]
        assert figures(Measure.REACHED) == []

    def test_test_sends_count_nowhere(self) -> None:
        make_notice_message("test")
        roll()
        assert figures(Measure.SENT) == figures(Measure.COST) == []


def make_notice_message(kind: str = "saved_basket") -> models.Message:
    contact = make_contact()
    notice = models.Notice.objects.create(
        kind=kind, contact=contact, channel="email", created_at=NOON, due_at=NOON,
        expires_at=NOON,
    )  # fmt: skip
    return models.Message.objects.create(
        notice=notice, contact=contact, channel="email", language="de", state="sent",
        sending_at=NOON, sent_at=NOON, created_at=NOON, to_address="x@example.de",
        address_digest="d",
    )  # fmt: skip


class TestOptOuts:
    def test_a_person_counts_once_for_the_last_message_before(self) -> None:
        now = timezone.now()
        contact = make_consent(make_contact(phone="+4915112345678"), "email", "sms")
        make_message(now - 3 * LATER, contact=contact)
        last = make_message(now - 2 * LATER, contact=contact)
        make_message(now - LATER, contact=contact, channel="sms")
        withdraw(contact, channel="email", source="unsubscribe")
        withdraw_everywhere(contact, source="unsubscribe")
        rolling.run(now + LATER / 60)
        assert last.followup is not None
        found = figures(Measure.OPTED_OUT, "step_key", "channel", "language", "count", day=None)
        # all channels in the end: the SMS came last
        assert [row[3] for row in found] == [1]
        assert found[0][1] == "sms"

    def test_the_message_of_another_channel_is_not_to_blame(self) -> None:
        now = timezone.now()
        contact = make_consent(make_contact(phone="+4915112345678"), "email", "sms")
        by_mail = make_message(now - 2 * LATER, contact=contact)
        make_message(now - LATER, contact=contact, channel="sms")
        withdraw(contact, channel="email", source="unsubscribe")
        rolling.run(now + LATER / 60)
        assert by_mail.followup is not None
        assert figures(Measure.OPTED_OUT, "step_key", "channel", "language", day=None) == [
            (by_mail.followup.step_id, "email", "de")
        ]

    def test_without_a_message_it_belongs_to_none(self) -> None:
        now = timezone.now()
        contact = make_consent(make_contact())
        make_message(now - 9 * ONE_DAY, contact=contact)
        withdraw(contact, channel="email", source="unsubscribe")
        rolling.run(now + LATER / 60)
        assert figures(Measure.OPTED_OUT, "step_key", "channel", "count", day=None) == [
            (0, "email", 1)
        ]

    def test_what_the_shop_deletes_by_itself_is_nobodys_no(self) -> None:
        now = timezone.now()
        contact = make_consent(make_contact())
        withdraw(contact, channel="email", source="erasure_retention")
        rolling.run(now + LATER / 60)
        assert figures(Measure.OPTED_OUT, day=None) == []


class TestDays:
    @pytest.mark.parametrize(
        ("day", "hours"), [(dt.date(2026, 3, 29), 23), (dt.date(2026, 10, 25), 25), (DAY, 24)]
    )
    def test_a_day_is_as_long_as_the_clocks_make_it(self, day: dt.date, hours: int) -> None:
        span = rolling.span_of(day)
        in_utc = (span.start.astimezone(dt.UTC), span.end.astimezone(dt.UTC))
        assert in_utc[1] - in_utc[0] == dt.timedelta(hours=hours)
        for minute in (0, hours * 60 - 1):
            make_abandoned(in_utc[0] + dt.timedelta(minutes=minute))
        for outside in (in_utc[0] - dt.timedelta(seconds=1), in_utc[1]):
            make_abandoned(outside)
        roll(span.start + 3 * ONE_DAY)
        assert figures(Measure.ABANDONED, day=day) == [(2,)]

    def test_midnight_is_that_of_the_project(self) -> None:
        # ten minutes to midnight in UTC: the next day in Berlin
        make_abandoned(dt.datetime(2026, 6, 9, 23, 50, tzinfo=dt.UTC))
        with timezone.override("America/New_York"):
            roll()
        assert figures(Measure.ABANDONED) == [(1,)]

    def test_history_is_taken_up_a_few_days_per_sweep_the_latest_first(self) -> None:
        for back in range(12):
            make_abandoned(NOON - back * ONE_DAY)
        done = []
        while count := rolling.run(NOON):
            done.append(count)
        assert done == [5, 5, 2]
        assert len(figures(Measure.ABANDONED, "day", day=None)) == 12
        assert RolledDay.objects.filter(rolled_at=None).count() == 0

    def test_today_is_summed_up_every_few_minutes_and_the_past_is_left_alone(self) -> None:
        make_abandoned(NOON - 2 * ONE_DAY)
        make_abandoned(NOON)
        roll(NOON + LATER)
        make_abandoned(NOON + LATER)
        make_abandoned(NOON - 2 * ONE_DAY)
        assert rolling.run(NOON + LATER + dt.timedelta(minutes=4)) == 0
        assert rolling.run(NOON + LATER + dt.timedelta(minutes=5)) == 1
        assert figures(Measure.ABANDONED, "count", day=None) == [(1,), (2,)]

    def test_a_day_is_finished_after_its_end(self) -> None:
        make_abandoned(NOON)
        roll(NOON)
        make_abandoned(NOON + 11 * LATER)
        roll(NOON + 13 * LATER)
        assert figures(Measure.ABANDONED) == [(2,)]

    def test_days_of_a_pause_are_caught_up_with(self) -> None:
        make_abandoned(NOON)
        roll(NOON)
        make_abandoned(NOON + LATER)
        make_abandoned(NOON + 3 * ONE_DAY)
        roll(NOON + 9 * ONE_DAY)
        assert figures(Measure.ABANDONED, "day", "count", day=None) == [
            (DAY, 2), (DAY + 3 * ONE_DAY, 1),
        ]  # fmt: skip

    def test_nothing_happened_yet(self) -> None:
        assert rolling.run(NOON) == 1
        assert not DailyFigure.objects.exists()

    def test_summing_up_again_changes_nothing(self) -> None:
        make_conversion(make_message())
        roll()
        before = list(DailyFigure.objects.order_by("measure").values_list("measure", "count"))
        for hours in range(1, 4):
            rolling.rebuild(DAY, DAY, AFTER + hours * LATER)
        assert before == list(
            DailyFigure.objects.order_by("measure").values_list("measure", "count")
        )

    def test_statements_do_not_grow_with_the_rows(self) -> None:
        def statements(rows: int) -> int:
            campaign = make_campaign()
            for _n in range(rows):
                message = make_message(campaign=campaign)
                make_click(message)
                make_conversion(message)
                make_event(message, EventKind.COMPLAINED)
            with CaptureQueriesContext(connection) as queries:
                rolling.rebuild(DAY, DAY, AFTER)
            return len(queries)

        statements(1)
        assert statements(1) == statements(25)


class TestLateNews:
    def settled(self) -> models.Message:
        message = make_message(timezone.now() - 3 * ONE_DAY, state="sent")
        roll(timezone.now())
        return message

    def day(self, message: models.Message) -> dt.date:
        assert message.sent_at is not None
        return timezone.localdate(message.sent_at, BERLIN)

    def report(self, message: models.Message, kind: EventKind) -> None:
        ingest([
            ProviderEvent(
                channel="email", kind=kind, occurred_at=timezone.now(), dedupe_key=str(kind),
                message_key=message.public_id,
            )
        ])  # fmt: skip

    def test_a_late_bounce_is_counted_on_the_day_of_the_message(self) -> None:
        message = self.settled()
        assert figures(Measure.FAILED, day=None) == []
        self.report(message, EventKind.BOUNCED)
        assert RolledDay.objects.filter(is_stale=True).count() == 1
        roll(timezone.now() + LATER)
        assert figures(Measure.FAILED, day=self.day(message)) == [(1,)]
        assert not RolledDay.objects.filter(is_stale=True).exists()

    def test_a_report_about_today_needs_no_mark(self) -> None:
        message = make_message(timezone.now(), state="sent")
        roll(timezone.now())
        self.report(message, EventKind.DELIVERED)
        assert not RolledDay.objects.filter(is_stale=True).exists()

    def test_a_refund_lessens_the_day_of_the_credit(self) -> None:
        from oscar.apps.order.models import Order

        at = timezone.now() - 5 * ONE_DAY
        order = Order.objects.create(
            number="1", currency="EUR", total_incl_tax=50, total_excl_tax=50, date_placed=at,
            status="Complete", shipping_incl_tax=0, shipping_excl_tax=0,
        )  # fmt: skip
        make_conversion(make_message(at), at, order=order)
        roll(timezone.now())
        Order.objects.filter(pk=order.pk).update(status="Cancelled")
        take_back([order.pk], timezone.now())
        roll(timezone.now() + LATER)
        day = timezone.localdate(at, BERLIN)
        assert figures(Measure.RECOVERED, "count", "amount", day=day) == [(1, Decimal(50))]
        assert figures(Measure.REFUNDED, "count", "amount", day=day) == [(1, Decimal(50))]

    def test_the_price_is_that_of_the_day(self, settings: Any) -> None:
        def price(text: str) -> dict[str, Any]:
            return {**settings.CART_RECOVERY, "PRICES": {"email": (Decimal(text), "EUR")}}

        with override_settings(CART_RECOVERY=price("0.10")):
            message = self.settled()
        with override_settings(CART_RECOVERY=price("9.99")):
            self.report(message, EventKind.DELIVERED)
            roll(timezone.now() + LATER)
            assert figures(Measure.DELIVERED, day=self.day(message)) == [(1,)]
            assert figures(Measure.COST, "amount", day=self.day(message)) == [(Decimal("0.1"),)]
            # unless somebody asks for it
            rolling.rebuild(self.day(message), self.day(message), timezone.now())
        assert figures(Measure.COST, "amount", day=self.day(message)) == [(Decimal("9.99"),)]


class TestWhatIsGone:
    def fill(self) -> models.Message:
        message = make_message()
        make_abandoned(NOON)
        make_click(message)
        make_conversion(message)
        make_event(message, EventKind.COMPLAINED)
        roll()
        return message

    def content(self) -> list[Any]:
        fields = ("measure", "campaign_key", "variant_key", "language", "count", "amount")
        return sorted(DailyFigure.objects.filter(day=DAY).values_list(*fields))

    def test_figures_outlive_everything_that_retention_deletes(self) -> None:
        self.fill()
        before = self.content()
        assert len(before) == 7
        late = AFTER + 5 * 365 * ONE_DAY
        pass_quietly(late)
        retention.run_to_end(late, limit=100)
        assert not models.Message.objects.exists()
        assert not models.TrackedCart.objects.filter(abandoned_at__isnull=False).exists()
        RolledDay.objects.filter(day=DAY).update(is_stale=True)
        roll(late)
        rolling.rebuild(DAY, DAY, late)
        assert self.content() == before

    def test_clicks_that_are_gone_do_not_lessen_a_day_that_is_summed_up_again(self) -> None:
        message = self.fill()
        late = AFTER + 100 * ONE_DAY
        retention.run_to_end(late, limit=100)
        assert not models.LinkClick.objects.exists()
        models.Conversion.objects.update(refunded_amount=50, reversed_at=late)
        RolledDay.objects.filter(day=DAY).update(is_stale=True)
        roll(late)
        assert figures(Measure.CLICKED) == [(1,)]
        assert figures(Measure.REFUNDED) == [(1,)]
        rolling.rebuild(DAY, DAY, late)
        assert figures(Measure.CLICKED) == [(1,)]
        assert figures(Measure.SENT, "variant_key")[0][0] == message.followup.variant_id  # type: ignore[union-attr]  # it has one

    def test_figures_of_a_deleted_campaign_stay_on_the_very_day(self) -> None:
        message = make_message()
        make_click(message)
        make_conversion(message)
        roll(NOON + 2 * LATER)
        assert message.followup is not None
        campaign = message.followup.enrolment.campaign
        key = campaign.pk
        campaign.delete()
        other = make_message()
        assert other.followup is not None
        roll(AFTER)
        for measure in (Measure.SENT, Measure.REACHED):
            keys = [row[0] for row in figures(measure, "campaign_key")]
            assert keys == sorted([key, other.followup.enrolment.campaign_id])
        # the money counts once
        assert [figure.count for figure in sums(DAY, DAY, measures=[Measure.RECOVERED])] == [1]

    def test_an_erased_person_is_still_counted(self) -> None:
        message = self.fill()
        from cart_recovery.privacy.erasure import erase

        erase([message.contact], source="test", now=AFTER)
        rolling.rebuild(DAY, DAY, AFTER + LATER)
        assert figures(Measure.SENT) == [(1,)]
        assert figures(Measure.CLICKED) == [(1,)]
        assert figures(Measure.RECOVERED, "amount") == [(Decimal(50),)]

    def test_removed_carts_take_no_figure_along(self) -> None:
        message = self.fill()
        before = self.content()
        assert message.followup is not None
        removing.remove_carts([message.followup.enrolment.cart_id])
        roll(AFTER + ONE_DAY)
        assert self.content() == before


class TestSweep:
    def test_the_sweep_sums_up(self) -> None:
        make_message(timezone.now() - LATER)
        report = sweep.run(timezone.now())
        assert report.failed_stages == []
        assert report.rolled_days >= 1
        assert figures(Measure.SENT, day=None) == [(1,)]

    def test_a_failure_here_keeps_nothing_else_from_running(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any) -> int:
            raise RuntimeError("kaputt")

        monkeypatch.setattr("cart_recovery.sweep.rolling.run", fail)
        report = sweep.run(timezone.now())
        assert report.failed_stages == ["rolled"]


@pytest.mark.django_db(transaction=True)
def test_sweeps_at_once_count_nothing_twice() -> None:
    campaign = make_campaign()
    for back in range(3):
        make_message(NOON - back * ONE_DAY, campaign=campaign)
    at_once(4, lambda: rolling.run(AFTER))
    roll()
    assert figures(Measure.SENT, day=None) == [(1,), (1,), (1,)]
    assert figures(Measure.REACHED, day=None) == [(1,), (1,), (1,)]
