"""Deliver what is due: claim, judge, render, write, look once more, call, record.

While the providers of one batch are called, the next batch is prepared. Memory holds two batches.
"""

from __future__ import annotations

import datetime as dt
import logging
import time
from collections.abc import Sequence
from typing import Protocol

from django.utils import timezone

from cart_recovery.conf import conf
from cart_recovery.delivery import followups as transitions
from cart_recovery.delivery import handover, last_look, outbox, withdrawing
from cart_recovery.delivery.claims import new_claim_token
from cart_recovery.delivery.composing import Approved, compose
from cart_recovery.delivery.notice_batches import NoticeBatch
from cart_recovery.delivery.outbox import Call, Draft
from cart_recovery.delivery.results import Clock, DeliveryResult
from cart_recovery.eligibility.facts import load_facts, with_relations
from cart_recovery.eligibility.rules import judge
from cart_recovery.eligibility.verdicts import Send, Skip, Wait
from cart_recovery.models import FollowUp, FollowUpState, Reason
from cart_recovery.orders.naming import look_again

logger = logging.getLogger(__name__)


class Batch(Protocol):
    """One claim on its way. Its moments are read when they happen, not when the run began."""

    def prepare(self) -> bool:
        """Claim, judge and render. False when nothing was due."""

    def open(self) -> Sequence[Call]:
        """Write the outbox, look once more; what is left may be handed over."""


def deliver_due(
    *, budget: dt.timedelta | None = None, clock: Clock = timezone.now
) -> DeliveryResult:
    """Deliver batch after batch until nothing is due, or until `budget` is used up.

    Safe to run any number of times at once: a follow-up belongs to one claim, and its message row
    exists before the provider is called.
    """
    result = DeliveryResult()
    ends = time.monotonic() + budget.total_seconds() if budget is not None else None
    calls = handover.Handover()
    try:
        while (batch := _next_batch(result, clock)) is not None:
            _settle(calls, result, clock)
            calls.start(batch.open())
            if ends is not None and time.monotonic() >= ends:
                break
    finally:
        # also after an error in preparing: calls under way must find their way into the outbox
        _settle(calls, result, clock)
        calls.close()
    return result


def _settle(calls: handover.Handover, result: DeliveryResult, clock: Clock) -> None:
    result.messages.update(handover.settle(calls.finish(), clock()))


def _next_batch(result: DeliveryResult, clock: Clock) -> Batch | None:
    """What people asked for and wait for goes first."""
    batches: tuple[Batch, ...] = (NoticeBatch(result, clock), FollowUpBatch(result, clock))
    return next((batch for batch in batches if batch.prepare()), None)


class FollowUpBatch:
    """The steps of campaigns that are due."""

    def __init__(self, result: DeliveryResult, clock: Clock) -> None:
        self.result = result
        self.clock = clock
        self.token = new_claim_token()
        self.drafts: list[Draft] = []

    def prepare(self) -> bool:
        ids = transitions.claim_due(self.clock(), limit=conf.BATCH_SIZE, token=self.token)
        self.result.claimed += len(ids)
        if not ids:
            return False
        followups = with_relations(ids)
        approved = self._judge(followups)
        composition = compose(approved, self.clock())
        self._skip(composition.failed)
        self.drafts = composition.drafts
        return True

    def open(self) -> list[Draft]:
        held = outbox.open_calls(self.drafts, token=self.token, now=self.clock())
        handed_back = [d.followup for d in self.drafts if d.followup.state == FollowUpState.PLANNED]
        self.result.waiting.update(str(followup.reason) for followup in handed_back)
        go, stay = last_look.look(held, self.clock())
        withdrawing.withdraw(stay, self.clock())
        self.result.withdrawn.update(str(reason) for _draft, reason in stay)
        return go

    def _judge(self, followups: Sequence[FollowUp]) -> list[Approved]:
        now = self.clock()
        approved: list[Approved] = []
        refused: list[tuple[FollowUp, Skip]] = []
        waiting: list[tuple[FollowUp, Wait]] = []
        for facts in load_facts(followups, now):
            try:
                verdict = judge(facts, now)
            except Exception:
                # one poisoned row must not hold up the others for ever (PAINS 22)
                logger.exception("Follow-up %s cannot be judged", facts.followup.pk)
                verdict = Skip(Reason.INTERNAL_ERROR)
            if isinstance(verdict, Send):
                approved.append((facts, verdict))
            elif isinstance(verdict, Wait):
                waiting.append((facts.followup, verdict))
            else:
                refused.append((facts.followup, verdict))
        transitions.postpone(waiting, token=self.token)
        look_again(
            {
                pk
                for followup, verdict in waiting
                if verdict.reason == Reason.OTHER_PERSON
                and (pk := followup.enrolment.order_id) is not None
            },
            now,
        )
        self.result.waiting.update(str(verdict.reason) for _f, verdict in waiting)
        self._skip(refused)
        return approved

    def _skip(self, refused: Sequence[tuple[FollowUp, Skip]]) -> None:
        transitions.skip(refused, token=self.token, now=self.clock())
        self.result.skipped.update(str(verdict.reason) for _f, verdict in refused)
