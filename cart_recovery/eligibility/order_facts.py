"""How the orders of a batch stand now, in constant queries."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from cart_recovery.campaigns.order_wants import KINDS
from cart_recovery.eligibility.order_rules import OrderSubject
from cart_recovery.eligibility.purchases import ordered_again
from cart_recovery.models import CHOSEN_START_TRIGGERS, Enrolment, OrderMilestone, Trigger
from cart_recovery.orders.milestones import Group, groups
from cart_recovery.reviews.standing import complaints_about, reviewed_lines
from cart_recovery.shop.progress import load_progress
from cart_recovery.shop.reviews import lines_on_show


def load_subjects(enrolments: Collection[Enrolment]) -> dict[int, OrderSubject]:
    """The orders of enrolments by the enrolments' keys. Needs `order`, `contact`, `campaign`
    and `lines` loaded; no query where none is about an order."""
    keys = {e.pk: e.subject_order.order_id for e in enrolments if e.order_id is not None}
    if not keys:
        return {}
    progress = load_progress({key for key in keys.values() if key is not None})
    asking = [e for e in enrolments if e.campaign.trigger == Trigger.REVIEW_REQUEST]
    lines = {pk for e in asking for line in e.lines.all() if (pk := line.line_id) is not None}
    reviewed = frozenset(reviewed_lines(lines))
    gone = frozenset(lines - lines_on_show(lines))
    minding = {
        key
        for e in enrolments
        if e.campaign.trigger in CHOSEN_START_TRIGGERS
        if (key := keys.get(e.pk)) is not None
    }
    complaints = complaints_about(minding) if minding else set()
    told = _groups([e for e in enrolments if e.campaign.trigger in KINDS])
    again = ordered_again([e for e in enrolments if e.order_id is not None], progress)
    return {
        pk: OrderSubject(
            progress.get(order_id or 0),
            group=told.get(pk),
            reviewed=reviewed,
            gone=gone,
            has_complaint=order_id in complaints,
            is_ordered_again=pk in again,
        )
        for pk, order_id in keys.items()
    }


def _groups(enrolments: Collection[Enrolment]) -> dict[int, Group]:
    """The news that enrolments are about, by their keys; without those that were set back. One query."""
    if not enrolments:
        return {}
    known: dict[int, list[OrderMilestone]] = defaultdict(list)
    for row in OrderMilestone.objects.filter(tracked__in={e.order_id for e in enrolments}):
        known[row.tracked_id].append(row)
    found = {
        (order_id, group.kind, group.key): group
        for order_id, rows in known.items()
        for group in groups(rows)
    }
    return {
        e.pk: group
        for e in enrolments
        if (group := found.get((e.order_id or 0, KINDS[e.campaign.trigger], e.key))) is not None
    }
