"""How messages change state. The row is written and committed before the provider is called.

What can still go wrong after that commit: the worker dies in mid-call. Then nobody knows whether
the provider has the message, and it is *unknown*: the provider's own reports may clear it up, but
it is never sent again. A lost reminder is cheaper than a second one.
"""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final, TypeVar

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Subquery

from cart_recovery.channels.base import Outcome, OutcomeKind, OutgoingMessage
from cart_recovery.conf import conf
from cart_recovery.delivery import capping
from cart_recovery.delivery import followups as transitions
from cart_recovery.models import FollowUp, FollowUpState, Message, MessageState, Notice, Reason
from cart_recovery.models.inserts import insert_all

#: states of a follow-up or notice that never change again by themselves
ENDED: Final = (FollowUpState.SKIPPED, FollowUpState.MISSED, FollowUpState.CANCELLED)
ORIGINS: Final[tuple[type[FollowUp] | type[Notice], ...]] = (FollowUp, Notice)
#: at a time; the next sweep goes on
MAX_ENDED: Final = 5_000


@dataclass(slots=True)
class Call(ABC):
    """A rendered message on its way: its row and what goes out. What it was made from, and how that
    changes state, is the subclass's to say."""

    message: Message
    outgoing: OutgoingMessage

    @property
    @abstractmethod
    def origin_id(self) -> int:
        """Primary key of what the message was made from."""

    @staticmethod
    def lock_people(calls: Sequence[Any]) -> set[int]:
        """Lock the persons by whose caps these are judged; none, where no cap is for them."""
        return set()

    @staticmethod
    def admit(calls: Sequence[Any], people: set[int], *, token: str, now: dt.datetime) -> list[Any]:
        """Those within all caps of the locked people; the others are planned again."""
        return list(calls)

    @staticmethod
    @abstractmethod
    def lock_claimed(ids: Sequence[int], token: str) -> set[int]:
        """Which of these origins still belong to the claim, locked."""

    @staticmethod
    @abstractmethod
    def mark_done(calls: Sequence[Any], now: dt.datetime) -> None:
        """The messages of these (locked, still claimed) origins exist."""

    @staticmethod
    @abstractmethod
    def hand_back(ids: Iterable[int], *, until: dt.datetime, reason: Reason) -> None:
        """Plan origins again whose message surely did not reach the provider."""


@dataclass(slots=True)
class Draft(Call):
    """The message of a follow-up."""

    followup: FollowUp

    @property
    def origin_id(self) -> int:
        return self.followup.pk

    @staticmethod
    def lock_people(calls: Sequence[Draft]) -> set[int]:
        return capping.lock_people([call.followup.enrolment for call in calls])

    @staticmethod
    def admit(
        calls: Sequence[Draft], people: set[int], *, token: str, now: dt.datetime
    ) -> list[Draft]:
        held, refused = capping.split(calls, people, now)
        transitions.postpone(refused, token=token)
        return held

    @staticmethod
    def lock_claimed(ids: Sequence[int], token: str) -> set[int]:
        return transitions.lock_claimed(ids, token)

    @staticmethod
    def mark_done(calls: Sequence[Draft], now: dt.datetime) -> None:
        transitions.mark_done([call.followup for call in calls], now)

    @staticmethod
    def hand_back(ids: Iterable[int], *, until: dt.datetime, reason: Reason) -> None:
        transitions.hand_back(ids, until=until, reason=reason)


C = TypeVar("C", bound=Call)


def open_calls(drafts: Sequence[C], *, token: str, now: dt.datetime) -> list[C]:
    """Write the messages as SENDING and end what they were made from, in one transaction.

    Gives back the drafts (all of one kind) that may be handed over: those whose claim still holds,
    whose origin has no message yet (or one that surely never reached the provider), and that no cap
    forbids. Who is over a cap is planned again for when there is room.
    """
    if not drafts:
        return []
    kind = type(drafts[0])
    with transaction.atomic():
        # before what they are made from, as all who lock a person do
        people = kind.lock_people(drafts)
        mine = kind.lock_claimed([d.origin_id for d in drafts], token)
        held = [d for d in drafts if d.origin_id in mine]
        retried = _lock_retries([d.message.pk for d in held if d.message.pk is not None])
        # a report came after all: the provider has it, whatever its answer was
        reported = [d for d in held if d.message.pk is not None and d.message.pk not in retried]
        held = [d for d in held if d.message.pk is None or d.message.pk in retried]
        held = kind.admit(held, people, token=token, now=now)
        for draft in held:
            draft.message.state = MessageState.SENDING
            draft.message.sending_at = now
        # the unique origin of a message refuses a second one, whatever happened before
        _insert([d.message for d in held if d.message.pk is None])
        Message.objects.bulk_update(
            [d.message for d in held if d.message.pk in retried], RETRIED_FIELDS
        )
        kind.mark_done([*held, *reported], now)
    return held


def withdraw(drafts: Iterable[tuple[Call, Reason]], state: MessageState) -> None:
    """Take back messages that the last look forbids: for good (WITHDRAWN), or until their moment
    comes (RETRY). They were never handed to a provider."""
    _write_outcomes([(state, reason, "", "", None, d.message.pk) for d, reason in drafts])


def record(results: Sequence[tuple[Call, Outcome]], now: dt.datetime) -> None:
    """Write what the provider answered. A report that was quicker than our answer is not undone."""
    _write_outcomes([_outcome_row(draft, outcome, now) for draft, outcome in results])


