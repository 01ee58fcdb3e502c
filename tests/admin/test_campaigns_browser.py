"""The campaign screen as staff use it: with the mouse, by keyboard alone, and without script."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings
from django.utils import timezone

from cart_recovery.models import Campaign, DailyFigure, Incentive, Measure, Variant
from tests.admin.campaign_forms import page_url
from tests.admin.desk import Desk
from tests.factories import make_campaign, make_consent, make_contact, make_followup
from tests.settings import CART_RECOVERY

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = dt.timedelta(hours=1)
PRICED = {**CART_RECOVERY, "PRICES": {"sms": (Decimal("0.0825"), "EUR")}, "MARKETS": {}}


@pytest.fixture(autouse=True)
def _fresh() -> Any:
    cache.clear()
    with override_settings(CART_RECOVERY=PRICED):
        yield
    cache.clear()


@pytest.fixture
def campaign() -> Campaign:
    """Two steps, the second with mail 60 and SMS 40; carts, consents and figures of the last days."""
    made = make_campaign(delays=(HOUR, 26 * HOUR), channels=(), is_active=False)
    Campaign.objects.filter(pk=made.pk).update(name="Verlassener Warenkorb")
    first, second = made.steps.order_by("position")
    incentive = Incentive.objects.first()
    second.incentive = incentive
    second.save()
    rows = ((first, "email", "1", 100), (second, "email", "2", 60), (second, "sms", "2", 40))
    for step, channel, number, weight in rows:
        variant = Variant.objects.create(
            step=step, channel=channel, template_code=f"abandoned-basket-{number}", weight=weight
        )
        for measure, count in ((Measure.SENT, 120), (Measure.CLICKED, 31), (Measure.RECOVERED, 4)):
            DailyFigure.objects.create(
                day=timezone.localdate(), measure=measure, campaign_key=made.pk, step_key=step.pk,
                variant_key=variant.pk, channel=channel, count=count,
                currency="EUR" if measure == Measure.RECOVERED else "",
                amount=Decimal("239.60") if measure == Measure.RECOVERED else 0,
            )  # fmt: skip
    for number in range(6):
        contact = make_contact(phone=f"+4915112345{number}00")
        make_consent(contact, *(("email", "sms") if number % 2 else ("email",)))
        make_followup(campaign=made, contact=contact)
    return made


def weights(page: Any, step: int = 1) -> list[str]:
    inputs = page.locator(".cr-step").nth(step).locator(".cr-share")
    return [inputs.nth(n).input_value() for n in range(inputs.count())]


def slider(page: Any, row: int, step: int = 1) -> Any:
    return page.locator(".cr-step").nth(step).locator("input[type=range]").nth(row)


def saved(campaign: Campaign) -> list[tuple[str, str, int]]:
    rows = Variant.objects.filter(step__campaign=campaign, step__position=2).order_by("pk")
    return list(rows.values_list("channel", "label", "weight"))


def test_mix_is_moved_and_the_outlook_follows(desk: Desk, campaign: Campaign) -> None:
    page = desk.open(page_url(campaign))
    second = page.locator(".cr-step").nth(1)
    second.locator("tbody tr").nth(1).wait_for()
    before = second.locator("[data-outlook]").inner_text()
    assert "239,60" in before
    desk.assert_accessible(page, within="#content")
    desk.look(page, "campaign")
    slider(page, 0).fill("25")
    assert weights(page) == ["25", "75"]
    page.wait_for_function(
        "before => document.querySelectorAll('[data-outlook]')[1].innerText !== before", arg=before
    )
    page.get_by_role("button", name="Add a channel or variant").or_(
        page.get_by_role("button", name="Kanal oder Variante hinzufügen")
    ).nth(1).click()
    assert sum(map(int, weights(page))) == 100
    second.locator(".cr-template select").nth(2).select_option("sms:abandoned-checkout-2")
    desk.look(page, "campaign-variants")
    page.locator("input[name=_continue]").click()
    page.locator(".messagelist .success").wait_for()
    found = saved(campaign)
    assert [(channel, label) for channel, label, _w in found] == [
        ("email", ""), ("sms", "A"), ("sms", "B"),
    ]  # fmt: skip
    assert sum(weight for _c, _l, weight in found) == 100


def test_everything_by_keyboard_alone(desk: Desk, campaign: Campaign) -> None:
    page = desk.open(page_url(campaign))
    page.locator("[data-outlook] table").first.wait_for()

    def tab_to(selector: str) -> None:
        for _press in range(500):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(f"{selector} is not reached by the tab key")

    tab_to("[data-prefix='steps-1'] input[type=range]")
    for _press in range(5):
        page.keyboard.press("ArrowRight")
    assert weights(page) == ["65", "35"]
    tab_to("[name='steps-1-mix-1-weight']")
    page.keyboard.press("Control+A")
    page.keyboard.type("30")
    page.keyboard.press("Tab")
    assert weights(page) == ["70", "30"]
    tab_to("[name='_save']")
    page.keyboard.press("Enter")
    page.locator(".messagelist .success").wait_for()
    assert [weight for _c, _l, weight in saved(campaign)] == [70, 30]
    page.goto(desk.base_url + page_url(campaign))
    tab_to("a[href$='/activate/']")
    page.keyboard.press("Enter")
    page.locator(".cr-decide").wait_for()
    desk.assert_accessible(page, within="#content")
    desk.look(page, "campaign-activate")
    tab_to(".cr-decide input[type=submit]")
    page.keyboard.press("Enter")
    page.locator(".cr-on").wait_for()
    campaign.refresh_from_db()
    assert campaign.is_active
    page.goto(desk.base_url + page_url(campaign, "pause"))
    desk.assert_accessible(page, within="#content")
    desk.look(page, "campaign-pause")


def test_new_step_and_removed_rows(desk: Desk, campaign: Campaign) -> None:
    page = desk.open(page_url(campaign))
    page.locator(".cr-steps > .cr-add").click()
    step = page.locator(".cr-step").nth(2)
    step.locator("[name='steps-2-delay_0']").fill("3")
    step.locator("[name='steps-2-delay_1']").select_option("days")
    step.locator("[name='steps-2-mix-0-template']").select_option("email:abandoned-basket-3")
    assert weights(page, 2) == ["100"]
    # of two rows one goes: the other one gets all
    page.locator("[name='steps-1-mix-1-DELETE']").check()
    assert weights(page)[0] == "100"
    page.locator("input[name=_continue]").click()
    page.locator(".messagelist .success").wait_for()
    assert saved(campaign) == [("email", "", 100)]
    assert campaign.steps.get(position=3).delay == dt.timedelta(days=3)


def test_shares_that_do_not_add_up_are_told_and_the_conflict_is_shown(
    desk: Desk, campaign: Campaign
) -> None:
    page = desk.open(page_url(campaign), java_script_enabled=False)
    page.locator("[name='steps-1-mix-0-weight']").fill("50")
    desk.follow(page, "input[name=_save]")
    assert page.locator(".cr-step .errorlist").first.is_visible()
    assert page.locator("[name='steps-1-mix-0-weight']").input_value() == "50"
    Campaign.objects.filter(pk=campaign.pk).update(revision=5, name="Anders")
    page.locator("[name='steps-1-mix-0-weight']").fill("60")
    page.locator("input[name=_save]").click()
    conflict = page.locator(".cr-bad[role=alert]")
    assert "Anders" in conflict.inner_text()
    page.locator("input[name=_save]").click()
    page.locator(".messagelist .success").wait_for()


def test_conflict_and_list_look_right(desk: Desk, campaign: Campaign) -> None:
    page = desk.open(page_url(campaign))
    page.locator("[data-outlook] table").first.wait_for()
    Campaign.objects.filter(pk=campaign.pk).update(revision=5, name="Anders")
    page.locator("input[name=_save]").click()
    page.locator(".cr-bad[role=alert]").wait_for()
    page.locator("[data-outlook] table").first.wait_for()
    desk.assert_accessible(page, within="#content")
    desk.look(page, "campaign-conflict")
    page.goto(desk.base_url + page_url(campaign, "outlook"))
    desk.assert_accessible(page, within="#content")
    page.goto(desk.base_url + "/admin/cart_recovery/campaign/")
    desk.assert_accessible(page, within="#content")
    desk.look(page, "campaign-list")
