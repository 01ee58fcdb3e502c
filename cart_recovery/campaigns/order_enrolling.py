"""How enrolments of orders are read, stored when they begin, and begin again. In bulk."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping, Sequence

from django.db.models import F, Prefetch

from cart_recovery.campaigns.planning import plan_next, start
from cart_recovery.models import (
    EnrolledLine,
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    Message,
    MessageState,
)
from cart_recovery.orders.looking import Sighting


def enrolments_of(sightings: Sequence[Sighting]) -> dict[int, list[Enrolment]]:
    """Those of these orders, by the keys of the tracked orders, with campaigns, lines and follow-ups."""
    found: dict[int, list[Enrolment]] = defaultdict(list)
    rows = Enrolment.objects.filter(order__in=[s.tracked.pk for s in sightings])
    followups = FollowUp.objects.select_related("step").annotate(told=F("message__state"))
    rows = rows.select_related("campaign", "order")
    for enrolment in rows.prefetch_related("lines", Prefetch("followups", followups)):
        found[enrolment.order_id or 0].append(enrolment)
    return found


def begin(fresh: Sequence[tuple[Enrolment, Mapping[int, int]]]) -> None:
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


def begin_again(enrolments: Sequence[Enrolment], now: dt.datetime) -> None:
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
        unsaid = [f for f in mine if f.state in ended or is_withdrawn(f)]
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


def has_spoken(enrolment: Enrolment) -> bool:
    """Whether anything was said for it. Needs what `enrolments_of` loads."""
    return any(
        f.state == FollowUpState.DONE and not is_withdrawn(f) for f in enrolment.followups.all()
    )


def is_withdrawn(followup: FollowUp) -> bool:
    """Whether the last look took its message back: it has said nothing."""
    return getattr(followup, "told", None) == MessageState.WITHDRAWN
