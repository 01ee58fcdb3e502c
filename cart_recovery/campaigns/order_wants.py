"""Which campaigns an order should have set going as it stands, and why one no more. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cart_recovery.conf import conf
from cart_recovery.models import Campaign, Enrolment, EnrolmentState, Milestone, Reason, Trigger
from cart_recovery.orders.looking import Sighting
from cart_recovery.shop.progress import OrderProgress

#: what a campaign with this trigger follows: the groups of milestones of this kind
KINDS: Final[Mapping[str, str]] = {
    Trigger.ORDER_SHIPPED: Milestone.SHIPPED,
    Trigger.ORDER_PARTLY_SHIPPED: Milestone.SHIPPED,
    Trigger.ORDER_DELIVERED: Milestone.DELIVERED,
    Trigger.ORDER_DELAYED: Milestone.DELAYED,
    Trigger.ORDER_RETURNED: Milestone.RETURNED,
    Trigger.ORDER_REFUNDED: Milestone.REFUNDED,
}
#: after this milestone such news are old: nobody wants to read that a parcel that stands before them
#: has left, or that one that has left is late
FURTHER: Final[Mapping[str, str]] = {
    Trigger.ORDER_SHIPPED: Milestone.DELIVERED,
    Trigger.ORDER_PARTLY_SHIPPED: Milestone.DELIVERED,
    Trigger.ORDER_DELAYED: Milestone.SHIPPED,
}
#: the goods have come back: that is what these speak of
AFTER_RETURN: Final = frozenset({Trigger.ORDER_RETURNED, Trigger.ORDER_REFUNDED})


@dataclass(frozen=True, slots=True)
class Wanted:
    """One enrolment that an order should have. `lines`: line -> pieces that it is about."""

    campaign: Campaign
    key: str
    clock_at: dt.datetime
    lines: Mapping[int, int]


def wanted(sighting: Sighting, campaigns: Sequence[Campaign], now: dt.datetime) -> list[Wanted]:
    """The enrolments that an order should have at this moment. Pure.

    `campaigns` in the order of their priority: of several with one trigger the first one counts.
    """
    found: list[Wanted] = []
    served: set[str] = set()
    for campaign in campaigns:
        if campaign.trigger in served:
            continue
        served.add(campaign.trigger)
        found += [w for w in _wanted_by(campaign, sighting) if _is_timely(w, now)]
    return found


def why_not(sighting: Sighting, enrolment: Enrolment) -> Reason:
    """Why an order's enrolment has lost its reason. Pure."""
    progress = sighting.progress
    if enrolment.campaign.trigger == Trigger.ORDER_UNPAID and not progress.is_cancelled:
        return Reason.ORDER_PAID
    if progress.is_cancelled and enrolment.campaign.trigger not in AFTER_RETURN:
        return Reason.ORDER_CANCELLED
    lines = {line.line_id: line for line in progress.lines}
    about = [lines[line.line_id] for line in enrolment.lines.all() if line.line_id in lines]
    if about and all(line.open_quantity <= 0 for line in about):
        return Reason.TAKEN_BACK
    told = {line.line_id: line.quantity for line in enrolment.lines.all() if line.line_id}
    if is_overtaken(enrolment.campaign.trigger, told, progress):
        return Reason.OVERTAKEN
    return Reason.SET_BACK


def has_lost_its_reason(sighting: Sighting, enrolment: Enrolment) -> bool:
    """Whether the order ended it, and not the campaign's being switched off, or time."""
    campaign, progress = enrolment.campaign, sighting.progress
    if enrolment.state != EnrolmentState.ACTIVE:
        return False
    if campaign.trigger == Trigger.REVIEW_REQUEST and campaign.starts_with != Milestone.PLACED:
        about = {line.line_id for line in enrolment.lines.all()}
        lines = [line for line in progress.lines if line.line_id in about]
        return progress.is_cancelled or not any(line.is_at(campaign.starts_with) for line in lines)
    plans = _wanted_by(enrolment.campaign, sighting)
    return all(plan.key != enrolment.key for plan in plans)


