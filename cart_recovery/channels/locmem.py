"""A channel that keeps what it is given: for tests, and for trying things out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar

from cart_recovery.channels.base import Channel, Outcome, OutcomeKind, OutgoingMessage

Answer = Outcome | Exception | Callable[[OutgoingMessage], Outcome]


@dataclass(frozen=True, slots=True)
class LocmemMessage(OutgoingMessage):
    """A message that was handed over, and the alias it went through."""

    channel: str = ""


class LocmemChannel(Channel):
    """Accepts everything, unless told otherwise. OPTIONS: `address_kind` ("email" or "phone").

    `outbox` holds what was accepted, oldest first, over all aliases of the process. `answers` are
    used up first, one per message: an Outcome is given back, an exception raised, a function asked.
    """

    known_options = frozenset({"address_kind", "CONCURRENCY"})
    supports_html = True
    supports_reply = True
    # tests say what happens to each message; nothing may be left for later behind their back
    failure_limit = 0

    outbox: ClassVar[list[LocmemMessage]] = []
    answers: ClassVar[list[Answer]] = []

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        self.address_kind = self.options.get("address_kind", "email")

    @classmethod
    def reset(cls) -> None:
        """Forget all messages and answers."""
        cls.outbox.clear()
        cls.answers.clear()

    def send_one(self, message: OutgoingMessage) -> Outcome:
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        if answer is None:
            outcome = Outcome(OutcomeKind.ACCEPTED, provider_message_id=f"locmem-{message.key}")
        else:
            outcome = answer if isinstance(answer, Outcome) else answer(message)
        if outcome.kind is OutcomeKind.ACCEPTED:
            values = {field.name: getattr(message, field.name) for field in fields(OutgoingMessage)}
            self.outbox.append(LocmemMessage(**values, channel=self.alias))
        return outcome
