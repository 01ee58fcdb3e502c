"""What goes to a provider and what comes back: the vocabulary of all channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from cart_recovery.provider_events import SuppressionReason

#: codes of our own; all others are the provider's
RATE_LIMITED: Final = "rate_limited"
CHANNEL_PAUSED: Final = "channel_paused"
UNREACHABLE: Final = "unreachable"
PROVIDER_FAILING: Final = "provider_failing"
OUT_OF_TIME: Final = "out_of_time"
UNEXPECTED_ERROR: Final = "unexpected_error"


@dataclass(frozen=True, slots=True)
class OutgoingMessage:
    """One message to one recipient, ready to go out.

    `key` is `Message.public_id`, the only thing of ours that a provider may keep. `to` is an e-mail
    address or an E.164 number. `callback_url` is where a provider that is told so per message
    reports to. An SMS has neither `subject` nor `html`.
    """

    key: str
    to: str
    language: str = ""
    subject: str = ""
    html: str = ""
    text: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    allow_tracking: bool = False
    callback_url: str = ""


class OutcomeKind(StrEnum):
    """What a provider call came to, sorted by what may be done next."""

    #: the provider has the message
    ACCEPTED = "accepted"
    #: this message will never be taken: not again
    PERMANENT = "permanent"
    #: the provider refuses us: the shop must repair something, the channel is paused
    CONFIGURATION = "configuration"
    #: the provider surely has nothing: may be tried again
    RETRY_SAFE = "retry_safe"
    #: the provider may have it: must never be sent again on a guess
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of one message's provider call.

    `code` is the provider's code or one of ours above, `detail` a text for staff without personal
    data, `retry_after` seconds. `suppress` says that the address must not be used again, and why.
    `was_tried` is False where no call was made at all, so that it does not count as an attempt.
    """

    kind: OutcomeKind
    provider_message_id: str = ""
    code: str = ""
    detail: str = ""
    retry_after: float | None = None
    suppress: SuppressionReason | None = None
    was_tried: bool = True
