"""The campaigns a shop starts with: ready, but switched off, since a shop decides."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cart_recovery.models import (
    Campaign,
    Incentive,
    IncentiveKind,
    Milestone,
    Step,
    Trigger,
    Variant,
)

#: channel and weight, in the order in which they stand on the screen
Mix = tuple[tuple[str, int], ...]

#: delay, (channel, weight) …, has incentive
DEFAULT_STEPS: tuple[tuple[dt.timedelta, Mix, bool], ...] = (
    (dt.timedelta(hours=1), (("email", 100),), False),
    (dt.timedelta(hours=24), (("email", 50), ("sms", 50)), True),
    (dt.timedelta(hours=72), (("email", 100),), False),
)
BY_MAIL: Final[Mix] = (("email", 100),)
#: a weight of 0 is used where the others cannot be
RATHER_BY_MAIL: Final[Mix] = (("email", 100), ("sms", 0))
RATHER_BY_SMS: Final[Mix] = (("sms", 100), ("email", 0))
#: time to set back a status that was set by mistake
SECOND_THOUGHTS: Final = dt.timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class ShippedStep:
    """`template`: code of its texts, of all channels."""

    delay: dt.timedelta
    mix: Mix
    template: str
    has_incentive: bool = False


@dataclass(frozen=True, slots=True)
class ShippedCampaign:
    trigger: Trigger
    steps: tuple[ShippedStep, ...]


def _reminders(code: str) -> tuple[ShippedStep, ...]:
    return tuple(
        ShippedStep(delay, mix, f"{code}-{position}", has_incentive)
        for position, (delay, mix, has_incentive) in enumerate(DEFAULT_STEPS, 1)
    )


def _news(code: str) -> tuple[ShippedStep, ...]:
    """One message about an order."""
    return (ShippedStep(SECOND_THOUGHTS, RATHER_BY_SMS, code),)


DEFAULT_CAMPAIGNS: Final[Mapping[str, ShippedCampaign]] = {
    "abandoned-basket": ShippedCampaign(Trigger.BASKET_ABANDONED, _reminders("abandoned-basket")),
    "abandoned-checkout": ShippedCampaign(
        Trigger.CHECKOUT_ABANDONED, _reminders("abandoned-checkout")
    ),
    "checkout-trouble": ShippedCampaign(
        Trigger.CHECKOUT_TROUBLE,
        (ShippedStep(dt.timedelta(minutes=10), RATHER_BY_MAIL, "checkout-trouble-1"),),
    ),
    "order-unpaid": ShippedCampaign(
        Trigger.ORDER_UNPAID,
        (
            ShippedStep(dt.timedelta(hours=24), RATHER_BY_MAIL, "order-unpaid-1"),
            ShippedStep(dt.timedelta(hours=72), RATHER_BY_MAIL, "order-unpaid-2"),
        ),
    ),
    "order-shipped": ShippedCampaign(Trigger.ORDER_SHIPPED, _news("order-shipped")),
    "order-partly-shipped": ShippedCampaign(
        Trigger.ORDER_PARTLY_SHIPPED, _news("order-partly-shipped")
    ),
    "order-delivered": ShippedCampaign(Trigger.ORDER_DELIVERED, _news("order-delivered")),
    "order-delayed": ShippedCampaign(Trigger.ORDER_DELAYED, _news("order-delayed")),
    "order-returned": ShippedCampaign(Trigger.ORDER_RETURNED, _news("order-returned")),
    "order-refunded": ShippedCampaign(Trigger.ORDER_REFUNDED, _news("order-refunded")),
    "review-request": ShippedCampaign(
        Trigger.REVIEW_REQUEST,
        (
            ShippedStep(dt.timedelta(days=7), (("email", 70), ("sms", 30)), "review-request-1"),
            ShippedStep(dt.timedelta(days=14), BY_MAIL, "review-request-2"),
        ),
    ),
    "cross-sell": ShippedCampaign(
        Trigger.CROSS_SELL, (ShippedStep(dt.timedelta(days=21), BY_MAIL, "cross-sell-1"),)
    ),
}


def install_defaults() -> None:
    """Create the default campaigns that do not exist. What staff changed is left alone.

    Their names are in the shop's language: `migrate` itself runs without one.
    """
    for code, shipped in DEFAULT_CAMPAIGNS.items():
        with transaction.atomic(), translation.override(settings.LANGUAGE_CODE):
            campaign, is_new = Campaign.objects.get_or_create(
                code=code,
                defaults={
                    "trigger": shipped.trigger,
                    "name": capfirst(str(shipped.trigger.label)),
                    "starts_with": Milestone.DELIVERED,
                },
            )
            if is_new:
                _add_steps(campaign, shipped.steps)


def _add_steps(campaign: Campaign, steps: Iterable[ShippedStep]) -> None:
    for position, shipped in enumerate(steps, 1):
        step = Step.objects.create(
            campaign=campaign, position=position, delay=shipped.delay,
            incentive=_default_incentive() if shipped.has_incentive else None,
        )  # fmt: skip
        Variant.objects.bulk_create(
            Variant(step=step, channel=channel, weight=weight, template_code=shipped.template)
            for channel, weight in shipped.mix
        )


def _default_incentive() -> Incentive:
    incentive, _is_new = Incentive.objects.get_or_create(
        kind=IncentiveKind.PERCENTAGE,
        value=Decimal(10),
        defaults={"name": _("10 per cent for coming back"), "valid_for": dt.timedelta(days=7)},
    )
    return incentive
