"""What people say in these tests."""

from __future__ import annotations

from typing import Any

from cart_recovery import models
from cart_recovery.consent import ledger


def say(
    contact: models.Contact, action: str, *, channel: str = "email",
    purposes: tuple[str, ...] = ("cart_reminder",), **kwargs: Any,
) -> list[models.ConsentRecord]:  # fmt: skip
    """A yes (`granted`) or no (`withdrawn`) of the contact, written by the ledger."""
    method = models.ConsentMethod.DOUBLE if action == models.ConsentAction.GRANTED else ""
    defaults = {"source": "test", "method": method}
    return ledger.record(
        contact, channel=channel, purposes=purposes, action=action, **{**defaults, **kwargs}
    )
