"""The base of all channels: it owns the order of things, an adapter fills in `send_one`.

A channel knows its provider and no models. To add one: subclass `Channel`, set the class flags,
write `send_one` so that it returns an `Outcome` for everything the provider can answer, list the
options, and let the class pass `tests/channels/contract.py`.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from django.core import checks

from cart_recovery.channels.option_checks import OptionChecks
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
from cart_recovery.channels.runs import Run, RunLimits, SendOne

__all__ = [
    "CHANNEL_PAUSED",
    "OUT_OF_TIME",
    "PROVIDER_FAILING",
    "RATE_LIMITED",
    "UNEXPECTED_ERROR",
    "UNREACHABLE",
    "Channel",
    "Outcome",
    "OutcomeKind",
    "OutgoingMessage",
]


class Channel(ABC):
    """One way to reach people, as configured under one alias. Used by many threads at once."""

    #: which of a contact's addresses it needs: "email" or "phone"
    address_kind: str = "email"
    supports_html: bool = False
    supports_reply: bool = False
    #: messages that one lane (one connection) carries at the most
    max_batch: ClassVar[int] = 1000
    #: calls at a time, unless OPTIONS["CONCURRENCY"] says otherwise
    default_concurrency: ClassVar[int] = 1
    #: calls in a row without an answer after which the rest is left for later; 0: never
    failure_limit: ClassVar[int] = 5
    #: names that OPTIONS may have, and those it must have
    known_options: ClassVar[frozenset[str]] = frozenset()
    required_options: ClassVar[frozenset[str]] = frozenset()

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        self.alias = alias
        self.options = dict(options)
        self._is_proven = False

    @property
    def unsubscribe_mailbox(self) -> str:
        """The address to which people may write to unsubscribe, where the shop reads it; else ""."""
        return ""

    @property
    def concurrency(self) -> int:
        """Calls under way at a time in one `send`."""
        value = self.options.get("CONCURRENCY", self.default_concurrency)
        return max(1, value) if isinstance(value, int) else self.default_concurrency

    def send(self, messages: Sequence[OutgoingMessage]) -> list[Outcome]:
        """Hand messages to the provider. One outcome per message, in their order; never raises."""
        if not messages:
            return []
        problem = self._configuration_problem()
        if problem is not None:
            return [problem, *rest_after(problem, len(messages) - 1)]
        run = Run(messages, self.limits())
        if not self._is_proven and self.failure_limit:
            run.probe(self.lane)
        for end in range(self.max_batch, len(messages) + self.max_batch, self.max_batch):
            run.send(self.lane, up_to=end)
        self._is_proven = run.has_answer and not run.is_stopped
        return run.outcomes

    def limits(self) -> RunLimits:
        """When a run waits and when it gives up."""
        return RunLimits(lanes=self.concurrency, failure_limit=self.failure_limit)

    @contextlib.contextmanager
    def lane(self) -> Iterator[SendOne]:
        """What one lane needs for its life; gives the function that sends one message over it."""
        yield self.send_one

    @abstractmethod
    def send_one(self, message: OutgoingMessage) -> Outcome:
        """Hand over one message. What it raises counts as UNKNOWN for this message alone."""

    def answers_itself(self, text: str) -> bool:
        """Whether the provider answers this incoming text by itself, so that we must not."""
        return False

    def check(self) -> list[checks.CheckMessage]:
        """What is wrong with the configuration. Calls no provider, imports none of its code."""
        options = OptionChecks(self.alias, self.options)
        options.check_names(known=self.known_options, required=self.required_options)
        self.check_options(options)
        return options.messages

    def check_options(self, options: OptionChecks) -> None:
        """The adapter's own checks."""
        options.check_number("CONCURRENCY", lowest=1, highest=500)

    def close(self) -> None:  # noqa: B027 most channels keep nothing open
        """Close kept connections. The channel may be used again."""

    def _configuration_problem(self) -> Outcome | None:
        for message in self.check():
            if message.is_serious(checks.ERROR):
                return Outcome(
                    OutcomeKind.CONFIGURATION, code=message.id or "", detail=message.msg,
                    was_tried=False,
                )  # fmt: skip
        return None


def rest_after(problem: Outcome, count: int) -> list[Outcome]:
    """What the other messages of a run get that ended with a configuration problem."""
    rest = Outcome(
        OutcomeKind.RETRY_SAFE, code=CHANNEL_PAUSED, detail=problem.detail, was_tried=False
    )
    return [rest] * count
