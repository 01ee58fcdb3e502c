"""The last look, after the outbox has committed and right before the provider is called.

Only what can have changed since the claim: an order, a withdrawal, a block, a pause, the cart or
order itself, and the hour. Only a message that is already with the provider can still cross with an order.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from cart_recovery.campaigns.copies import copies_of
from cart_recovery.delivery.outbox import Draft
from cart_recovery.eligibility.cart_rules import CLOSED_CARTS, busy_cart, has_bought
from cart_recovery.eligibility.facts import Reach, load_reach, purchases_by_followup
from cart_recovery.eligibility.history import count_texts, is_advertising
from cart_recovery.eligibility.order_facts import load_subjects
from cart_recovery.eligibility.order_rules import OrderSubject, refusal
from cart_recovery.eligibility.rules import is_paused
from cart_recovery.eligibility.timing import breaks_market_rule, opens_at
from cart_recovery.models import (
    Enrolment,
    EnrolmentState,
    Reason,
    TrackedCart,
)
from cart_recovery.orders.naming import is_somebody_elses


def look(
    drafts: Sequence[Draft], now: dt.datetime
) -> tuple[list[Draft], list[tuple[Draft, Reason]]]:
    """Split drafts into those that may go and those that may not, and why. Constant queries."""
    if not drafts:
        return [], []
    enrolments = {
        e.pk: e
        for e in Enrolment.objects.filter(pk__in={d.followup.enrolment_id for d in drafts})
        .select_related("cart", "order", "contact")
        .prefetch_related("campaign", "lines")
    }
    for draft in drafts:
        draft.followup.enrolment = enrolments[draft.followup.enrolment_id]
    copies = copies_of({e.cart_id for e in enrolments.values() if e.cart_id is not None})
    about_carts = [d.followup for d in drafts if d.followup.enrolment.cart_id is not None]
    purchases = purchases_by_followup(about_carts, copies)
    orders = load_subjects(list(enrolments.values()))
    reach = load_reach([e.contact for e in enrolments.values()], now)
    texts = count_texts(enrolments.values(), besides=[d.message.pk for d in drafts])
    go: list[Draft] = []
    stay: list[tuple[Draft, Reason]] = []
    for draft in drafts:
        enrolment = draft.followup.enrolment
        if enrolment.cart_id is not None:
            rows = copies.get(enrolment.cart_id, ())
            bought = has_bought(enrolment, purchases[draft.followup.pk], rows)
            reason = Reason.BOUGHT if bought else _changed_cart(enrolment, rows)
        else:
            reason = _changed_order(draft, orders[enrolment.pk])
        if reason is None:
            order = orders.get(enrolment.pk)
            reason = _forbidden(draft, reach, order, texts.get(enrolment.cart_id or 0, 0), now)
        if reason is None:
            go.append(draft)
        else:
            stay.append((draft, reason))
    return go, stay


def _changed(enrolment: Enrolment) -> Reason | None:
    if enrolment.contact.erased_at:
        return Reason.ERASED
    if enrolment.state == EnrolmentState.STOPPED:
        return Reason(enrolment.reason or Reason.STAFF)
    if not enrolment.campaign.is_active:
        return Reason.CAMPAIGN_OFF
    return None


def _changed_cart(enrolment: Enrolment, copies: Sequence[TrackedCart]) -> Reason | None:
    if (reason := _changed(enrolment)) is not None:
        return reason
    if enrolment.subject_cart.state in CLOSED_CARTS:
        return CLOSED_CARTS[enrolment.subject_cart.state]
    return Reason.CART_ACTIVE if busy_cart(enrolment, copies) is not None else None


def _changed_order(draft: Draft, order: OrderSubject) -> Reason | None:
    enrolment = draft.followup.enrolment
    if (reason := _changed(enrolment)) is not None:
        return reason
    if (skip := refusal(enrolment, order)) is not None:
        return skip.reason
    is_elses = order.progress is not None and is_somebody_elses(
        enrolment.subject_order, order.progress.order, draft.message.contact_id
    )
    return Reason.OTHER_PERSON if is_elses else None


def _forbidden(
    draft: Draft, reach: Reach, order: OrderSubject | None, texts: int, now: dt.datetime
) -> Reason | None:
    """Permission, pause, the market's rules and quiet hours on the message's channel."""
    enrolment, channel = draft.followup.enrolment, draft.message.channel
    # what the basket holds was looked at a moment ago, and a changed basket is busy
    blocked = reach.order_blocker(enrolment, order, channel, is_similar=True)
    if blocked:
        return Reason(blocked)
    if is_advertising(enrolment) and is_paused(enrolment, now):
        return Reason.PAUSED_BY_PERSON
    kind = reach.channels[channel].address_kind
    opens = opens_at(enrolment.contact, kind, now)
    if breaks_market_rule(enrolment, kind, opens, texts=texts):
        return Reason.MARKET_RULE
    return None if opens == now else Reason.QUIET_HOURS
