"""The last look, after the outbox has committed and right before the provider is called.

Only what can have changed since the claim: an order, a withdrawal, a block, the cart itself. Only a
message that is already with the provider can still cross with an order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from cart_recovery.delivery.outbox import Draft
from cart_recovery.eligibility.facts import load_reach, purchases_by_followup
from cart_recovery.eligibility.rules import CLOSED_CARTS
from cart_recovery.models import (
    CartState,
    Enrolment,
    EnrolmentState,
    Reason,
)


def look(
    drafts: Sequence[Draft], now: dt.datetime
) -> tuple[list[Draft], list[tuple[Draft, Reason]]]:
    """Split drafts into those that may go and those that may not, and why. Constant queries."""
    if not drafts:
        return [], []
    enrolments = {
        e.pk: e
        for e in Enrolment.objects.filter(
            pk__in={d.followup.enrolment_id for d in drafts}
        ).select_related("campaign", "cart", "contact")
    }
    for draft in drafts:
        draft.followup.enrolment = enrolments[draft.followup.enrolment_id]
    purchases = purchases_by_followup([d.followup for d in drafts])
    reach = load_reach([e.contact for e in enrolments.values()], now)
    go: list[Draft] = []
    stay: list[tuple[Draft, Reason]] = []
    for draft in drafts:
        enrolment = draft.followup.enrolment
        since, basket_id = enrolment.clock_at, enrolment.cart.basket_id
        bought = any(
            p.placed_at >= since or p.basket_id == basket_id for p in purchases[draft.followup.pk]
        )
        reason = Reason.BOUGHT if bought else _changed(draft, enrolment)
        if reason is None:
            blocked = reach.blocker(
                enrolment.contact, draft.message.channel, enrolment.campaign.purpose
            )
            reason = Reason(blocked) if blocked else None
        if reason is None:
            go.append(draft)
        else:
            stay.append((draft, reason))
    return go, stay


def _changed(draft: Draft, enrolment: Enrolment) -> Reason | None:
    if enrolment.state == EnrolmentState.STOPPED:
        return Reason(enrolment.reason or Reason.STAFF)
    if not enrolment.campaign.is_active:
        return Reason.CAMPAIGN_OFF
    cart = enrolment.cart
    if cart.state in CLOSED_CARTS:
        return CLOSED_CARTS[cart.state]
    if cart.state == CartState.ACTIVE or cart.last_activity_at > enrolment.clock_at:
        return Reason.CART_ACTIVE
    return None
