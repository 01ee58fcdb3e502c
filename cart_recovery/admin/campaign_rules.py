"""What a campaign's trigger decides for the rest of its form."""

from __future__ import annotations

import json
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cart_recovery.campaigns.texts import counted_from
from cart_recovery.models import (
    CHOSEN_START_TRIGGERS,
    FIXED_PURPOSES,
    MAX_STEPS,
    ORDER_TRIGGERS,
    SERVICE_TRIGGERS,
    Campaign,
    Milestone,
    Purpose,
    Trigger,
)

#: triggers whose campaigns may thank with a voucher
THANKING: Final = frozenset({Trigger.REVIEW_REQUEST})


def attributes() -> dict[str, str]:
    """For the script of the page, on the choice of the trigger: which fields go with which one."""
    counted = {
        trigger: {start: counted_from(trigger, start) for start in Milestone.values}
        for trigger in Trigger.values
    }
    return {
        "data-counted": json.dumps(counted),
        "data-purposes": json.dumps({str(t): str(p) for t, p in FIXED_PURPOSES.items()}),
        "data-starting": json.dumps(sorted(CHOSEN_START_TRIGGERS)),
        "data-thanking": json.dumps(sorted(THANKING)),
    }


def why_no_change(campaign: Campaign, trigger: str) -> str:
    """Why the stored campaign cannot get this trigger; "" where it can.

    Who is under way in it was taken for what the trigger was: an order is no cart, and who has agreed
    to nothing may get news of an order but no advertising.
    """
    former = campaign.trigger
    is_same = all(
        (former in group) == (trigger in group) for group in (ORDER_TRIGGERS, SERVICE_TRIGGERS)
    )
    if is_same or not campaign.enrolments.exists():
        return ""
    return _(
        "People are or were in this campaign because of its trigger, so it cannot change to one of "
        "another kind. Make a new campaign for it, or duplicate this one."
    )


def why_not_purpose(trigger: str, purpose: str) -> str:
    """Why a campaign of this trigger cannot have the purpose; "" where it can. Pure."""
    if purpose != Purpose.ORDER_STATUS or trigger in SERVICE_TRIGGERS:
        return ""
    return _(
        "Messages about orders need no consent, so no other message may go by that purpose: a "
        "reminder of a cart is advertising."
    )


def why_too_many(trigger: str, steps: int) -> str:
    """Why so many steps are too many; "" where they are not. Pure."""
    limit = MAX_STEPS.get(trigger)
    if limit is None or steps <= limit:
        return ""
    if trigger == Trigger.REVIEW_REQUEST:
        return _(
            "A person is asked for a review once and reminded twice at the most: %(limit)s steps, not "
            "%(steps)s."
        ) % {"limit": limit, "steps": steps}
    return ngettext(
        "A person is reminded no more than %(limit)s time of an order that is not paid.",
        "A person is reminded no more than %(limit)s times of an order that is not paid.",
        limit,
    ) % {"limit": limit}


def why_no_incentive(trigger: str) -> str:
    """Why steps of this trigger may offer nothing; "" where they may. Pure."""
    if trigger not in SERVICE_TRIGGERS:
        return ""
    return _(
        "Messages of this trigger are a service and go out without consent. An offer would make them "
        "advertising, which needs consent (in Germany § 7 UWG): choose “no incentive”."
    )


def cleaned(trigger: str, data: dict[str, Any], campaign: Campaign) -> dict[str, Any]:
    """The fields of a form with what the trigger decides."""
    purpose = data.get("purpose") or campaign.purpose
    starts_with = data.get("starts_with") if trigger in CHOSEN_START_TRIGGERS else None
    return {
        **data,
        "purpose": FIXED_PURPOSES.get(trigger, purpose),
        "starts_with": starts_with or campaign.starts_with,
        "thanks": data.get("thanks") if trigger in THANKING else None,
    }
