"""What messages about carts are made of: the basket, its restore link, a voucher. In bulk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from cart_recovery.delivery.suggesting import (
    is_suggesting,
    may_advertise,
    suggestions_for_carts,
)
from cart_recovery.eligibility.cart_rules import remaining_basket
from cart_recovery.eligibility.facts import FollowUpFacts
from cart_recovery.eligibility.history import is_advertising
from cart_recovery.eligibility.verdicts import Send
from cart_recovery.incentives.granting import grant
from cart_recovery.restore_links.tokens import LinkRequest, create_links, restore_url

#: the fields of a RenderRequest that depend on what the message is about
Subject = dict[str, Any]


def cart_subjects(
    approved: Sequence[tuple[FollowUpFacts, Send]],
    now: dt.datetime,
    *,
    suggesting: frozenset[tuple[str, str]],
) -> Mapping[int, Subject]:
    """By the follow-ups' keys. `suggesting`: (code, channel) of templates that show suggestions."""
    if not approved:
        return {}
    followups = [facts.followup for facts, _send in approved]
    baskets = {facts.followup.pk: remaining_basket(facts) for facts, _send in approved}
    vouchers = grant(
        [f for f in followups if f.step.incentive_id and is_advertising(f.enrolment)],
        {pk: basket.currency for pk, basket in baskets.items() if basket is not None},
        now,
    )
    tokens = create_links(
        [
            LinkRequest(f.pk, f.enrolment.contact_id, f.enrolment.subject_cart.pk, baskets[f.pk])
            for f in followups
        ],
        now,
    )
    suggested = suggestions_for_carts(
        [(facts, send) for facts, send in approved if is_suggesting(send, suggesting)]
    )
    subjects: dict[int, Subject] = {}
    for followup in followups:
        basket = baskets[followup.pk]
        if basket is None:
            raise LookupError("The rules let a follow-up without a basket pass.")
        subjects[followup.pk] = {
            "basket": basket,
            "restore_url": restore_url(tokens[followup.pk], followup.enrolment.language),
            "voucher": vouchers.get(followup.pk),
            "recommendations": suggested.get(followup.pk, ()),
            "may_advertise": may_advertise(followup.enrolment),
        }
    return subjects