def give_up_stuck(now: dt.datetime) -> int:
    """Calls whose worker has died: their outcome is unknown from here on."""
    stuck = Message.objects.filter(
        state=MessageState.SENDING, sending_at__lt=now - conf.UNKNOWN_AFTER
    )
    return stuck.update(state=MessageState.UNKNOWN, reason=Reason.WORKER_DIED)


def end_idle_retries() -> int:
    """Messages that waited to be tried again, and whose follow-up or notice has ended since (bought,
    cancelled, too late …): nobody comes back to them. The reason is that of what they hung on."""
    waiting = Message.objects.filter(state=MessageState.RETRY).order_by()
    ended = 0
    for origin in ORIGINS:
        name = str(origin._meta.model_name)
        reason = origin._base_manager.filter(pk=OuterRef(f"{name}_id")).values("reason")[:1]
        # by keys: MySQL reads no table in the statement that changes it
        keys = list(
            waiting.filter(
                Exists(origin._base_manager.filter(state__in=ENDED, pk=OuterRef(f"{name}_id")))
            ).values_list("pk", flat=True)[:MAX_ENDED]
        )
        if keys:
            ended += waiting.filter(pk__in=keys).update(
                state=MessageState.WITHDRAWN, reason=Subquery(reason)
            )
    return ended


RETRIED_FIELDS = (
    "contact", "state", "sending_at", "attempts", "channel", "language", "to_address", "address_digest",
    "subject", "html", "text", "sms_parts", "reason", "detail",
)  # fmt: skip

STATE_BY_OUTCOME: Mapping[OutcomeKind, tuple[MessageState, Reason | str]] = {
    OutcomeKind.ACCEPTED: (MessageState.SENT, ""),
    OutcomeKind.PERMANENT: (MessageState.FAILED, Reason.PROVIDER_REFUSED),
    OutcomeKind.CONFIGURATION: (MessageState.RETRY, Reason.CHANNEL_PAUSED),
    OutcomeKind.RETRY_SAFE: (MessageState.RETRY, Reason.RATE_LIMITED),
    OutcomeKind.UNKNOWN: (MessageState.UNKNOWN, Reason.OUTCOME_UNKNOWN),
}

OutcomeRow = tuple[str, str, str, str, dt.datetime | None, int]


def _outcome_row(draft: Call, outcome: Outcome, now: dt.datetime) -> OutcomeRow:
    state, reason = STATE_BY_OUTCOME[outcome.kind]
    is_safe = outcome.kind is OutcomeKind.RETRY_SAFE
    if is_safe and outcome.was_tried and draft.message.attempts >= conf.MAX_ATTEMPTS:
        state, reason = MessageState.FAILED, Reason.GAVE_UP
    sent_at = now if outcome.kind is OutcomeKind.ACCEPTED else None
    detail = f"{outcome.code} {outcome.detail}".strip()[:500]
    draft.message.state = state
    return state, reason, detail, outcome.provider_message_id[:128], sent_at, draft.message.pk


def _insert(messages: Sequence[Message]) -> None:
    """Insert new rows and fill in their keys."""
    insert_all(messages)
    keys = dict(
        Message.objects.filter(public_id__in=[message.public_id for message in messages])
        .order_by()
        .values_list("public_id", "pk")
    )
    for message in messages:
        message.pk = keys[message.public_id]
        message._state.adding = False


def _write_outcomes(rows: Sequence[OutcomeRow]) -> None:
    """One statement for all, sent as often as there are rows: ten times quicker than CASE WHEN.

    State, reason and detail change only while the message is still in our hands; the provider's id
    and the time are kept in any case, since a webhook may have been quicker.
    """
    if not rows:
        return
    in_hands = f"state IN ('{MessageState.SENDING}', '{MessageState.UNKNOWN}')"
    sql = (
        f"UPDATE {connection.ops.quote_name(Message._meta.db_table)} SET "  # noqa: S608 own names only
        f"reason = CASE WHEN {in_hands} THEN %s ELSE reason END, "
        # what was emptied meanwhile stays empty: the person had their data deleted
        f"detail = CASE WHEN {in_hands} AND emptied_at IS NULL THEN %s ELSE detail END, "
        "provider_message_id = CASE WHEN %s <> '' AND emptied_at IS NULL THEN %s "
        "ELSE provider_message_id END, "
        "sent_at = COALESCE(sent_at, %s), "
        # MySQL evaluates from left to right: the state that the others look at comes last
        f"state = CASE WHEN {in_hands} THEN %s ELSE state END "
        "WHERE id = %s"
    )
    adapt = connection.ops.adapt_datetimefield_value
    parameters = [
        (str(reason), detail, provider_id, provider_id, adapt(at) if at else None, str(state), pk)
        # in the order in which reports lock the same rows
        for state, reason, detail, provider_id, at, pk in sorted(rows, key=itemgetter(-1))
    ]
    # one commit
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.executemany(sql, parameters)


def _lock_retries(ids: Sequence[int]) -> set[int]:
    if not ids:
        return set()
    rows = Message.objects.filter(pk__in=ids, state=MessageState.RETRY)
    if connection.features.has_select_for_update:
        rows = rows.select_for_update()
    return set(rows.values_list("pk", flat=True))
