"""What a shop starts with: a campaign for each trigger, all switched off."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import override_settings

from cart_recovery.campaigns.defaults import DEFAULT_CAMPAIGNS, install_defaults
from cart_recovery.models import (
    FIXED_PURPOSES,
    MAX_STEPS,
    SERVICE_TRIGGERS,
    Campaign,
    Milestone,
    Trigger,
)

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
DAY = 24 * HOUR


def shape(code: str) -> list[tuple[dt.timedelta, list[tuple[str, int, str]]]]:
    """(delay, [(channel, weight, template), …]) of each step."""
    steps = Campaign.objects.get(code=code).steps.prefetch_related("variants")
    return [
        (step.delay, [(v.channel, v.weight, v.template_code) for v in step.variants.all()])
        for step in steps
    ]


def test_reminders_of_carts_are_ready_and_switched_off() -> None:
    """They exist after `migrate` alone."""
    for campaign in Campaign.objects.filter(code__startswith="abandoned-"):
        assert not campaign.is_active
        steps = list(campaign.steps.prefetch_related("variants"))
        assert [s.delay for s in steps] == [HOUR, DAY, 3 * DAY]
        assert [{v.channel for v in s.variants.all()} for s in steps] == [
            {"email"}, {"email", "sms"}, {"email"},
        ]  # fmt: skip
        assert [s.incentive is not None for s in steps] == [False, True, False]


def test_each_trigger_has_one_and_all_are_off() -> None:
    campaigns = Campaign.objects.filter(code__in=DEFAULT_CAMPAIGNS)
    assert sorted(c.trigger for c in campaigns) == sorted(Trigger.values)
    assert not campaigns.filter(is_active=True).exists()
    assert {c.starts_with for c in campaigns} == {Milestone.DELIVERED}


def test_they_keep_the_rules_of_their_triggers() -> None:
    for campaign in Campaign.objects.filter(code__in=DEFAULT_CAMPAIGNS):
        assert campaign.purpose == FIXED_PURPOSES.get(campaign.trigger, campaign.purpose)
        assert campaign.steps.count() <= MAX_STEPS.get(campaign.trigger, 3)
        if campaign.trigger in SERVICE_TRIGGERS:
            assert not campaign.steps.filter(incentive__isnull=False).exists()


@pytest.mark.parametrize(
    "code",
    ["order-shipped", "order-partly-shipped", "order-delivered", "order-delayed", "order-returned",
     "order-refunded"],
)  # fmt: skip
def test_news_of_an_order_go_by_sms_where_they_can(code: str) -> None:
    assert shape(code) == [(dt.timedelta(minutes=10), [("sms", 100, code), ("email", 0, code)])]


def test_the_others_go_by_mail_first() -> None:
    assert shape("checkout-trouble") == [
        (dt.timedelta(minutes=10),
         [("email", 100, "checkout-trouble-1"), ("sms", 0, "checkout-trouble-1")]),
    ]  # fmt: skip
    assert shape("order-unpaid") == [
        (DAY, [("email", 100, "order-unpaid-1"), ("sms", 0, "order-unpaid-1")]),
        (3 * DAY, [("email", 100, "order-unpaid-2"), ("sms", 0, "order-unpaid-2")]),
    ]
    assert shape("review-request") == [
        (7 * DAY, [("email", 70, "review-request-1"), ("sms", 30, "review-request-1")]),
        (14 * DAY, [("email", 100, "review-request-2")]),
    ]
    assert shape("cross-sell") == [(21 * DAY, [("email", 100, "cross-sell-1")])]


def test_upgrading_shop_gets_what_it_lacks_and_keeps_what_staff_changed() -> None:
    Campaign.objects.exclude(code="abandoned-basket").filter(code__in=DEFAULT_CAMPAIGNS).delete()
    campaign = Campaign.objects.get(code="abandoned-basket")
    campaign.name = "Unser Warenkorb"
    campaign.save()
    campaign.steps.last().delete()
    install_defaults()
    campaign.refresh_from_db()
    assert campaign.name == "Unser Warenkorb"
    assert campaign.steps.count() == 2
    assert Campaign.objects.filter(code__in=DEFAULT_CAMPAIGNS).count() == len(DEFAULT_CAMPAIGNS)


def test_names_are_in_the_shops_language() -> None:
    Campaign.objects.all().delete()
    with override_settings(LANGUAGE_CODE="en"):
        install_defaults()
    assert Campaign.objects.get(code="order-refunded").name == "Refund paid"
