"""What a provider's webhook is made of. The view owns the order of things, a receiver the blanks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from cart_recovery.channels.base import Channel
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.provider_events import InboundText, ProviderEvent

C = TypeVar("C", bound=Channel)


class WebhookKeyMissingError(ChannelConfigurationError):
    """The channel has no key to verify its webhooks with, so none is believed."""


@dataclass(frozen=True, slots=True)
class RawRequest:
    """A webhook before anything of it was read.

    `url` is the absolute URL that the provider called, as the shop is seen from outside; `query`
    its parameters; `headers` are case-insensitive.
    """

    url: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class MailOptOut:
    """A mail by which somebody unsubscribes: by the token of its address, else by a `sender` whose
    domain was checked. Each may be ""."""

    channel: str
    token: str
    sender: str


@dataclass(slots=True)
class Parsed:
    """What was understood of a webhook, and how many of its parts were not."""

    events: list[ProviderEvent] = field(default_factory=list)
    texts: list[InboundText] = field(default_factory=list)
    opt_outs: list[MailOptOut] = field(default_factory=list)
    rejected: int = 0


class Receiver(ABC, Generic[C]):
    """One kind of webhook of one provider."""

    #: what the provider gets when all is well
    status: int = 200
    content_type: str = "text/plain"
    answer: bytes = b""

    @abstractmethod
    def verify(self, raw: RawRequest, channel: C) -> None:
        """Raise WebhookRefusedError unless the provider signed it, WebhookKeyMissingError if that
        cannot be known."""

    @abstractmethod
    def parse(self, raw: RawRequest, channel: C) -> Parsed:
        """Read what was verified. Parts that make no sense are counted, never raised."""


def clean(value: object, limit: int) -> str:
    """A provider's text as every database takes it: no NUL, no half of a surrogate pair, cut."""
    text = value if isinstance(value, str) else "" if value is None else str(value)
    text = text[:limit].encode("utf-8", "replace").decode().replace("\x00", "")
    return text.strip()
