"""What the shop tells us. Receivers are one line deep and can never break the shop."""

from __future__ import annotations

from cart_recovery.receivers import consents


def connect() -> None:
    """Connect all receivers. Called once, from `AppConfig.ready`."""
    consents.connect()
