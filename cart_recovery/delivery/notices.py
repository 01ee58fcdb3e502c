"""How notices change state in delivery. Each change holds only for the owner of the claim."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import F

from cart_recovery.delivery.claims import Claims
from cart_recovery.delivery.outbox import Call
from cart_recovery.eligibility.verdicts import Skip, Wait
from cart_recovery.models import FollowUpState, Message, MessageState, Notice, Reason

_claims: Final = Claims(Notice)
claim_due = _claims.claim_due
release_stale = _claims.release_stale
count_due = _claims.count_due


@dataclass(slots=True)
class NoticeCall(Call):
    """The message of a notice."""

    notice: Notice

    @property
    def origin_id(self) -> int:
        return self.notice.pk

    @staticmethod
    def lock_claimed(ids: Sequence[int], token: str) -> set[int]:
        return _claims.lock_claimed(ids, token)

    @staticmethod
    def mark_done(calls: Sequence[NoticeCall], now: dt.datetime) -> None:
        Notice.objects.filter(pk__in=[call.notice.pk for call in calls]).update(
            state=FollowUpState.DONE, reason="", ended_at=now
        )

    @staticmethod
    def hand_back(ids: Iterable[int], *, until: dt.datetime, reason: Reason) -> None:
        """Plan again, with a longer wait each time; the rules end it once it is too late."""
        Notice.objects.filter(pk__in=list(ids), state=FollowUpState.DONE).update(
            state=FollowUpState.PLANNED, due_at=until, reason=reason, claim_token="",
            attempts=F("attempts") + 1, ended_at=None,
        )  # fmt: skip


def with_relations(notice_ids: Iterable[int]) -> list[Notice]:
    """The notices with all that rules and rendering need, oldest first. One query."""
    return list(
        Notice.objects.filter(pk__in=list(notice_ids))
        .select_related("contact", "opt_in__wording", "message")
        .order_by("due_at", "pk")
    )  # fmt: skip


def skip(refused: Sequence[tuple[Notice, Skip]], *, token: str, now: dt.datetime) -> None:
    """End notices with their reason, and with them messages that were to be tried again."""
    if not refused:
        return
    with transaction.atomic():
        mine = _claims.lock_claimed([n.pk for n, _verdict in refused], token)
        held = [(n, verdict) for n, verdict in refused if n.pk in mine]
        for notice, verdict in held:
            is_late = verdict.reason == Reason.MISSED
            notice.state = FollowUpState.MISSED if is_late else FollowUpState.SKIPPED
            notice.reason = verdict.reason
            notice.ended_at = now
        Notice.objects.bulk_update([n for n, _verdict in held], ["state", "reason", "ended_at"])
        Message.objects.filter(
            notice_id__in=[n.pk for n, _verdict in held], state=MessageState.RETRY
        ).update(state=MessageState.FAILED, reason=Reason.GAVE_UP)


def postpone(waiting: Sequence[tuple[Notice, Wait]], *, token: str) -> None:
    """Give notices back until their moment comes; then they are judged from the start."""
    if not waiting:
        return
    with transaction.atomic():
        mine = _claims.lock_claimed([n.pk for n, _verdict in waiting], token)
        held = [(n, verdict) for n, verdict in waiting if n.pk in mine]
        for notice, verdict in held:
            notice.state = FollowUpState.PLANNED
            notice.reason = verdict.reason
            notice.due_at = verdict.until
        Notice.objects.bulk_update([n for n, _verdict in held], ["state", "reason", "due_at"])


def withdraw(notices: Iterable[tuple[Notice, Reason]], now: dt.datetime) -> None:
    """The last look forbids them for good: their messages say why, and so do they."""
    rows = list(notices)
    for notice, reason in rows:
        notice.state, notice.reason, notice.ended_at = FollowUpState.SKIPPED, reason, now
    Notice.objects.bulk_update([n for n, _reason in rows], ["state", "reason", "ended_at"])
