"""From what orders have reached to enrolments and their first follow-up, in bulk.

What an order's campaigns should be is worked out anew each time something is said about it, and
brought in line with what is planned: new enrolments begin, those whose reason has gone end, and one
that ended because a status was set back begins again, as long as it has said nothing.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from django.db import transaction

from cart_recovery.campaigns.handing_over import hand_over, settle, settle_deleted
from cart_recovery.campaigns.order_enrolling import (
    begin,
    begin_again,
    enrolments_of,
    has_spoken,
)
from cart_recovery.campaigns.order_wants import Wanted, has_lost_its_reason, wanted, why_not
from cart_recovery.campaigns.planning import active_campaigns, stop_by_id
from cart_recovery.conf import conf
from cart_recovery.models import (
    ORDER_TRIGGERS,
    Campaign,
    Enrolment,
    EnrolmentState,
    Reason,
    Trigger,
)
from cart_recovery.orders import looking
from cart_recovery.orders.looking import Sighting

#: of one run; the next sweep goes on
MAX_BATCHES: Final = 20
#: reasons for which an enrolment ended that may begin again
REVIVED: Final = frozenset(
    {
        Reason.SET_BACK, Reason.OVERTAKEN, Reason.TAKEN_BACK, Reason.ORDER_CANCELLED,
        Reason.ORDER_PAID, Reason.OTHER_PERSON,
    }
)  # fmt: skip
#: the same for which another campaign of the trigger may begin instead
LEFT_OPEN: Final = REVIVED | {Reason.CAMPAIGN_OFF, Reason.SUPERSEDED}


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


@dataclass(slots=True)
class _Changes:
    """What is to be written so that enrolments are in line with their orders."""

    fresh: list[tuple[Enrolment, Mapping[int, int]]] = field(default_factory=list)
    revived: list[Enrolment] = field(default_factory=list)
    #: complete, and still wanted
    unsettled: list[Enrolment] = field(default_factory=list)
    #: to the contact that their order names now
    moved: list[Enrolment] = field(default_factory=list)
    stopped: dict[Reason, list[int]] = field(default_factory=lambda: defaultdict(list))


def _bring_in_line(
    sightings: Sequence[Sighting],
    campaigns: Sequence[Campaign],
    now: dt.datetime,
    result: OrderPlanResult,
) -> None:
    known = enrolments_of(sightings)
    changes = _Changes()
    for sighting in sightings:
        former = known.get(sighting.tracked.pk, [])
        plans = {(w.campaign.pk, w.key): w for w in wanted(sighting, campaigns, now)}
        taken_over = _begin_what_is_wanted(sighting, plans, former, changes, now)
        changes.stopped[Reason.SUPERSEDED] += taken_over
        still_wanted = [e for e in former if (e.campaign_id, e.key) in plans]
        _go_on_or_end(sighting, former, {e.pk for e in still_wanted} | taken_over, changes)
    begin(changes.fresh)
    begin_again(changes.revived, now)
    Enrolment.objects.bulk_update(changes.moved, ["contact"])
    for reason, ids in filter(itemgetter(1), changes.stopped.items()):
        result.stopped += stop_by_id(ids, reason, now)
    result.enrolled += len(changes.fresh) + len(changes.revived)
    _close_tasks(sightings, now)
    hand_over(changes.unsettled, now)


def _begin_what_is_wanted(
    sighting: Sighting,
    plans: Mapping[tuple[int, str], Wanted],
    former: Sequence[Enrolment],
    changes: _Changes,
    now: dt.datetime,
) -> set[int]:
    """Gives the keys of enrolments of other campaigns in whose place others begin."""
    own = {(e.campaign_id, e.key): e for e in former}
    taken_over: set[int] = set()
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
            changes.fresh.append((_enrolment(sighting, plan, contact_id, now), lines))
        elif is_free and contact_id is not None and _may_begin_again(enrolment):
            enrolment.contact_id = contact_id
            enrolment.clock_at = max(plan.clock_at, enrolment.clock_at)
            changes.revived.append(enrolment)
        else:
            if enrolment.state == EnrolmentState.COMPLETED:
                changes.unsettled.append(enrolment)
            continue
        taken_over |= {e.pk for e in rivals if _may_be_taken_over(e)}
    return taken_over


def _go_on_or_end(
    sighting: Sighting, former: Sequence[Enrolment], settled: Collection[int], changes: _Changes
) -> None:
    contact_id = sighting.tracked.contact_id
    for enrolment in former:
        if enrolment.state == EnrolmentState.ACTIVE and enrolment.contact_id != contact_id:
            if contact_id is None:
                changes.stopped[Reason.OTHER_PERSON].append(enrolment.pk)
                continue
            enrolment.contact_id = contact_id
            changes.moved.append(enrolment)
        if enrolment.pk not in settled and has_lost_its_reason(sighting, enrolment):
            changes.stopped[why_not(sighting, enrolment)].append(enrolment.pk)


def _enrolment(sighting: Sighting, plan: Wanted, contact_id: int, now: dt.datetime) -> Enrolment:
    return Enrolment(
        campaign=plan.campaign, contact_id=contact_id, order=sighting.tracked,
        key=plan.key, clock_at=plan.clock_at, enrolled_at=now,
    )  # fmt: skip


def _may_begin_again(enrolment: Enrolment) -> bool:
    """News are told once. Who owes money is reminded by the steps that are left, if any."""
    is_over = enrolment.state == EnrolmentState.STOPPED and enrolment.reason in REVIVED
    return is_over and (
        enrolment.campaign.trigger == Trigger.ORDER_UNPAID or not has_spoken(enrolment)
    )


def _may_be_taken_over(enrolment: Enrolment) -> bool:
    """Whether another campaign may say what this one has not come to say: it was switched off, or
    the order ended it. What staff have cancelled, or a rule has refused, stays so."""
    if enrolment.state == EnrolmentState.ACTIVE:
        return not enrolment.campaign.is_active and not has_spoken(enrolment)
    is_over = enrolment.state == EnrolmentState.STOPPED and enrolment.reason in LEFT_OPEN
    return is_over and not has_spoken(enrolment)


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
