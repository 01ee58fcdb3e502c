from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from cart_recovery.campaigns.defaults import install_defaults
from cart_recovery.models import Campaign, Step
from sandbox_shop.campaigns import CODES, install_campaigns

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _shipped():
    Campaign.objects.all().delete()
    install_defaults()


def test_shipped_campaigns_are_switched_on_and_made_quick_once():
    assert install_campaigns(timezone.now()) == len(CODES)
    assert Campaign.objects.filter(is_active=True).count() == len(CODES)
    assert install_campaigns(timezone.now()) == 0


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
