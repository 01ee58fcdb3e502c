"""What providers report, kept once each, and what it makes of our messages.

A message's state is a function of the *set* of its events: reports may come in any order, again,
in several requests at once, and before the answer to the very call that they are about. So the
state is made anew from all stored events whenever one is added, and it only ever rises.
"""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import connections, router, transaction
from django.db.models import Q

from cart_recovery.channels.registry import get_channel
from cart_recovery.consent.suppression import suppress_digests
from cart_recovery.consent.withdrawals import ADVERTISING, withdraw, withdraw_everywhere
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.models import (
    Contact,
    DeliveryEvent,
    Message,
    MessageState,
    Reason,
    RolledDay,
)
from cart_recovery.models.inserts import insert_new
from cart_recovery.provider_events import EventKind, ProviderEvent, SuppressionReason

logger = logging.getLogger(__name__)

#: the state that an event is evidence for. Opens and clicks are none: machines make them too
STATE_BY_KIND: Final[Mapping[str, MessageState]] = {
    EventKind.ACCEPTED: MessageState.SENT,
    EventKind.SENT: MessageState.SENT,
    EventKind.DEFERRED: MessageState.DEFERRED,
    EventKind.FAILED: MessageState.FAILED,
    EventKind.DELIVERED: MessageState.DELIVERED,
    EventKind.BOUNCED: MessageState.BOUNCED,
    EventKind.COMPLAINED: MessageState.COMPLAINED,
}
#: a state gives way to those of higher rank. What is missing is 0: we do not know, or were wrong
RANK: Final[Mapping[str, int]] = {
    MessageState.SENT: 1,
    MessageState.DEFERRED: 2,
    MessageState.FAILED: 3,
    MessageState.DELIVERED: 4,
    # a mail server may take a mail and send it back later
    MessageState.BOUNCED: 5,
    MessageState.COMPLAINED: 6,
}
EXPLAINED: Final = frozenset({
    MessageState.DEFERRED, MessageState.FAILED, MessageState.BOUNCED, MessageState.COMPLAINED,
})  # fmt: skip
#: events that are the person's own no, and not only a fault of the address
REFUSALS: Final = frozenset({SuppressionReason.COMPLAINT, SuppressionReason.UNSUBSCRIBED})
#: events per transaction: what fits into one statement on every database
CHUNK: Final = 2500


