"""A channel that takes everything and keeps nothing: what is left is our own part."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cart_recovery.channels.base import Channel, Outcome, OutcomeKind, OutgoingMessage


class NullChannel(Channel):
    """OPTIONS: `address_kind` ("email" or "phone")."""

    known_options = frozenset({"address_kind"})
    supports_html = True

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        self.address_kind = self.options.get("address_kind", "email")

    def send_one(self, message: OutgoingMessage) -> Outcome:
        return Outcome(OutcomeKind.ACCEPTED, provider_message_id=f"null-{message.key}")
