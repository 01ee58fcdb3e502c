"""What would happen to what is planned, and why a cart has nothing planned at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Final

from cart_recovery.campaigns.copies import enrolments_of_originals
from cart_recovery.campaigns.planning import active_campaigns, campaign_for, troubles_for
from cart_recovery.conf import conf
from cart_recovery.eligibility.explaining import explain
from cart_recovery.eligibility.facts import load_facts, load_reach, with_relations
from cart_recovery.models import (
    CartStage,
    CartState,
    Contact,
    FollowUp,
    FollowUpState,
    Purpose,
    TrackedCart,
)
from cart_recovery.stories.facts import Fact, Prospect

#: planned follow-ups that are judged; the next ones first
JUDGED: Final = 20


def prospects(followups: Sequence[FollowUp], now: dt.datetime) -> list[Prospect]:
    """What each rule would say about the planned ones now, the next due first. Constant queries."""
    open_states = (FollowUpState.PLANNED, FollowUpState.CLAIMED)
    waiting = sorted((f for f in followups if f.state in open_states), key=lambda f: f.due_at)
    if not waiting:
        return []
    rows = with_relations([followup.pk for followup in waiting[:JUDGED]])
    return [
        Prospect(
            followup_id=facts.followup.pk,
            campaign=facts.followup.enrolment.campaign.name,
            step=facts.followup.step.position,
            due_at=facts.followup.due_at,
            explanation=explain(facts, now),
        )
        for facts in load_facts(rows, now)
    ]


def why_not_enrolled(cart: TrackedCart, contact: Contact | None, now: dt.datetime) -> list[Fact]:
    """Why no campaign has taken this cart; also what would stop the next message about it."""
    about = ("trackedcart", cart.pk)
    reasons = [Fact(kind, None, details, about) for kind, details in _why_not(cart, contact, now)]
    if contact is not None:
        reasons += _unreachable(contact, now)
    return reasons


def _why_not(
    cart: TrackedCart, contact: Contact | None, now: dt.datetime
) -> Iterator[tuple[str, dict[str, object]]]:
    if cart.is_machine:
        yield "not_enrolled_machine", {}
    if contact is None:
        yield "not_enrolled_nobody", {}
    if cart.state == CartState.ACTIVE:
        is_checkout = cart.stage == CartStage.CHECKOUT
        idle = conf.CHECKOUT_ABANDONED_AFTER if is_checkout else conf.ABANDONED_AFTER
        yield "not_enrolled_in_use", {"idle_at": cart.last_activity_at + idle}
    elif cart.state == CartState.EXCLUDED:
        yield "not_enrolled_left_out", {"exclusion": cart.state_reason}
    elif cart.state != CartState.ABANDONED:
        yield "not_enrolled_closed", {"cart_state": cart.state}
    if cart.state not in (CartState.ACTIVE, CartState.ABANDONED):
        return
    campaigns = active_campaigns()
    trouble_at = troubles_for([cart], campaigns).get(cart.pk)
    campaign, reason = campaign_for(cart, campaigns, now, trouble_at=trouble_at)
    if campaign is None:
        yield "not_enrolled_refused", {"reason": str(reason)}
    elif cart.pk in enrolments_of_originals([cart]):
        yield "not_enrolled_copy", {}
    elif cart.state == CartState.ABANDONED and contact is not None:
        # campaigns take a cart at the moment at which it is found abandoned, and not later
        yield "not_enrolled_then", {"campaign": campaign.name}


def _unreachable(contact: Contact, now: dt.datetime) -> list[Fact]:
    """The channels on which the person may not be reminded of a cart."""
    reach = load_reach([contact], now)
    blocked = {
        channel: reach.blocker(contact, channel, Purpose.CART_REMINDER)
        for channel in reach.channels
    }
    return [
        Fact("channel_blocked", None, {"channel": channel, "blocked_by": why}, None)
        for channel, why in blocked.items()
        if why
    ]
