"""The default campaigns, switched on and made fast enough to watch."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.db import transaction

from cart_recovery.campaigns.defaults import DEFAULT_STEPS
from cart_recovery.models import Campaign, Step

CODES: Final = ("abandoned-basket", "abandoned-checkout")
#: counted from the last activity. The first is over when a basket counts as abandoned, so that the
#: sweep that finds it sends at once: within two minutes at the worst
DELAYS: Final = (dt.timedelta(seconds=20), dt.timedelta(minutes=3), dt.timedelta(minutes=6))


@transaction.atomic
def install_campaigns(now: dt.datetime) -> int:
    """Switch on the campaigns that are as they were shipped, from `now` on; how many that were.

    Baskets left before `now` are never followed up. What staff changed or switched off stays so: its
    delays are no longer those of the app.
    """
    found = Campaign.objects.filter(code__in=CODES, activated_at=None)
    campaigns = [campaign for campaign in found if _is_as_shipped(campaign)]
    for campaign in campaigns:
        campaign.is_active = True
        campaign.activated_at = now
        campaign.save(update_fields=["is_active", "activated_at"])
        for step, delay in zip(
            Step.objects.filter(campaign=campaign).order_by("position"), DELAYS, strict=True
        ):
            step.delay = delay
            step.save(update_fields=["delay"])
    return len(campaigns)


def _is_as_shipped(campaign: Campaign) -> bool:
    delays = campaign.steps.order_by("position").values_list("delay", flat=True)
    return list(delays) == [delay for delay, _channels, _has_incentive in DEFAULT_STEPS]
