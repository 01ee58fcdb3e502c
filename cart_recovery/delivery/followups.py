"""How follow-ups change state in delivery. Each change holds only for the owner of the claim."""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final, cast

from django.db import connection, transaction
from django.db.models import Case, F, Field, Value, When
from django.db.models.functions import Cast

from cart_recovery.campaigns.planning import plan_next, stop_by_id
from cart_recovery.delivery.claims import Claims
from cart_recovery.eligibility.verdicts import Skip, Wait
from cart_recovery.models import Enrolment, EnrolmentState, FollowUp, FollowUpState, Reason

logger = logging.getLogger(__name__)


_claims: Final = Claims(FollowUp)
claim_due = _claims.claim_due
release_stale = _claims.release_stale
count_due = _claims.count_due
lock_claimed = _claims.lock_claimed


def skip(refused: Sequence[tuple[FollowUp, Skip]], *, token: str, now: dt.datetime) -> None:
    """End follow-ups with their reason, and plan what comes after or end the enrolment."""
    if not refused:
        return
    with transaction.atomic():
        mine = lock_claimed([f.pk for f, _verdict in refused], token)
        held = [(f, verdict) for f, verdict in refused if f.pk in mine]
        for followup, verdict in held:
            followup.state = (
                FollowUpState.MISSED if verdict.reason == Reason.MISSED else FollowUpState.SKIPPED
            )
            followup.reason = verdict.reason
            followup.choice_reason = verdict.detail[:64]
            followup.ended_at = now
        FollowUp.objects.bulk_update(
            [f for f, _verdict in held], ["state", "reason", "choice_reason", "ended_at"]
        )
        plan_next([f for f, verdict in held if not verdict.ends_enrolment], now)
        _stop_enrolments(held, now)


def postpone(waiting: Sequence[tuple[FollowUp, Wait]], *, token: str) -> None:
    """Give follow-ups back until their moment comes; then they are judged from the start."""
    if not waiting:
        return
    with transaction.atomic():
        mine = lock_claimed([f.pk for f, _verdict in waiting], token)
        held = [f for f, _verdict in waiting if f.pk in mine]
        verdicts = {f.pk: verdict for f, verdict in waiting}
        for followup in held:
            followup.state = FollowUpState.PLANNED
            followup.reason = verdicts[followup.pk].reason
            followup.due_at = verdicts[followup.pk].until
        FollowUp.objects.bulk_update(held, ["state", "reason", "due_at"])


def hand_back(followup_ids: Iterable[int], *, until: dt.datetime, reason: Reason) -> None:
    """Plan follow-ups again whose message surely did not reach the provider."""
    ids = list(followup_ids)
    # the last step completes its enrolment; a step that is open again opens it again
    Enrolment.objects.filter(followups__in=ids, state=EnrolmentState.COMPLETED).update(
        state=EnrolmentState.ACTIVE, ended_at=None
    )
    FollowUp.objects.filter(pk__in=ids, state=FollowUpState.DONE).update(
        state=FollowUpState.PLANNED, due_at=until, reason=reason, claim_token="",
        attempts=F("attempts") + 1, ended_at=None,
    )  # fmt: skip


def mark_done(followups: Sequence[FollowUp], now: dt.datetime) -> None:
    """The message of these (locked, still claimed) follow-ups exists; plan what comes after."""
    for followup in followups:
        followup.state = FollowUpState.DONE
        followup.reason = ""
        followup.ended_at = now
    if followups:
        FollowUp.objects.filter(pk__in=[f.pk for f in followups]).update(
            state=FollowUpState.DONE, reason="", ended_at=now,
            variant_id=_values_of("variant_id", followups),
            choice_reason=_values_of("choice_reason", followups),
        )  # fmt: skip
    plan_next(followups, now)


def _values_of(attribute: str, followups: Sequence[FollowUp]) -> Any:
    """What each row gets, for `update`: a CASE per value, where `bulk_update` has one per row."""
    keys: dict[Any, list[int]] = defaultdict(list)
    for followup in followups:
        keys[getattr(followup, attribute)].append(followup.pk)
    if len(keys) == 1:
        return next(iter(keys))
    field = cast("Field[Any, Any]", FollowUp._meta.get_field(attribute))
    cases = [When(pk__in=pks, then=Value(value, field)) for value, pks in keys.items()]
    chosen = Case(*cases, output_field=field)
    # PostgreSQL takes a CASE of bare parameters for text
    return Cast(chosen, field) if connection.features.requires_casted_case_in_updates else chosen


def _stop_enrolments(held: Iterable[tuple[FollowUp, Skip]], now: dt.datetime) -> None:
    by_reason: dict[Reason, list[int]] = defaultdict(list)
    for followup, verdict in held:
        if verdict.ends_enrolment:
            by_reason[verdict.reason].append(followup.enrolment_id)
    for reason, ids in by_reason.items():
        stop_by_id(ids, reason, now)
