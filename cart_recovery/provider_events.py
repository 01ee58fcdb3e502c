"""One vocabulary for what providers tell us. Adapters are mapping tables into it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum


class EventKind(StrEnum):
    ACCEPTED = "accepted"
    SENT = "sent"
    DELIVERED = "delivered"
    DEFERRED = "deferred"
    BOUNCED = "bounced"
    COMPLAINED = "complained"
    UNSUBSCRIBED = "unsubscribed"
    OPENED = "opened"
    CLICKED = "clicked"
    FAILED = "failed"


class SuppressionReason(StrEnum):
    """Why an address is blocked, as found in provider reports or set by us."""

    HARD_BOUNCE = "hard_bounce"
    COMPLAINT = "complaint"
    CARRIER_BLOCK = "carrier_block"
    INVALID_ADDRESS = "invalid_address"
    UNSUBSCRIBED = "unsubscribed"
    STOP_REPLY = "stop_reply"
    STAFF = "staff"
    ERASED = "erased"


@dataclass(frozen=True, slots=True)
class ProviderEvent:
    """One report of a provider about one message.

    `message_key` is our own `Message.public_id` (32 hex digits) as the provider returned it, or "".
    `dedupe_key` is at most 100 characters and the same for each repetition of the same report.
    `suppress` says that the address must not be used again on this channel, and why. `address` is
    the recipient as the provider names it; it is used where the message is not ours or gone.
    """

    channel: str
    kind: EventKind
    occurred_at: dt.datetime
    dedupe_key: str
    message_key: str = ""
    provider_message_id: str = ""
    code: str = ""
    detail: str = ""
    is_machine: bool = False
    suppress: SuppressionReason | None = None
    address: str = ""


@dataclass(frozen=True, slots=True)
class InboundText:
    """A person's answer, by SMS or another two-way channel. `sender` is E.164."""

    channel: str
    sender: str
    recipient: str
    body: str
    provider_message_id: str
    #: the provider's own reading of the text: "STOP", "START", "HELP" or ""
    provider_opt_out: str = ""
