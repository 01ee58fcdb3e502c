"""The campaigns a shop starts with: ready, but switched off, since a shop decides."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cart_recovery.models import Campaign, Incentive, IncentiveKind, Step, Trigger, Variant

DEFAULT_CAMPAIGNS = {
    "abandoned-basket": Trigger.BASKET_ABANDONED,
    "abandoned-checkout": Trigger.CHECKOUT_ABANDONED,
}
#: delay, (channel, weight) …, has incentive
DEFAULT_STEPS: tuple[tuple[dt.timedelta, tuple[tuple[str, int], ...], bool], ...] = (
    (dt.timedelta(hours=1), (("email", 100),), False),
    (dt.timedelta(hours=24), (("email", 50), ("sms", 50)), True),
    (dt.timedelta(hours=72), (("email", 100),), False),
)


def install_defaults() -> None:
    """Create the default campaigns that do not exist. What staff changed is left alone.

    Their names are in the shop's language: `migrate` itself runs without one.
    """
    for code, trigger in DEFAULT_CAMPAIGNS.items():
        with transaction.atomic(), translation.override(settings.LANGUAGE_CODE):
            campaign, is_new = Campaign.objects.get_or_create(
                code=code, defaults={"trigger": trigger, "name": capfirst(str(trigger.label))}
            )
            if is_new:
                _add_steps(campaign)


def _add_steps(campaign: Campaign) -> None:
    for position, (delay, channels, has_incentive) in enumerate(DEFAULT_STEPS, 1):
        step = Step.objects.create(
            campaign=campaign, position=position, delay=delay,
            incentive=_default_incentive() if has_incentive else None,
        )  # fmt: skip
        Variant.objects.bulk_create(
            Variant(
                step=step, channel=channel, weight=weight,
                template_code=f"{campaign.code}-{position}",
            )
            for channel, weight in channels
        )  # fmt: skip


def _default_incentive() -> Incentive:
    incentive, _is_new = Incentive.objects.get_or_create(
        kind=IncentiveKind.PERCENTAGE,
        value=Decimal(10),
        defaults={"name": _("10 per cent for coming back"), "valid_for": dt.timedelta(days=7)},
    )
    return incentive
