"""Where templates are used: a step names its texts by code and channel."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from cart_recovery.models import Variant


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
