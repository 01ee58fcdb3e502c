"""The campaign screen and what each trigger demands of the rest of the form."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from cart_recovery.campaigns.editing import duplicate
from cart_recovery.models import (
    Campaign,
    Enrolment,
    Incentive,
    MessageTemplate,
    Milestone,
    OrderMilestone,
    Purpose,
    Step,
    TrackedOrder,
    Trigger,
    Variant,
)
from tests.admin.campaign_forms import form_of, page_url
from tests.factories import make_campaign, make_consent, make_contact, make_followup, make_user

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


@pytest.fixture(autouse=True)
def _english() -> Any:
    cache.clear()
    with translation.override("en"):
        yield
    cache.clear()


@pytest.fixture
def staff() -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


def about(trigger: str, *delays: dt.timedelta, **kwargs: Any) -> Campaign:
    """A campaign of this trigger, off, by mail with a template about what the trigger is about."""
    kwargs.setdefault("is_active", False)
    campaign = make_campaign(trigger=trigger, delays=delays or (DAY,), channels=(), **kwargs)
    MessageTemplate.objects.get_or_create(
        code="ware", channel="email", language="de",
        defaults={"subject": "x", "text": "x", "html": "<p>x</p>", "about": "order"},
    )  # fmt: skip
    code = "ware" if campaign.is_about_orders else "abandoned-basket-1"
    for step in campaign.steps.all():
        Variant.objects.create(step=step, channel="email", template_code=code, weight=100)
    return campaign


def save(staff: Client, campaign: Campaign, **changes: Any) -> Any:
    return staff.post(page_url(campaign), form_of(staff, campaign, **changes))


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


class TestPurpose:
    @pytest.mark.parametrize(
        ("trigger", "purpose"),
        [(Trigger.CHECKOUT_TROUBLE, Purpose.ORDER_STATUS),
         (Trigger.REVIEW_REQUEST, Purpose.REVIEW_REQUEST), (Trigger.CROSS_SELL, Purpose.PROMOTION)],
    )  # fmt: skip
    def test_is_what_the_law_says_whatever_is_sent_in(
        self, staff: Client, trigger: str, purpose: str
    ) -> None:
        campaign = about(trigger)
        assert save(staff, campaign, purpose=Purpose.CART_REMINDER).status_code == 302
        assert save(staff, campaign, purpose=None, name="Neu").status_code == 302
        campaign.refresh_from_db()
        assert (campaign.purpose, campaign.name) == (purpose, "Neu")

    def test_reminder_of_a_cart_cannot_pass_for_a_service(self, staff: Client) -> None:
        campaign = about(Trigger.BASKET_ABANDONED)
        answer = save(staff, campaign, purpose=Purpose.ORDER_STATUS)
        assert "a reminder of a cart is advertising" in text_of(answer)
        campaign.refresh_from_db()
        assert campaign.purpose == Purpose.CART_REMINDER


class TestSteps:
    @pytest.mark.parametrize(
        ("trigger", "limit", "says"),
        [(Trigger.REVIEW_REQUEST, 3, "once and reminded twice at the most: 3 steps, not 4"),
         (Trigger.ORDER_UNPAID, 2, "no more than 2 times")],
    )  # fmt: skip
    def test_one_too_many_is_refused_and_nothing_is_lost(
        self, staff: Client, trigger: str, limit: int, says: str
    ) -> None:
        campaign = about(trigger, *(n * DAY for n in range(1, limit + 1)))
        assert save(staff, campaign).status_code == 302
        step = Step.objects.create(campaign=campaign, position=limit + 1, delay=9 * DAY)
        Variant.objects.create(step=step, channel="email", template_code="ware")
        answer = save(staff, campaign, name="Neu")
        assert says in text_of(answer)
        assert 'value="Neu"' in text_of(answer)

    def test_service_message_cannot_carry_an_incentive(self, staff: Client) -> None:
        campaign = about(Trigger.ORDER_SHIPPED)
        incentive = Incentive.objects.first()
        assert incentive is not None
        answer = save(staff, campaign, **{"steps-0-incentive": str(incentive.pk)})
        assert "An offer would make them advertising" in text_of(answer)
        assert campaign.steps.get().incentive is None

    def test_cross_sell_may(self, staff: Client) -> None:
        campaign = about(Trigger.CROSS_SELL)
        incentive = Incentive.objects.first()
        assert incentive is not None
        assert save(staff, campaign, **{"steps-0-incentive": incentive.pk}).status_code == 302
        assert campaign.steps.get().incentive == incentive


class TestTrigger:
    @pytest.mark.parametrize(
        ("former", "wanted"),
        [(Trigger.BASKET_ABANDONED, Trigger.REVIEW_REQUEST),
         (Trigger.BASKET_ABANDONED, Trigger.CHECKOUT_TROUBLE)],
    )  # fmt: skip
    def test_of_another_kind_is_refused_once_people_are_in(
        self, staff: Client, former: str, wanted: str
    ) -> None:
        campaign = about(former)
        make_followup(campaign=campaign)
        answer = save(staff, campaign, trigger=wanted)
        assert "it cannot change to one of another kind" in text_of(answer)
        campaign.refresh_from_db()
        assert campaign.trigger == former

    def test_of_another_kind_is_taken_while_nobody_is_in(self, staff: Client) -> None:
        campaign = about(Trigger.BASKET_ABANDONED)
        assert save(staff, campaign, trigger=Trigger.REVIEW_REQUEST).status_code == 302
        campaign.refresh_from_db()
        assert campaign.trigger == Trigger.REVIEW_REQUEST

    def test_of_the_same_kind_is_always_taken(self, staff: Client) -> None:
        campaign = about(Trigger.BASKET_ABANDONED)
        make_followup(campaign=campaign)
        assert save(staff, campaign, trigger=Trigger.CHECKOUT_ABANDONED).status_code == 302
        assert Enrolment.objects.get().campaign.trigger == Trigger.CHECKOUT_ABANDONED


class TestStartAndThanks:
    def test_are_kept_logged_and_copied(self, staff: Client) -> None:
        campaign = about(Trigger.REVIEW_REQUEST)
        incentive = Incentive.objects.first()
        assert incentive is not None
        save(staff, campaign, starts_with="shipped", thanks=incentive.pk)
        campaign.refresh_from_db()
        assert (campaign.starts_with, campaign.thanks) == ("shipped", incentive)
        message = LogEntry.objects.get().change_message
        assert "“delivered” to “shipped”" in message
        assert incentive.name in message
        copy = duplicate(campaign)
        assert (copy.starts_with, copy.thanks) == ("shipped", incentive)

    def test_thanks_are_for_reviews_only(self, staff: Client) -> None:
        campaign = about(Trigger.CROSS_SELL)
        incentive = Incentive.objects.first()
        assert incentive is not None
        save(staff, campaign, thanks=incentive.pk)
        campaign.refresh_from_db()
        assert campaign.thanks is None

    @pytest.mark.parametrize(
        ("trigger", "start", "says"),
        [(Trigger.REVIEW_REQUEST, "shipped", "Counted from when the order was shipped."),
         (Trigger.ORDER_REFUNDED, "delivered", "Counted from when the refund was paid."),
         (Trigger.CHECKOUT_TROUBLE, "delivered", "Counted from the shopper’s last activity.")],
    )  # fmt: skip
    def test_page_says_what_delays_count_from(
        self, staff: Client, trigger: str, start: str, says: str
    ) -> None:
        campaign = about(trigger, starts_with=start)
        html = text_of(staff.get(page_url(campaign)))
        assert f"data-counted>{says}" in html


class TestOutlook:
    def outlook(self, staff: Client, campaign: Campaign) -> str:
        return " ".join(text_of(staff.get(page_url(campaign, "activate"))).split())

    @pytest.mark.parametrize(
        ("trigger", "code", "says"),
        [(Trigger.ORDER_SHIPPED, "abandoned-basket-1", "is about a cart, and this campaign"),
         (Trigger.BASKET_ABANDONED, "ware", "is about an order, and this campaign")],
    )  # fmt: skip
    def test_template_of_the_other_subject_stops_a_step(
        self, staff: Client, trigger: str, code: str, says: str
    ) -> None:
        campaign = about(trigger)
        Variant.objects.update(template_code=code)
        page = self.outlook(staff, campaign)
        assert says in page
        assert "cannot be activated" in page
        staff.post(page_url(campaign, "activate"), {"revision": campaign.revision})
        campaign.refresh_from_db()
        assert not campaign.is_active

    def test_service_campaign_with_an_incentive_of_old_cannot_be_activated(
        self, staff: Client
    ) -> None:
        campaign = about(Trigger.ORDER_SHIPPED)
        campaign.steps.update(incentive=Incentive.objects.first())
        page = self.outlook(staff, campaign)
        assert "A service message holds no advertising" in page
        assert "cannot be activated" in page

    def test_forecast_counts_orders_that_got_that_far(self, staff: Client) -> None:
        now = timezone.now()
        for n in range(3):
            contact = make_consent(make_contact(), purpose=Purpose.REVIEW_REQUEST)
            tracked = TrackedOrder.objects.create(contact=contact, created_at=now)
            for kind in (Milestone.PLACED, Milestone.SHIPPED)[: 1 + n % 2]:
                OrderMilestone.objects.create(
                    tracked=tracked, kind=kind, key="", group=str(n), reached_at=now
                )
        page = self.outlook(staff, about(Trigger.REVIEW_REQUEST, starts_with="placed"))
        assert "at most 3 a month, told from the orders" in page
        page = self.outlook(staff, about(Trigger.CROSS_SELL, starts_with="delivered"))
        assert "no order of a known person has got that far" in page

    def test_orders_that_stay_unpaid_are_not_foreseen(self, staff: Client) -> None:
        assert "cannot be foreseen" in self.outlook(staff, about(Trigger.ORDER_UNPAID))

    def test_old_orders_are_promised_to_be_left_alone(self, staff: Client) -> None:
        campaign = about(Trigger.ORDER_SHIPPED)
        assert "0 old orders will be written about" in self.outlook(staff, campaign)
        answer = staff.post(
            page_url(campaign, "activate"), {"revision": campaign.revision}, follow=True
        )
        assert "It writes about what happens to orders from now on." in text_of(answer)


def test_new_campaign_of_any_trigger_can_be_added(staff: Client) -> None:
    url = reverse("admin:cart_recovery_campaign_add")
    about(Trigger.REVIEW_REQUEST)
    data = {
        "name": "Bewertungen", "code": "bewertungen", "trigger": Trigger.REVIEW_REQUEST,
        "starts_with": "shipped", "priority": 100, "steps-TOTAL_FORMS": 1,
        "steps-INITIAL_FORMS": 0, "steps-0-delay_0": 5, "steps-0-delay_1": "days",
        "steps-0-mix-TOTAL_FORMS": 1, "steps-0-mix-INITIAL_FORMS": 0,
        "steps-0-mix-0-template": "email:ware", "steps-0-mix-0-weight": 100,
    }  # fmt: skip
    answer = staff.post(url, data)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    made = Campaign.objects.get(code="bewertungen")
    assert (made.purpose, made.starts_with) == (Purpose.REVIEW_REQUEST, "shipped")


def test_nothing_is_credited_to_news_of_orders_so_no_nought_is_shown(staff: Client) -> None:
    seen = {}
    for trigger in (Trigger.ORDER_SHIPPED, Trigger.BASKET_ABANDONED):
        campaign = about(trigger)
        page = staff.get(reverse("admin:cart_recovery_campaign_outlook", args=[campaign.pk]))
        words = re.findall(r'<th scope="col">([^<]+)</th>', page.content.decode())
        seen[trigger] = words[words.index("Cost a month") + 1 :]
    assert seen[Trigger.ORDER_SHIPPED] == ["So far: sent"]
    assert seen[Trigger.BASKET_ABANDONED] == ["So far: sent", "clicked", "orders", "revenue"]