@dataclass(frozen=True, slots=True)
class IngestResult:
    """How many events were new, were known already, and (of the new) belong to no message."""

    stored: int = 0
    repeated: int = 0
    unmatched: int = 0

    def __add__(self, other: IngestResult) -> IngestResult:
        return IngestResult(
            self.stored + other.stored,
            self.repeated + other.repeated,
            self.unmatched + other.unmatched,
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """A stored event, as far as it decides anything."""

    kind: str
    occurred_at: dt.datetime
    dedupe_key: str
    code: str = ""
    detail: str = ""


def ingest(events: Sequence[ProviderEvent]) -> IngestResult:
    """Store the events that are new and apply them.

    The number of statements does not depend on the number of events, save for the people who
    said no by them: each one's proof is written on its own.
    """
    result = IngestResult()
    for start in range(0, len(events), CHUNK):
        with transaction.atomic():
            result += _ingest_chunk(events[start : start + CHUNK])
    return result


def _ingest_chunk(events: Sequence[ProviderEvent]) -> IngestResult:
    unique: dict[str, ProviderEvent] = {}
    for event in events:
        unique.setdefault(event.dedupe_key, event)
    messages = _lock_messages(unique.values())
    known = set(
        DeliveryEvent.objects.filter(dedupe_key__in=unique).values_list("dedupe_key", flat=True)
    )
    fresh = [(event, messages.find(event)) for key, event in unique.items() if key not in known]
    insert_new([_row(event, message) for event, message in fresh])
    _fold_into([(e, m) for e, m in fresh if m is not None and e.kind in STATE_BY_KIND])
    _protect(fresh)
    unmatched = sum(1 for _event, message in fresh if message is None)
    return IngestResult(len(fresh), len(events) - len(fresh), unmatched)


class _Messages:
    """The messages that a request's events may be about."""

    def __init__(self, rows: Iterable[Message]) -> None:
        rows = list(rows)
        self._by_key = {row.public_id: row for row in rows}
        self._by_provider_id = {r.provider_message_id: r for r in rows if r.provider_message_id}

    def find(self, event: ProviderEvent) -> Message | None:
        if event.message_key:
            return self._by_key.get(event.message_key)
        return self._by_provider_id.get(event.provider_message_id)


def _lock_messages(events: Iterable[ProviderEvent]) -> _Messages:
    """Read the messages and hold them until the end of the transaction, always in the same order:
    of two requests about one message the second one sees the events of the first."""
    keys = {e.message_key for e in events if e.message_key}
    ids = {e.provider_message_id for e in events if e.provider_message_id and not e.message_key}
    if not keys and not ids:
        return _Messages([])
    wanted = Q(public_id__in=keys) if keys else Q()
    if ids:
        wanted |= Q(provider_message_id__in=ids)
    rows = Message.objects.filter(wanted).order_by("pk").select_for_update()
    return _Messages(rows.defer("html", "text", "subject"))


def _row(event: ProviderEvent, message: Message | None) -> DeliveryEvent:
    """Of what a mail server says about a message that was emptied, only the code is kept."""
    is_emptied = message is not None and message.emptied_at is not None
    return DeliveryEvent(
        message=message, channel=event.channel[:32], kind=event.kind, code=event.code[:64],
        occurred_at=event.occurred_at, dedupe_key=event.dedupe_key[:100],
        detail="" if is_emptied else event.detail[:500], is_machine=event.is_machine,
    )  # fmt: skip


def _fold_into(deciding: Sequence[tuple[ProviderEvent, Message]]) -> None:
    """Bring messages up to date with all of their events. Two statements."""
    if not deciding:
        return
    messages = {message.pk: message for _event, message in deciding}
    before = {pk: _values(message) for pk, message in messages.items()}
    for event, message in deciding:
        if message.emptied_at is None and not message.provider_message_id:
            message.provider_message_id = event.provider_message_id[:128]
    evidence: dict[int, list[Evidence]] = defaultdict(list)
    rows = DeliveryEvent.objects.filter(message_id__in=messages, kind__in=list(STATE_BY_KIND))
    for pk, kind, occurred_at, dedupe_key, code, detail in rows.values_list(
        "message_id", "kind", "occurred_at", "dedupe_key", "code", "detail"
    ):
        if pk is not None:
            evidence[pk].append(Evidence(kind, occurred_at, dedupe_key, code, detail))
    for pk, message in messages.items():
        apply_evidence(message, evidence[pk])
    changed = {pk: message for pk, message in messages.items() if _values(message) != before[pk]}
    _write(list(changed.values()))
    sent_before = WRITTEN.index("sent_at")
    RolledDay.objects.mark_stale(
        moment
        for pk, message in changed.items()
        for moment in (message.sent_at, before[pk][sent_before])
    )


def apply_evidence(message: Message, evidence: Sequence[Evidence]) -> None:
    """Set the state and times that follow from the set of events; their order does not matter.

    `sent_at` and `delivered_at` are the earliest moments that anyone names.
    """
    if not evidence:
        return
    strongest = max(
        evidence, key=lambda e: (RANK[STATE_BY_KIND[e.kind]], e.occurred_at, e.dedupe_key)
    )
    state = STATE_BY_KIND[strongest.kind]
    if RANK[state] >= RANK.get(message.state, 0):
        is_explained = state in EXPLAINED
        message.state = state
        message.reason = Reason.REPORTED if is_explained else ""
        detail = f"{strongest.code} {strongest.detail}" if is_explained else ""
        message.detail = detail.strip()[:500]
    message.sent_at = _earliest([message.sent_at, *(e.occurred_at for e in evidence)])
    delivered = [e.occurred_at for e in evidence if e.kind == EventKind.DELIVERED]
    message.delivered_at = _earliest([message.delivered_at, *delivered])


def _earliest(moments: Iterable[dt.datetime | None]) -> dt.datetime | None:
    return min((moment for moment in moments if moment is not None), default=None)


WRITTEN: Final = ("state", "reason", "detail", "provider_message_id", "sent_at", "delivered_at")


def _values(message: Message) -> tuple[Any, ...]:
    return tuple(getattr(message, name) for name in WRITTEN)


def _write(messages: Sequence[Message]) -> None:
    """One statement, sent as often as there are rows: ten times quicker than CASE WHEN."""
    if not messages:
        return
    connection = connections[router.db_for_write(Message)]
    adapt = connection.ops.adapt_datetimefield_value
    sql = (
        f"UPDATE {connection.ops.quote_name(Message._meta.db_table)} SET "  # noqa: S608 own names only
        "state = %s, reason = %s, detail = %s, provider_message_id = %s, "
        "sent_at = %s, delivered_at = %s WHERE id = %s"
    )
    rows = [
        (
            str(m.state), str(m.reason), m.detail, m.provider_message_id,
            adapt(m.sent_at) if m.sent_at else None,
            adapt(m.delivered_at) if m.delivered_at else None,
            m.pk,
        )
        for m in messages
    ]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)


def _protect(fresh: Sequence[tuple[ProviderEvent, Message | None]]) -> None:
    """Draw the consequences of new events for the people that they are about."""
    obey([(m, e.suppress) for e, m in fresh if m is not None and e.suppress is not None])
    strangers = [e for e, m in fresh if m is None and e.suppress is not None]
    blocked = [(e.channel, _digest_of(e), e.suppress, "provider") for e in strangers if e.suppress]
    if blocked:
        suppress_digests(blocked)


def obey(refusals: Sequence[tuple[Message, SuppressionReason]]) -> None:
    """Block the addresses that a provider says not to use, and record the no of those whose own
    no it is: whether it came as a report or as the answer to a send."""
    if not refusals:
        return
    suppress_digests([(m.channel, m.address_digest, why, "provider") for m, why in refusals])
    refused: dict[tuple[int, str], SuppressionReason] = {}
    for message, reason in refusals:
        if reason in REFUSALS:
            refused.setdefault((message.contact_id, message.channel), reason)
    people = Contact.objects.in_bulk({contact_id for contact_id, _channel in refused})
    # in the order in which all who lock several people do
    for (contact_id, channel), reason in sorted(refused.items()):
        if contact_id in people:
            _withdraw(people[contact_id], channel, reason)


def _withdraw(contact: Contact, channel: str, reason: SuppressionReason) -> None:
    withdraw(contact, channel=channel, source=f"provider_{reason}")
    if reason is SuppressionReason.COMPLAINT:
        # an objection to advertising as such (GDPR Art. 21): it holds wherever we could reach them
        withdraw_everywhere(contact, purposes=ADVERTISING, source=f"provider_{reason}")


def _digest_of(event: ProviderEvent) -> str:
    """Hash of the address in an event that belongs to no message of ours."""
    if not event.address:
        return ""
    try:
        kind = get_channel(event.channel).address_kind
    except ChannelConfigurationError:
        logger.warning("A report came for channel %s, which is not set up.", event.channel)
        return ""
    return address_digest(kind, event.address)
