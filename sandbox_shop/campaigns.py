"""The default campaigns, switched on and made fast enough to watch."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from django.db import transaction

from cart_recovery.campaigns.defaults import DEFAULT_CAMPAIGNS
from cart_recovery.models import Campaign, Incentive, IncentiveKind, Step, Variant

#: counted from the last activity. The first is over when a basket counts as abandoned, so that the
#: sweep that finds it sends at once: within two minutes at the worst
REMINDERS: Final = (dt.timedelta(seconds=20), dt.timedelta(minutes=3), dt.timedelta(minutes=6))
#: with the next sweep; a shop leaves itself time to set back what was set by mistake
AT_ONCE: Final = (dt.timedelta(0),)
#: code of the campaign -> delays of its steps
DELAYS: Final[Mapping[str, Sequence[dt.timedelta]]] = {
    "abandoned-basket": REMINDERS,
    "abandoned-checkout": REMINDERS,
    "checkout-trouble": (dt.timedelta(seconds=20),),
    "order-unpaid": (dt.timedelta(minutes=1), dt.timedelta(minutes=5)),
    "order-shipped": AT_ONCE,
    "order-partly-shipped": AT_ONCE,
    "order-delivered": AT_ONCE,
    "order-delayed": AT_ONCE,
    "order-returned": AT_ONCE,
    "order-refunded": AT_ONCE,
    "review-request": (dt.timedelta(minutes=1), dt.timedelta(minutes=4)),
    "cross-sell": (dt.timedelta(minutes=7),),
}
#: by SMS to whoever agreed to that, else by mail
MIX: Final = {"sms": 100, "email": 0}


@transaction.atomic
def install_campaigns(now: dt.datetime) -> int:
    """Switch on the campaigns that are as they were shipped, from `now` on; how many that were.

    What happened before `now` is never followed up. What staff changed or switched off stays so: its
    delays are no longer those of the app.
    """
    found = Campaign.objects.filter(code__in=DELAYS, activated_at=None)
    campaigns = [campaign for campaign in found if _is_as_shipped(campaign)]
    for campaign in campaigns:
        steps = list(Step.objects.filter(campaign=campaign).order_by("position"))
        for step, delay in zip(steps, DELAYS[campaign.code], strict=True):
            step.delay = delay
            step.save(update_fields=["delay"])
        if campaign.code == "review-request":
            _prepare_review_request(campaign, steps)
        campaign.is_active = True
        campaign.activated_at = now
        campaign.save(update_fields=["is_active", "activated_at", "thanks"])
    return len(campaigns)


def _is_as_shipped(campaign: Campaign) -> bool:
    delays = campaign.steps.order_by("position").values_list("delay", flat=True)
    return list(delays) == [step.delay for step in DEFAULT_CAMPAIGNS[campaign.code].steps]


def _prepare_review_request(campaign: Campaign, steps: Sequence[Step]) -> None:
    """With thanks, and by SMS where that is permitted: a number can then be the answer."""
    campaign.thanks = Incentive.objects.create(
        name="5 % als Dank für Ihre Meinung", kind=IncentiveKind.PERCENTAGE, value=Decimal(5),
        valid_for=dt.timedelta(days=30),
    )  # fmt: skip
    for step in steps:
        for channel, weight in MIX.items():
            Variant.objects.update_or_create(
                step=step, channel=channel,
                defaults={"weight": weight, "template_code": f"{campaign.code}-{step.position}"},
            )  # fmt: skip
