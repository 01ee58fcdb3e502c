"""The provider calls of one batch, and what follows from their answers."""

from __future__ import annotations

import datetime as dt
import logging
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import transaction

from cart_recovery import signals
from cart_recovery.channels.base import Outcome, OutcomeKind
from cart_recovery.channels.registry import get_channel
from cart_recovery.delivery import events, outbox, pausing
from cart_recovery.delivery.outbox import Call
from cart_recovery.models import MessageState, Reason

logger = logging.getLogger(__name__)

Results = list[tuple[Call, Outcome]]
#: wait before the next attempt: doubled each time
FIRST_BACKOFF = dt.timedelta(minutes=1)


class Handover:
    """Calls providers in the background, one thread per channel, while the next batch is prepared.

    The threads touch no database: a channel knows no models. Within a channel the adapter has its
    own bounded concurrency.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="cart-recovery")
        self._calls: list[tuple[Sequence[Call], Future[list[Outcome]]]] = []

    def start(self, drafts: Sequence[Call]) -> None:
        """Begin the calls of a batch."""
        by_channel: dict[str, list[Call]] = defaultdict(list)
        for draft in drafts:
            by_channel[draft.message.channel].append(draft)
        for alias, group in by_channel.items():
            send = get_channel(alias).send
            self._calls.append((group, self._threads.submit(send, [d.outgoing for d in group])))

    def finish(self) -> Results:
        """Wait for all calls of the batch. One outcome per draft, whatever happened."""
        results: Results = []
        for group, call in self._calls:
            try:
                outcomes = call.result()
            except Exception:
                # an adapter must not raise; if one does, nobody knows what left
                logger.exception("A channel raised during its calls")
                outcomes = [Outcome(OutcomeKind.UNKNOWN, code="exception")] * len(group)
            results.extend(zip(group, outcomes, strict=True))
        self._calls = []
        return results

    def close(self) -> None:
        self._threads.shutdown(wait=True)


def settle(results: Results, now: dt.datetime) -> dict[str, int]:
    """Write outcomes, block addresses, pause channels, plan safe retries. Counts by state."""
    if not results:
        return {}
    with transaction.atomic():
        # both or none: nobody comes back to a message in RETRY whose follow-up has ended
        outbox.record(results, now)
        _plan_retries(results, now)
    events.obey([(d.message, o.suppress) for d, o in results if o.suppress is not None])
    _look_after_channels(results, now)
    sent = [d.message for d, outcome in results if outcome.kind is OutcomeKind.ACCEPTED]
    if sent:
        signals.messages_sent.send_robust(sender=type(sent[0]), messages=sent)
    counts: dict[str, int] = defaultdict(int)
    for draft, _outcome in results:
        counts[str(draft.message.state)] += 1
    return counts


def _look_after_channels(results: Results, now: dt.datetime) -> None:
    refused: dict[str, str] = {}
    held: dict[str, float] = {}
    for draft, outcome in results:
        alias = draft.message.channel
        if outcome.kind is OutcomeKind.CONFIGURATION:
            refused.setdefault(alias, f"{outcome.code} {outcome.detail}".strip())
        elif outcome.retry_after:
            held[alias] = max(held.get(alias, 0.0), outcome.retry_after)
    for alias, reason in refused.items():
        pausing.pause(alias, reason=reason, now=now)
    for alias, seconds in held.items():
        pausing.hold(alias, until=now + dt.timedelta(seconds=seconds))


def _plan_retries(results: Results, now: dt.datetime) -> None:
    by_wait: dict[tuple[type[Call], dt.timedelta, Reason], list[int]] = defaultdict(list)
    for draft, outcome in results:
        if draft.message.state != MessageState.RETRY:
            continue
        wait = FIRST_BACKOFF * 2 ** (draft.message.attempts - 1)
        if outcome.retry_after:
            wait = max(wait, dt.timedelta(seconds=outcome.retry_after))
        paused = outcome.kind is OutcomeKind.CONFIGURATION
        reason = Reason.CHANNEL_PAUSED if paused else Reason.RATE_LIMITED
        by_wait[type(draft), wait, reason].append(draft.origin_id)
    for (kind, wait, reason), ids in by_wait.items():
        kind.hand_back(ids, until=now + wait, reason=reason)
