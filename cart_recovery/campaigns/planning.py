"""From abandoned carts to enrolments and their next follow-up, in bulk.

A cart has at most one running enrolment among the abandonment campaigns. When the shopper comes
back and leaves again, the clock of that enrolment starts anew and only unsent steps remain. Who had
trouble at the checkout is helped first: that campaign goes before all others, and takes over from one
that is running.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from django.db import transaction

from cart_recovery import signals
from cart_recovery.campaigns.copies import enrolments_of_originals
from cart_recovery.campaigns.handing_over import hand_over
from cart_recovery.carts.idle import take_idle
from cart_recovery.carts.troubles import latest_troubles
from cart_recovery.conf import conf
from cart_recovery.models import (
    MAX_STEPS,
    Campaign,
    CartStage,
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    Reason,
    Step,
    TrackedCart,
    Trigger,
)

logger = logging.getLogger(__name__)

#: which triggers a cart of a stage answers to; the first one with an active campaign wins
TRIGGERS_BY_STAGE: dict[str, tuple[str, ...]] = {
    CartStage.BASKET: (Trigger.BASKET_ABANDONED,),
    CartStage.CHECKOUT: (Trigger.CHECKOUT_ABANDONED, Trigger.BASKET_ABANDONED),
}


@dataclass(slots=True)
class PlanResult:
    """Counts of one planning run."""

    abandoned: int = 0
    enrolled: int = 0
    restarted: int = 0
    left_alone: dict[str, int] = field(default_factory=dict)


def _count(counts: dict[str, int], key: str) -> None:
    # no defaultdict: dataclasses.asdict cannot copy one on Python 3.11
    counts[key] = counts.get(key, 0) + 1


def plan(now: dt.datetime, *, max_batches: int = 20) -> PlanResult:
    """Take idle carts batch by batch and enrol them. Constant queries per batch."""
    result = PlanResult()
    for _batch in range(max_batches):
        with transaction.atomic():
            batch = take_idle(now, conf.BATCH_SIZE)
            enrol(batch.abandoned, now=now, result=result)
            _announce(batch.abandoned)
        result.abandoned += len(batch.abandoned)
        if batch.taken < conf.BATCH_SIZE:
            break
    return result


def enrol(carts: Sequence[TrackedCart], *, now: dt.datetime, result: PlanResult) -> None:
    """Enrol abandoned carts (with contact) where a campaign wants them, or restart their clock."""
    if not carts:
        return
    campaigns = active_campaigns()
    troubles = troubles_for(carts, campaigns)
    known = _enrolments_of(carts)
    originals = enrolments_of_originals(carts)
    fresh: list[Enrolment] = []
    restarted: list[Enrolment] = []
    superseded: list[Enrolment] = []
    for cart in carts:
        campaign, why_not = campaign_for(cart, campaigns, now, trouble_at=troubles.get(cart.pk))
        former = known.get(cart.pk, [])
        running = next((e for e in former if e.state == EnrolmentState.ACTIVE), None)
        related = [*former, *originals.get(cart.pk, ())]
        if campaign and cart.contact_id is not None and _is_first_help(campaign, related):
            superseded += [e for e in related if e.state == EnrolmentState.ACTIVE]
            fresh.append(_enrolment(campaign, cart, cart.contact_id, now))
        elif running is not None and not _is_superseded(running, campaign):
            running.clock_at = cart.last_activity_at
            restarted.append(running)
        elif cart.pk in originals:
            restarted += _move_clocks(originals[cart.pk], cart)
            _count(result.left_alone, "restored_copy")
        elif campaign is None or cart.contact_id is None:
            _count(result.left_alone, why_not)
        elif any(e.campaign_id == campaign.pk for e in former) or (former and running is None):
            _count(result.left_alone, "already_followed_up")
        else:
            if running is not None:
                superseded.append(running)
            fresh.append(_enrolment(campaign, cart, cart.contact_id, now))
    stop(superseded, Reason.SUPERSEDED, now)
    _restart(restarted)
    _start(fresh)
    result.enrolled += len(fresh)
    result.restarted += len(restarted)


def plan_next(followups: Iterable[FollowUp], now: dt.datetime) -> None:
    """Plan the step after each of these ended follow-ups, or complete the enrolment after the last.

    A follow-up that came late pushes the next one back, so that at least half of the planned
    distance between two steps remains: an outage never ends in a burst. A step that has had its turn
    has no second one, wherever staff have moved it since. Needs `step` and `enrolment` loaded on each
    follow-up.
    """
    followups = list(followups)
    steps = _steps_by_campaign({f.enrolment.campaign_id for f in followups})
    begun, waiting = _begun_steps({f.enrolment_id for f in followups})
    following: list[FollowUp] = []
    completed: list[Enrolment] = []
    for followup in followups:
        if waiting[followup.enrolment_id] - {followup.pk}:
            continue
        later = (
            s
            for s in steps[followup.enrolment.campaign_id]
            if s.position > followup.step.position and s.pk not in begun[followup.enrolment_id]
        )
        step = next(later, None)
        if step is None:
            completed.append(followup.enrolment)
            continue
        least = now + max(dt.timedelta(0), step.delay - followup.step.delay) / 2
        due_at = max(followup.enrolment.clock_at + step.delay, least)
        following.append(
            FollowUp(
                enrolment_id=followup.enrolment_id, step=step, planned_for=due_at, due_at=due_at
            )
        )
    FollowUp.objects.bulk_create(following, ignore_conflicts=True)
    if completed:
        ids = [enrolment.pk for enrolment in completed]
        Enrolment.objects.filter(pk__in=ids, state=EnrolmentState.ACTIVE).update(
            state=EnrolmentState.COMPLETED, ended_at=now
        )
        hand_over(completed, now)


def stop(enrolments: Collection[Enrolment], reason: Reason, now: dt.datetime) -> None:
    """End these enrolments and cancel what they still planned. Four statements at the most."""
    if not enrolments:
        return
    stop_by_id([enrolment.pk for enrolment in enrolments], reason, now)


def stop_by_id(enrolment_ids: Collection[int], reason: Reason, now: dt.datetime) -> int:
    """The same by primary keys; counts those that were running. Claimed follow-ups see it at the
    last look before the provider call."""
    ids = list(enrolment_ids)
    stopped = Enrolment.objects.filter(pk__in=ids, state=EnrolmentState.ACTIVE).update(
        state=EnrolmentState.STOPPED, reason=reason, ended_at=now
    )
    FollowUp.objects.filter(enrolment_id__in=ids, state=FollowUpState.PLANNED).update(
        state=FollowUpState.CANCELLED, reason=reason, ended_at=now
    )
    return stopped


def _announce(carts: Sequence[TrackedCart]) -> None:
    if carts:
        transaction.on_commit(
            lambda: signals.carts_abandoned.send_robust(sender=TrackedCart, carts=list(carts))
        )


def active_campaigns() -> list[Campaign]:
    """The campaigns that take carts, the first in line first. One query."""
    return list(
        Campaign.objects.filter(is_active=True, activated_at__isnull=False).order_by(
            "priority", "pk"
        )
    )


def troubles_for(
    carts: Collection[TrackedCart], campaigns: Iterable[Campaign]
) -> dict[int, dt.datetime]:
    """When each cart last had trouble, where a campaign asks. One query, none without such one."""
    if all(campaign.trigger != Trigger.CHECKOUT_TROUBLE for campaign in campaigns):
        return {}
    return latest_troubles([cart.pk for cart in carts])


def campaign_for(
    cart: TrackedCart,
    campaigns: Sequence[Campaign],
    now: dt.datetime,
    *,
    trouble_at: dt.datetime | None = None,
) -> tuple[Campaign | None, str]:
    """The campaign that wants an abandoned cart, or why none does. Pure.

    `trouble_at`: when its checkout last failed. Help for that goes first, as long as the trouble
    itself is neither older than the campaign's activation nor than what the campaign takes.
    """
    help_ = next((c for c in campaigns if c.trigger == Trigger.CHECKOUT_TROUBLE), None)
    if help_ is not None and trouble_at is not None and not _refusal(help_, trouble_at, now):
        return help_, ""
    for trigger in TRIGGERS_BY_STAGE[cart.stage]:
        for campaign in campaigns:
            if campaign.trigger != trigger:
                continue
            refusal = _refusal(campaign, cart.last_activity_at, now)
            return (None, refusal) if refusal else (campaign, "")
    return None, Reason.CAMPAIGN_OFF


def _refusal(campaign: Campaign, at: dt.datetime, now: dt.datetime) -> str:
    """Why a campaign does not take what happened at this moment; "" where it does. Pure."""
    # promise of S8: switching a campaign on never mails last year's baskets
    if campaign.activated_at is None or at < campaign.activated_at:
        return Reason.BEFORE_ACTIVATION
    max_age = conf.MAX_CART_AGE if campaign.max_age is None else campaign.max_age
    return Reason.MISSED if now - at > max_age else ""


def _is_first_help(campaign: Campaign, related: Iterable[Enrolment]) -> bool:
    """Whether this is help with a checkout, which nobody has offered for this shopping before.

    It does not wait until reminders are through, and a copy that a restore link made gets it, too:
    there the shopper is stuck now.
    """
    is_help = campaign.trigger == Trigger.CHECKOUT_TROUBLE
    return is_help and all(e.campaign_id != campaign.pk for e in related)


def _enrolment(
    campaign: Campaign, cart: TrackedCart, contact_id: int, now: dt.datetime
) -> Enrolment:
    return Enrolment(
        campaign=campaign, contact_id=contact_id, cart=cart,
        clock_at=cart.last_activity_at, enrolled_at=now,
    )  # fmt: skip


def _enrolments_of(carts: Sequence[TrackedCart]) -> dict[int, list[Enrolment]]:
    found: dict[int, list[Enrolment]] = defaultdict(list)
    rows = Enrolment.objects.filter(cart__in=carts).select_related("campaign")
    for enrolment in rows.prefetch_related("followups"):
        if enrolment.cart_id is not None:
            found[enrolment.cart_id].append(enrolment)
    return found


def _is_superseded(running: Enrolment, campaign: Campaign | None) -> bool:
    """A cart that went on to the checkout changes campaigns only while nothing was sent."""
    if campaign is None or campaign.pk == running.campaign_id:
        return False
    if campaign.trigger == running.campaign.trigger:
        return False
    return all(f.state == FollowUpState.PLANNED for f in running.followups.all())


def _move_clocks(enrolments: Iterable[Enrolment], copy: TrackedCart) -> list[Enrolment]:
    """Those still running, their delays counted from the last activity in the restored copy."""
    running = [e for e in enrolments if e.state == EnrolmentState.ACTIVE]
    for enrolment in running:
        enrolment.clock_at = max(enrolment.clock_at, copy.last_activity_at)
    return running


def _restart(enrolments: Sequence[Enrolment]) -> None:
    if not enrolments:
        return
    Enrolment.objects.bulk_update(enrolments, ["clock_at"])
    waiting = FollowUp.objects.filter(
        enrolment__in=enrolments, state=FollowUpState.PLANNED
    ).select_related("step", "enrolment")
    moved = list(waiting)
    for followup in moved:
        followup.planned_for = followup.enrolment.clock_at + followup.step.delay
        followup.due_at = followup.planned_for
    FollowUp.objects.bulk_update(moved, ["planned_for", "due_at"])


def _start(enrolments: Sequence[Enrolment]) -> None:
    if not enrolments:
        return
    # a double of the unique (campaign, cart) is another sweep's work: it planned the first step too
    Enrolment.objects.bulk_create(enrolments, ignore_conflicts=True)
    start(
        Enrolment.objects.filter(
            cart__in=[e.cart_id for e in enrolments], state=EnrolmentState.ACTIVE
        )
    )


def start(stored: Iterable[Enrolment]) -> None:
    """Plan the first follow-ups of stored enrolments that have none yet. Two statements."""
    stored = list(stored)
    steps = _steps_by_campaign({e.campaign_id for e in stored})
    first: list[FollowUp] = []
    for enrolment in stored:
        step = next(iter(steps[enrolment.campaign_id]), None)
        if step is not None:
            due_at = enrolment.clock_at + step.delay
            first.append(
                FollowUp(enrolment=enrolment, step=step, planned_for=due_at, due_at=due_at)
            )
    FollowUp.objects.bulk_create(first, ignore_conflicts=True)


def _begun_steps(
    enrolment_ids: Collection[int],
) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """By enrolment: the steps that have a follow-up, and the follow-ups that are planned. One query."""
    begun: dict[int, set[int]] = defaultdict(set)
    waiting: dict[int, set[int]] = defaultdict(set)
    rows = FollowUp.objects.filter(enrolment__in=enrolment_ids).order_by()
    for enrolment_id, step_id, pk, state in rows.values_list(
        "enrolment_id", "step_id", "pk", "state"
    ):
        begun[enrolment_id].add(step_id)
        if state == FollowUpState.PLANNED:
            waiting[enrolment_id].add(pk)
    return begun, waiting


def _steps_by_campaign(campaign_ids: Collection[int]) -> dict[int, list[Step]]:
    """The steps in their order, no more than the campaign's trigger allows."""
    steps: dict[int, list[Step]] = defaultdict(list)
    rows = Step.objects.filter(campaign__in=campaign_ids).select_related("campaign")
    for step in rows.order_by("position"):
        most = MAX_STEPS.get(step.campaign.trigger)
        if most is None or len(steps[step.campaign_id]) < most:
            steps[step.campaign_id].append(step)
    return steps
