"""Where templates are used: a step names its texts by code and channel."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from cart_recovery.conf import conf
from cart_recovery.markets.profiles import market_for
from cart_recovery.models import Purpose, Variant


@dataclass(frozen=True, slots=True)
class Place:
    """A step that sends a template."""

    campaign_id: int
    campaign: str
    position: int

    @property
    def label(self) -> str:
        return _("campaign “%(campaign)s”, step %(position)s") % {
            "campaign": self.campaign, "position": self.position,
        }  # fmt: skip


def places_of(code: str, channel: str) -> list[Place]:
    """The steps that send this template, in their order. One query."""
    rows = (
        Variant.objects.filter(template_code=code, channel=channel)
        .order_by("step__campaign__name", "step__position")
        .values_list("step__campaign_id", "step__campaign__name", "step__position")
        .distinct()
    )
    return [Place(*row) for row in rows]


def may_advertise(code: str, channel: str) -> bool:
    """Whether messages of this template may advertise to people of the shop's own country: those that
    only serve a purchase may not in most. One query.

    What no step sends yet may, and what a campaign of advertising sends as well.
    """
    steps = Variant.objects.filter(template_code=code, channel=channel)
    purposes = set(steps.values_list("step__campaign__purpose", flat=True).distinct())
    if purposes != {Purpose.ORDER_STATUS}:
        return True
    return market_for(conf.DEFAULT_COUNTRY.upper()).advertising_in_service
