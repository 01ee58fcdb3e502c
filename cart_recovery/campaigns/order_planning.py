"""From what orders have reached to enrolments and their first follow-up, in bulk.

What an order's campaigns should be is worked out anew each time something is said about it, and
brought in line with what is planned: new enrolments begin, those whose reason has gone end, and one
that ended because a status was set back begins again, as long as it has said nothing.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final

from django.db import transaction
from django.db.models import F, Prefetch

from cart_recovery.campaigns.handing_over import hand_over, settle, settle_deleted
from cart_recovery.campaigns.planning import active_campaigns, plan_next, start, stop_by_id
from cart_recovery.conf import conf
from cart_recovery.models import (
    ORDER_TRIGGERS,
    Campaign,
    EnrolledLine,
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    Message,
    MessageState,
    Milestone,
    Reason,
    Trigger,
)
from cart_recovery.orders import looking
from cart_recovery.orders.looking import Sighting
from cart_recovery.shop.progress import OrderProgress

#: of one run; the next sweep goes on
MAX_BATCHES: Final = 20
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
#: reasons for which an enrolment ended that may begin again
REVIVED: Final = frozenset(
    {
        Reason.SET_BACK, Reason.OVERTAKEN, Reason.TAKEN_BACK, Reason.ORDER_CANCELLED,
        Reason.ORDER_PAID, Reason.OTHER_PERSON,
    }
)  # fmt: skip
#: the same for which another campaign of the trigger may begin instead
LEFT_OPEN: Final = REVIVED | {Reason.CAMPAIGN_OFF, Reason.SUPERSEDED}


@dataclass(frozen=True, slots=True)
class Wanted:
    """One enrolment that an order should have. `lines`: line -> pieces that it is about."""

    campaign: Campaign
    key: str
    clock_at: dt.datetime
    lines: Mapping[int, int]


@dataclass(slots=True)
class OrderPlanResult:
    """Counts of one planning run."""

    looked_at: int = 0
    enrolled: int = 0
    stopped: int = 0


def plan_orders(
    now: dt.datetime, *, on_change: Callable[[Sequence[int]], object]
) -> OrderPlanResult:
    """Look at changed orders batch by batch. Constant queries per batch. Campaigns count as they are at
    the beginning: what is switched off meanwhile sends nothing.

    `on_change` is given the keys of each batch's orders, in the same transaction: should it fail,
    they are looked at again.
    """
    result = OrderPlanResult()
    campaigns = active_order_campaigns()
    settle_deleted(now)
    for _batch in range(MAX_BATCHES):
        rows, sightings = looking.look(conf.BATCH_SIZE)
        if not rows:
            break
        if campaigns:
            looking.identify(sightings)
        with transaction.atomic():
            mine = looking.unchanged(rows)
            held = [s for s in sightings if s.tracked.pk in mine]
            looking.keep(held)
            _bring_in_line(held, campaigns, now, result)
            on_change([s.progress.order.order_id for s in held])
            looking.settle([row for row in rows if row.pk in mine], held)
        result.looked_at += len(mine)
        # what changed meanwhile, or another sweep holds, is for the next run
        if len(rows) < conf.BATCH_SIZE or not mine:
            break
    return result


def active_order_campaigns() -> list[Campaign]:
    """The active campaigns about orders, in the order of their priority."""
    return [c for c in active_campaigns() if c.trigger in ORDER_TRIGGERS]


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


def _bring_in_line(
    sightings: Sequence[Sighting],
    campaigns: Sequence[Campaign],
    now: dt.datetime,
    result: OrderPlanResult,
) -> None:
    known = _enrolments_of(sightings)
    fresh: list[tuple[Enrolment, Mapping[int, int]]] = []
    revived: list[Enrolment] = []
    unsettled: list[Enrolment] = []
    moved: list[Enrolment] = []
    stopped: dict[Reason, list[int]] = defaultdict(list)
    for sighting in sightings:
        former = known.get(sighting.tracked.pk, [])
        own = {(e.campaign_id, e.key): e for e in former}
        taken_over: set[int] = set()
        plans = {(w.campaign.pk, w.key): w for w in wanted(sighting, campaigns, now)}
        contact_id = sighting.tracked.contact_id
        for place, plan in plans.items():
            enrolment = own.get(place)
            rivals = [e for e in former if _says_the_same(e, plan)]
            is_free = all(_may_be_taken_over(e) for e in rivals)
            if enrolment is None:
                lines = _without_told(plan, former)
                is_worth_it = bool(lines) if _is_review(plan) else is_free
                if not is_worth_it or contact_id is None:
                    continue
                fresh.append((_enrolment(sighting, plan, contact_id, now), lines))
            elif is_free and contact_id is not None and _may_begin_again(enrolment):
                enrolment.contact_id = contact_id
                enrolment.clock_at = max(plan.clock_at, enrolment.clock_at)
                revived.append(enrolment)
            else:
                if enrolment.state == EnrolmentState.COMPLETED:
                    unsettled.append(enrolment)
                continue
            taken_over |= {e.pk for e in rivals if _may_be_taken_over(e)}
        stopped[Reason.SUPERSEDED] += taken_over
        for place, enrolment in own.items():
            is_settled = place in plans or enrolment.pk in taken_over
            if enrolment.state == EnrolmentState.ACTIVE and enrolment.contact_id != contact_id:
                if contact_id is None:
                    stopped[Reason.OTHER_PERSON].append(enrolment.pk)
                    continue
                enrolment.contact_id = contact_id
                moved.append(enrolment)
            if not is_settled and _has_lost_its_reason(sighting, enrolment):
                stopped[why_not(sighting, enrolment)].append(enrolment.pk)
    _begin(fresh)
    _begin_again(revived, now)
    Enrolment.objects.bulk_update(moved, ["contact"])
    for reason, ids in filter(itemgetter(1), stopped.items()):
        result.stopped += stop_by_id(ids, reason, now)
    result.enrolled += len(fresh) + len(revived)
    _close_tasks(sightings, now)
    hand_over(unsettled, now)


def _enrolments_of(sightings: Sequence[Sighting]) -> dict[int, list[Enrolment]]:
    found: dict[int, list[Enrolment]] = defaultdict(list)
    rows = Enrolment.objects.filter(order__in=[s.tracked.pk for s in sightings])
    followups = FollowUp.objects.select_related("step").annotate(told=F("message__state"))
    rows = rows.select_related("campaign", "order")
    for enrolment in rows.prefetch_related("lines", Prefetch("followups", followups)):
        found[enrolment.order_id or 0].append(enrolment)
    return found


def _enrolment(sighting: Sighting, plan: Wanted, contact_id: int, now: dt.datetime) -> Enrolment:
    return Enrolment(
        campaign=plan.campaign, contact_id=contact_id, order=sighting.tracked,
        key=plan.key, clock_at=plan.clock_at, enrolled_at=now,
    )  # fmt: skip


def _has_spoken(enrolment: Enrolment) -> bool:
    return any(
        f.state == FollowUpState.DONE and not _is_withdrawn(f) for f in enrolment.followups.all()
    )


def _may_begin_again(enrolment: Enrolment) -> bool:
    """News are told once. Who owes money is reminded by the steps that are left, if any."""
    is_over = enrolment.state == EnrolmentState.STOPPED and enrolment.reason in REVIVED
    return is_over and (
        enrolment.campaign.trigger == Trigger.ORDER_UNPAID or not _has_spoken(enrolment)
    )


def _may_be_taken_over(enrolment: Enrolment) -> bool:
    """Whether another campaign may say what this one has not come to say: it was switched off, or
    the order ended it. What staff have cancelled, or a rule has refused, stays so."""
    if enrolment.state == EnrolmentState.ACTIVE:
        return not enrolment.campaign.is_active and not _has_spoken(enrolment)
    is_over = enrolment.state == EnrolmentState.STOPPED and enrolment.reason in LEFT_OPEN
    return is_over and not _has_spoken(enrolment)


def _is_review(plan: Wanted) -> bool:
    return plan.campaign.trigger == Trigger.REVIEW_REQUEST


def _is_rival(enrolment: Enrolment, plan: Wanted) -> bool:
    """Whether it is of another campaign with the same trigger."""
    is_alike = enrolment.campaign.trigger == plan.campaign.trigger
    return is_alike and enrolment.campaign_id != plan.campaign.pk


def _says_the_same(enrolment: Enrolment, plan: Wanted) -> bool:
    """Whether another campaign has begun what is planned. Requests for reviews are about lines: two
    campaigns may count the same one from different milestones."""
    if not _is_rival(enrolment, plan):
        return False
    if _is_review(plan):
        return any(line.line_id in plan.lines for line in enrolment.lines.all())
    return enrolment.key == plan.key


def _is_withdrawn(followup: FollowUp) -> bool:
    """Whether the last look took its message back: it has said nothing."""
    return getattr(followup, "told", None) == MessageState.WITHDRAWN


def _without_told(plan: Wanted, former: Iterable[Enrolment]) -> Mapping[int, int]:
    """The lines of a plan. Nobody is asked twice to review a line, however its pieces came and
    whichever campaign has asked."""
    if not _is_review(plan):
        return plan.lines
    told = {
        line.line_id
        for enrolment in former
        if (enrolment.campaign_id == plan.campaign.pk and not _may_begin_again(enrolment))
        or (_is_rival(enrolment, plan) and not _may_be_taken_over(enrolment))
        for line in enrolment.lines.all()
    }
    return {pk: pieces for pk, pieces in plan.lines.items() if pk not in told}


def _has_lost_its_reason(sighting: Sighting, enrolment: Enrolment) -> bool:
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


def _begin(fresh: Sequence[tuple[Enrolment, Mapping[int, int]]]) -> None:
    """Store the enrolments with their lines and first follow-ups."""
    if not fresh:
        return
    rows = [enrolment for enrolment, _lines in fresh]
    Enrolment.objects.bulk_create(rows, ignore_conflicts=True)
    stored = {
        (e.campaign_id, e.order_id, e.key): e
        for e in Enrolment.objects.filter(
            order__in=[row.order_id for row in rows], state=EnrolmentState.ACTIVE
        )
    }
    lines: list[EnrolledLine] = []
    begun: list[Enrolment] = []
    for row, about in fresh:
        enrolment = stored.get((row.campaign_id, row.order_id, row.key))
        if enrolment is None:
            continue
        begun.append(enrolment)
        lines += [
            EnrolledLine(enrolment=enrolment, line_id=pk, quantity=pieces)
            for pk, pieces in about.items()
        ]
    EnrolledLine.objects.bulk_create(lines, ignore_conflicts=True)
    start(begun)


def _begin_again(enrolments: Sequence[Enrolment], now: dt.datetime) -> None:
    """Back to the first step that has said nothing, as if the status had never been set back."""
    if not enrolments:
        return
    clocks = {enrolment.pk: enrolment.clock_at for enrolment in enrolments}
    for enrolment in enrolments:
        enrolment.state, enrolment.reason, enrolment.ended_at = EnrolmentState.ACTIVE, "", None
    Enrolment.objects.bulk_update(
        enrolments, ["contact", "state", "reason", "ended_at", "clock_at"]
    )
    ended = (FollowUpState.CANCELLED, FollowUpState.SKIPPED, FollowUpState.MISSED)
    again: list[FollowUp] = []
    spoken: list[FollowUp] = []
    later: list[FollowUp] = []
    for enrolment in enrolments:
        mine = sorted(enrolment.followups.all(), key=lambda f: f.step.position)
        unsaid = [f for f in mine if f.state in ended or _is_withdrawn(f)]
        again += unsaid[:1]
        # one step at a time: those are planned when their turn comes
        later += unsaid[1:]
        spoken += mine[-1:] if not unsaid else ()
    FollowUp.objects.filter(pk__in=[f.pk for f in later], message__isnull=True).delete()
    for followup in again:
        followup.state, followup.reason, followup.ended_at = FollowUpState.PLANNED, "", None
        followup.planned_for = max(clocks[followup.enrolment_id], now) + followup.step.delay
        followup.due_at = followup.planned_for
        followup.claim_token = ""
    FollowUp.objects.bulk_update(
        again, ["state", "reason", "ended_at", "planned_for", "due_at", "claim_token"]
    )
    # what was taken back never reached a provider: it is written anew
    Message.objects.filter(followup__in=again, state=MessageState.WITHDRAWN).update(
        state=MessageState.RETRY, reason=""
    )
    plan_next(spoken, now)


def _close_tasks(sightings: Collection[Sighting], now: dt.datetime) -> None:
    """An order that was paid or cancelled is nobody's task any more."""
    settle(
        [
            s.progress.order.order_id
            for s in sightings
            if s.progress.is_cancelled or not s.progress.payment.is_due
        ],
        now,
    )
