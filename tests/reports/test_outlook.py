"""What a campaign would do: messages a month, costs, and what stands in the way."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings
from django.utils import timezone, translation

from cart_recovery.campaigns.editing import StepDraft, VariantDraft
from cart_recovery.delivery.pausing import pause
from cart_recovery.models import (
    CartStage,
    CartState,
    DailyFigure,
    Incentive,
    Measure,
    MessageTemplate,
    TrackedCart,
)
from cart_recovery.reports.forecast import stages_of
from cart_recovery.reports.outlook import CampaignDraft, Outlook, draft_of, may_send, outlook
from tests.factories import (
    make_basket,
    make_campaign,
    make_cart,
    make_consent,
    make_contact,
)
from tests.settings import CART_RECOVERY

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
MAIL = VariantDraft("email", "abandoned-basket-1", 100)
SMS = VariantDraft("sms", "abandoned-basket-2", 100)


@pytest.fixture(autouse=True)
def _english() -> Iterator[None]:
    cache.clear()
    with translation.override("en"):
        yield
    cache.clear()


def settings_with(**changes: Any) -> Any:
    return override_settings(CART_RECOVERY={**CART_RECOVERY, **changes})


def leave_carts(count: int, *channels: str, **kwargs: Any) -> None:
    """So many carts, abandoned yesterday, of people who agreed to these channels."""
    start = TrackedCart.objects.count()
    for n in range(start, start + count):
        contact = make_contact(phone=f"+49151123{45000 + n}", country=kwargs.pop("country", "DE"))
        if channels:
            make_consent(contact, *channels)
        now = timezone.now() - dt.timedelta(days=1)
        values = {"state": CartState.ABANDONED, "abandoned_at": now, **kwargs}
        make_cart(make_basket(), contact, **values)


def look(*steps: StepDraft, **kwargs: Any) -> Outlook:
    draft = CampaignDraft("basket_abandoned", "cart_reminder", steps, **kwargs)
    found = outlook(draft, fresh=True)
    # the quick answer is the same one
    assert may_send(draft) == found.may_send
    return found


def texts(found: Outlook) -> str:
    steps = [o.text for step in found.steps for o in step.obstacles]
    rows = [o.text for step in found.steps for v in step.variants for o in v.obstacles]
    return " | ".join([*steps, *rows, *(o.text for o in found.obstacles)])


class TestForecast:
    def test_mix_shares_out_those_whom_both_channels_reach(self) -> None:
        leave_carts(6, "email")
        leave_carts(4, "email", "sms")
        leave_carts(3)
        mix = (VariantDraft("email", "abandoned-basket-2", 50), VariantDraft(
            "sms", "abandoned-basket-2", 50))  # fmt: skip
        found = look(StepDraft(HOUR, variants=mix))
        assert found.carts == 13
        assert [v.messages for v in found.steps[0].variants] == [8.0, 2.0]

    def test_preferred_channel_goes_first(self) -> None:
        leave_carts(4, "email", "sms")
        TrackedCart.objects.first().contact.__class__.objects.update(preferred_channel="sms")
        mix = (VariantDraft("email", "abandoned-basket-2", 90), VariantDraft(
            "sms", "abandoned-basket-2", 10))  # fmt: skip
        assert [v.messages for v in look(StepDraft(HOUR, variants=mix)).steps[0].variants] == [0, 4]

    def test_who_has_bought_before_a_step_is_left_out_of_it(self) -> None:
        leave_carts(2, "email")
        left = timezone.now() - dt.timedelta(days=2)
        leave_carts(
            2, "email", state=CartState.ORDERED, last_activity_at=left, closed_at=left + 3 * HOUR
        )
        found = look(StepDraft(HOUR, variants=[MAIL]), StepDraft(10 * HOUR, variants=[MAIL]))
        assert [step.messages for step in found.steps] == [4.0, 2.0]

    def test_old_carts_machines_and_the_unknown_do_not_count(self) -> None:
        leave_carts(1, "email", abandoned_at=timezone.now() - dt.timedelta(days=31))
        leave_carts(1, "email", is_machine=True)
        make_cart(make_basket(), None, abandoned_at=timezone.now())
        assert look(StepDraft(HOUR, variants=[MAIL])).carts == 0

    def test_checkouts_belong_to_their_own_campaign_where_it_is_on(self) -> None:
        assert stages_of("basket_abandoned") == [CartStage.BASKET, CartStage.CHECKOUT]
        make_campaign(trigger="checkout_abandoned")
        assert stages_of("basket_abandoned") == [CartStage.BASKET]
        assert stages_of("checkout_abandoned") == [CartStage.CHECKOUT]

    def test_cost_counts_the_parts_of_the_template(self) -> None:
        leave_carts(10, "sms")
        MessageTemplate.objects.filter(channel="sms", code="abandoned-basket-2").update(
            text="{{ restore_url }} " + "x" * 200 + " STOPP"
        )
        with settings_with(PRICES={"sms": (Decimal("0.08"), "EUR")}):
            found = look(StepDraft(HOUR, variants=[SMS]))
        parts = found.steps[0].variants[0].parts
        assert parts >= 2
        assert found.costs == [(Decimal("0.08") * 10 * parts, "EUR")]
        assert look(StepDraft(HOUR, variants=[SMS])).has_costs_unknown

    def test_results_so_far_are_told_by_variant(self) -> None:
        campaign = make_campaign()
        step = campaign.steps.get()
        for measure, count, amount in (("sent", 5, 0), ("recovered", 2, 90), ("refunded", 1, 40)):
            DailyFigure.objects.create(
                day=timezone.localdate(), measure=Measure(measure), campaign_key=campaign.pk,
                step_key=step.pk, variant_key=step.variants.get().pk, count=count, amount=amount,
                currency="EUR" if amount else "",
            )  # fmt: skip
        outcome = outlook(draft_of(campaign)).steps[0].variants[0].outcome
        assert (outcome.sent, outcome.recovered) == (5, 2)
        assert outcome.revenue == {"EUR": Decimal(50)}


class TestObstacles:
    @pytest.mark.parametrize(
        ("variant", "says"),
        [
            (VariantDraft("brieftaube", "x", 100), "no such channel"),
            (VariantDraft("email", "fehlt", 100), "there is no template “fehlt”"),
        ],
    )
    def test_stop_what_cannot_be_sent(self, variant: VariantDraft, says: str) -> None:
        found = look(StepDraft(HOUR, variants=[variant]))
        assert says in texts(found)
        assert not found.may_send
        # beside a channel that can, the step goes on
        assert look(StepDraft(HOUR, variants=[variant, MAIL])).may_send

    def test_campaign_without_steps_and_step_without_channel(self) -> None:
        assert "has no steps" in texts(look())
        assert not look().may_send
        assert "This step has no channel" in texts(look(StepDraft(HOUR)))

    def test_broken_template(self) -> None:
        MessageTemplate.objects.filter(code="abandoned-basket-1").update(html="{{ nix }}")
        found = look(StepDraft(HOUR, variants=[MAIL]))
        assert "cannot be sent" in texts(found)
        assert not found.may_send

    def test_missing_language_says_who_gets_what(self) -> None:
        MessageTemplate.objects.filter(code="abandoned-basket-1", language="en").delete()
        assert "missing in the language en; its readers get de" in texts(
            look(StepDraft(HOUR, variants=[MAIL]))
        )

    def test_no_imprint_no_mail(self) -> None:
        with settings_with(IMPRINT=""):
            assert not look(StepDraft(HOUR, variants=[MAIL])).may_send
            assert look(StepDraft(HOUR, variants=[SMS])).may_send

    def test_paused_channel(self) -> None:
        pause("sms", reason="401", now=timezone.now())
        found = look(StepDraft(HOUR, variants=[SMS]))
        assert "SMS is paused at the moment" in texts(found)
        assert found.may_send

    def test_second_sms_and_late_sms_in_the_united_states(self) -> None:
        make_contact(phone="+12125550101", country="US")
        steps = [StepDraft(HOUR * hours, variants=[SMS]) for hours in (1, 40, 60)]
        first, second, third = look(*steps).steps
        assert [o.text for o in first.obstacles] == []
        assert "no more than 1 SMS about a basket" in second.obstacles[0].text
        assert "falls into quiet hours" in second.obstacles[1].text
        assert any("no SMS later than 2 days" in o.text for o in third.obstacles)

    def test_german_rules_alone_where_nobody_lives_abroad(self) -> None:
        steps = [StepDraft(dt.timedelta(days=n), variants=[SMS]) for n in (1, 3)]
        assert "Market US" not in texts(look(*steps))

    def test_numbers_without_double_opt_in(self) -> None:
        make_consent(make_contact(phone="+4915112345678"), "sms", method="single")
        assert "1 contact agreed without confirming the number" in texts(
            look(StepDraft(HOUR, variants=[SMS]))
        )

    def test_frequency_cap_that_the_campaign_alone_exceeds(self) -> None:
        near = [StepDraft(HOUR * n, variants=[SMS]) for n in (1, 5)]
        far = [StepDraft(HOUR * n, variants=[SMS]) for n in (1, 30)]
        assert "The shop’s limit is 1 in 1 day (SMS)" in texts(look(*near))
        assert "limit" not in texts(look(*far))

    def test_incentive_that_the_text_does_not_name(self) -> None:
        MessageTemplate.objects.filter(code="abandoned-basket-1").update(html="<p>Hallo</p>")
        step = StepDraft(HOUR, variants=[MAIL], incentive_id=Incentive.objects.get().pk)
        assert "does not name the voucher" in texts(look(step))

    def test_campaign_that_goes_first(self) -> None:
        rival = make_campaign(priority=50)
        step = StepDraft(HOUR, variants=[MAIL])
        assert "goes first" in texts(look(step))
        assert look(step, priority=10).taken_over == (rival.name,)

    def test_sending_times_are_told(self) -> None:
        with settings_with(MARKETS={}):
            windows = look(StepDraft(HOUR, variants=[SMS, MAIL])).steps[0].windows
        assert windows == (("SMS", "Mon–Sat 08:00–20:00"),)