def is_overtaken(trigger: str, lines: Mapping[int, int], progress: OrderProgress) -> bool:
    """Whether news about these pieces of lines are old by now; about the whole order where there are
    none. Pure."""
    further = FURTHER.get(trigger)
    if further is None:
        return False
    if not lines:
        # "partly shipped", and nobody says what: the rest has left, too
        return progress.is_at(Milestone.SHIPPED)
    left = [line for line in progress.open_lines if line.line_id in lines]
    return bool(left) and all(
        line.at(further) >= min(lines[line.line_id], line.leaving_quantity) for line in left
    )


def _wanted_by(campaign: Campaign, sighting: Sighting) -> Iterator[Wanted]:
    progress = sighting.progress
    if progress.is_cancelled and campaign.trigger not in AFTER_RETURN:
        return
    if campaign.trigger == Trigger.ORDER_UNPAID:
        if progress.payment.is_due:
            since = progress.unpaid_since or progress.order.placed_at
            yield Wanted(campaign, "", since, _open_lines(progress))
    elif campaign.trigger == Trigger.CROSS_SELL:
        yield from _after_all(campaign, sighting)
    elif campaign.trigger == Trigger.REVIEW_REQUEST:
        yield from _by_line(campaign, sighting)
    else:
        yield from _by_group(campaign, sighting)


def _by_group(campaign: Campaign, sighting: Sighting) -> Iterator[Wanted]:
    """News of an order: each parcel, each return, each refund is told once."""
    kind = KINDS[campaign.trigger]
    for group in sighting.groups:
        if group.kind != kind or not group.is_standing(sighting.progress):
            continue
        if kind == Milestone.SHIPPED:
            is_whole = campaign.trigger == Trigger.ORDER_SHIPPED
            if group.is_complete != is_whole:
                continue
        lines = {row.line_id: row.quantity for row in group.rows if row.line_id is not None}
        if lines and campaign.trigger not in AFTER_RETURN:
            left = _open_lines(sighting.progress)
            lines = {pk: pieces for pk, pieces in lines.items() if pk in left}
            if not lines:
                continue
        if is_overtaken(campaign.trigger, lines, sighting.progress):
            continue
        yield Wanted(campaign, group.key, group.reached_at, lines)


def _by_line(campaign: Campaign, sighting: Sighting) -> Iterator[Wanted]:
    """Whole lines, those that got there together; each line in one enrolment only."""
    progress = sighting.progress
    by_id = {line.line_id: line for line in progress.lines}
    told: set[int] = set()
    for group in sighting.groups:
        if group.kind != campaign.starts_with:
            continue
        if group.kind == Milestone.PLACED:
            whole = {line.line_id for line in progress.lines}
        else:
            whole = {
                row.line_id
                for row in group.rows
                if row.line_id in by_id and by_id[row.line_id].is_at(group.kind)
                and row.quantity >= by_id[row.line_id].leaving_quantity
            }  # fmt: skip
        lines = _still_open({pk: by_id[pk].quantity for pk in whole - told}, progress)
        told |= whole
        if lines:
            yield Wanted(campaign, group.key, group.reached_at, lines)


def _after_all(campaign: Campaign, sighting: Sighting) -> Iterator[Wanted]:
    """Once per order, when all of it has got there."""
    progress, kind = sighting.progress, campaign.starts_with
    reached = [group.reached_at for group in sighting.groups if group.kind == kind]
    lines = _open_lines(progress)
    if lines and reached and (kind == Milestone.PLACED or progress.is_at(kind)):
        yield Wanted(campaign, "", max(reached), lines)


def _open_lines(progress: OrderProgress) -> dict[int, int]:
    return {line.line_id: line.open_quantity for line in progress.open_lines}


def _still_open(lines: Mapping[int, int], progress: OrderProgress) -> dict[int, int]:
    """The lines without what was cancelled, returned or refunded."""
    left = _open_lines(progress)
    return {pk: min(pieces, left[pk]) for pk, pieces in lines.items() if left.get(pk)}


def _is_timely(wanted: Wanted, now: dt.datetime) -> bool:
    """Neither before the campaign was switched on nor too long ago (promise of S8)."""
    campaign = wanted.campaign
    if campaign.activated_at is None or wanted.clock_at < campaign.activated_at:
        return False
    max_age = conf.MAX_ORDER_AGE if campaign.max_age is None else campaign.max_age
    return now - wanted.clock_at <= max_age
