from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from cart_recovery.campaigns.defaults import DEFAULT_CAMPAIGNS, install_defaults
from cart_recovery.models import Campaign, Step, Variant
from sandbox_shop.campaigns import DELAYS, install_campaigns

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shipped():
    Campaign.objects.all().delete()
    install_defaults()


def test_shipped_campaigns_are_switched_on_and_made_quick_once():
    assert install_campaigns(timezone.now()) == len(DELAYS)
    assert Campaign.objects.filter(is_active=True).count() == len(DELAYS)
    assert install_campaigns(timezone.now()) == 0


def test_every_shipped_campaign_is_shown():
    assert DELAYS.keys() == DEFAULT_CAMPAIGNS.keys()


def test_reviews_are_asked_for_by_sms_where_permitted_and_thanked_for():
    install_campaigns(timezone.now())
    campaign = Campaign.objects.get(code="review-request")
    assert campaign.thanks is not None
    mix = {(v.channel, v.weight) for v in Variant.objects.filter(step__campaign=campaign)}
    assert mix == {("sms", 100), ("email", 0)}
    templates = Variant.objects.filter(step__campaign=campaign).values_list("template_code")
    assert set(templates) == {("review-request-1",), ("review-request-2",)}


def test_what_staff_changed_is_left_alone():
    Step.objects.filter(campaign__code="order-shipped").update(delay=dt.timedelta(hours=1))
    assert install_campaigns(timezone.now()) == len(DELAYS) - 1
    assert not Campaign.objects.get(code="order-shipped").is_active


def test_what_staff_switched_off_stays_off_at_the_next_start():
    install_campaigns(timezone.now())
    campaign = Campaign.objects.get(code="abandoned-basket")
    campaign.is_active = False
    campaign.save()
    assert install_campaigns(timezone.now()) == 0
    assert not Campaign.objects.get(code="abandoned-basket").is_active


def test_a_step_that_staff_added_does_no_harm_at_the_next_start():
    install_campaigns(timezone.now())
    campaign = Campaign.objects.get(code="abandoned-basket")
    campaign.is_active = False
    campaign.save()
    Step.objects.create(campaign=campaign, position=9, delay=dt.timedelta(days=9))
    assert install_campaigns(timezone.now()) == 0
