"""One send call: who gets which message, in which order, and when to stop."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from cart_recovery.channels.outcomes import (
    CHANNEL_PAUSED,
    OUT_OF_TIME,
    PROVIDER_FAILING,
    RATE_LIMITED,
    UNEXPECTED_ERROR,
    UNREACHABLE,
    Outcome,
    OutcomeKind,
    OutgoingMessage,
)

logger = logging.getLogger(__name__)

SendOne = Callable[[OutgoingMessage], Outcome]
#: opens what one lane needs (a connection, say) and gives the function that sends over it
Lane = Callable[[], AbstractContextManager[SendOne]]


@dataclass(frozen=True, slots=True)
class RunLimits:
    """When a run waits and when it gives up. All times in seconds."""

    lanes: int = 1
    #: no message is begun after this, so that the task ends before the queue kills it in mid-call
    time_budget: float = 30.0
    #: what a run may spend in all on waiting for a rate limit to pass
    patience: float = 5.0
    #: calls in a row without an answer after which the rest is left for later; 0: never
    failure_limit: int = 5
    #: what the rest waits for then
    failure_pause: float = 60.0
    #: how long after the time budget a call under way is waited for; beyond, nobody knows
    grace: float = 15.0


class Run:
    """Sends messages over parallel lanes; `outcomes` keeps their order.

    A run stops early: at a refusal that concerns us and not the recipient, at a rate limit that
    lasts, at a provider that stops answering, and when its time is up. What was not begun then is
    RETRY_SAFE: each further call would only have burned one more recipient.
    """

    def __init__(self, messages: Sequence[OutgoingMessage], limits: RunLimits) -> None:
        self._messages = messages
        self._limits = limits
        self._outcomes: list[Outcome | None] = [None] * len(messages)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._rest = Outcome(OutcomeKind.RETRY_SAFE, code=OUT_OF_TIME, was_tried=False)
        self._next = 0
        self._end = len(messages)
        self._failures = 0
        self._has_answer = False
        self._deadline = time.monotonic() + limits.time_budget
        self._resume_at = 0.0
        self._waited = 0.0

    @property
    def outcomes(self) -> list[Outcome]:
        """One per message, in their order."""
        return [outcome or self._rest for outcome in self._outcomes]

    @property
    def is_stopped(self) -> bool:
        return self._stopped.is_set()

    @property
    def has_answer(self) -> bool:
        """Whether the provider took or judged at least one message."""
        return self._has_answer

    def probe(self, lane: Lane) -> None:
        """Send one by one until the provider has answered once: a wrong key burns one recipient."""
        self._work(lane, until_answer=True)

    def send(self, lane: Lane, *, up_to: int) -> None:
        """Send the messages before index `up_to` that are left, over parallel lanes."""
        self._end = min(up_to, len(self._messages))
        count = min(self._limits.lanes, self._end - self._next)
        if count < 1 or self.is_stopped:
            return
        if count == 1:
            self._work(lane)
        else:
            self._work_parallel(lane, count)

    def stop(self, rest: Outcome) -> None:
        """Begin no further message; what is left gets `rest`. The first reason stays."""
        with self._lock:
            if not self.is_stopped:
                self._rest = rest
                self._stopped.set()

    def _work_parallel(self, lane: Lane, count: int) -> None:
        threads: list[threading.Thread] = []
        try:
            for _ in range(count):
                thread = threading.Thread(target=self._work, args=(lane,), daemon=True)
                thread.start()
                threads.append(thread)
        except RuntimeError:
            logger.warning("Only %d of %d lanes could be started.", len(threads), count)
        if not threads:
            self._work(lane)
        try:
            for thread in threads:
                end = self._deadline + self._limits.grace
                thread.join(timeout=max(0.0, end - time.monotonic()))
        except BaseException:
            # the queue's alarm: calls under way end by themselves, no new one begins
            self.stop(Outcome(OutcomeKind.RETRY_SAFE, code=OUT_OF_TIME, was_tried=False))
            raise
        if any(thread.is_alive() for thread in threads):
            # a server that feeds us byte by byte: no timeout of a single read ends that
            logger.error("A provider call has not ended in time.")

    def _work(self, lane: Lane, *, until_answer: bool = False) -> None:
        try:
            with lane() as send_one:
                while not (until_answer and self._has_answer):
                    index = self._take()
                    if index is None:
                        return
                    self._settle(index, self._attempt(send_one, index))
        except Exception:
            # a lane that cannot be opened or closed; the others go on with what is left
            logger.exception("A lane ended early.")

    def _take(self) -> int | None:
        """The index of the next message to send, after any wait that the provider asked for."""
        self._pause()
        with self._lock:
            if self.is_stopped or self._next >= self._end:
                return None
            if time.monotonic() < self._deadline:
                index, self._next = self._next, self._next + 1
                # stands if the lane dies in mid-call
                self._outcomes[index] = Outcome(OutcomeKind.UNKNOWN, code=UNEXPECTED_ERROR)
                return index
        self.stop(Outcome(OutcomeKind.RETRY_SAFE, code=OUT_OF_TIME, was_tried=False))
        return None

    def _pause(self) -> None:
        wait = self._resume_at - time.monotonic()
        if wait > 0:
            self._stopped.wait(wait)

    def _attempt(self, send_one: SendOne, index: int) -> Outcome:
        tries = 0
        while True:
            outcome = self._call(send_one, self._messages[index])
            tries += 1
            is_limit = outcome.kind is OutcomeKind.RETRY_SAFE and outcome.code == RATE_LIMITED
            if not is_limit or not self._slow_down(outcome, tries):
                return outcome
            self._pause()
            if self.is_stopped:
                return outcome

    @staticmethod
    def _call(send_one: SendOne, message: OutgoingMessage) -> Outcome:
        try:
            return send_one(message)
        except Exception as error:
            # we cannot know how far the call got, so it must not be repeated
            logger.exception("Sending message %s failed in an unforeseen way.", message.key)
            return Outcome(OutcomeKind.UNKNOWN, code=UNEXPECTED_ERROR, detail=type(error).__name__)

    def _slow_down(self, outcome: Outcome, tries: int) -> bool:
        """Make all lanes wait; False if the wait is too long and the run has to stop instead."""
        wait = outcome.retry_after if outcome.retry_after is not None else backoff(tries)
        now = time.monotonic()
        with self._lock:
            extra = max(0.0, now + wait - max(now, self._resume_at))
            is_bearable = self._waited + extra <= self._limits.patience
            if is_bearable and now + wait < self._deadline:
                self._waited += extra
                self._resume_at = max(self._resume_at, now + wait)
                return True
        self.stop(
            Outcome(OutcomeKind.RETRY_SAFE, code=RATE_LIMITED, retry_after=wait, was_tried=False)
        )
        return False

    def _settle(self, index: int, outcome: Outcome) -> None:
        self._outcomes[index] = outcome
        if outcome.kind is OutcomeKind.CONFIGURATION:
            self.stop(
                Outcome(
                    OutcomeKind.RETRY_SAFE, code=CHANNEL_PAUSED, detail=outcome.detail,
                    was_tried=False,
                )
            )  # fmt: skip
            return
        is_silent = outcome.kind is OutcomeKind.UNKNOWN or outcome.code == UNREACHABLE
        limit = self._limits.failure_limit
        with self._lock:
            self._failures = self._failures + 1 if is_silent else 0
            self._has_answer = self._has_answer or not is_silent
            # before the first answer two are enough: one alone may be a poisoned message
            is_failing = limit > 0 and self._failures >= (limit if self._has_answer else 2)
        if is_failing:
            self.stop(
                Outcome(
                    OutcomeKind.RETRY_SAFE, code=PROVIDER_FAILING, was_tried=False,
                    retry_after=self._limits.failure_pause,
                )
            )  # fmt: skip


def backoff(tries: int) -> float:
    """Seconds to wait after so many refusals: 0.1 s doubled, ±10 %, at most 30 s."""
    return min(30.0, 0.1 * 2.0 ** (tries - 1)) * random.uniform(0.9, 1.1)  # noqa: S311 jitter, no secret
