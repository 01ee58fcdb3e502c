"""What the shop tells us. Receivers are one line deep and can never break the shop.

Oscar's signals name an instance as sender, so none is connected for a sender; Django's are.
"""

from __future__ import annotations

from cart_recovery.receivers import (
    attributions,
    baskets,
    checkout,
    checkout_session,
    consents,
    logins,
    orders,
    requests,
    restores,
    troubles,
)


def connect() -> None:
    """Connect all receivers. Called from `AppConfig.ready`; again makes no difference."""
    for subject in (
        requests, baskets, checkout, checkout_session, orders, logins, consents, attributions,
        restores, troubles,
    ):  # fmt: skip
        subject.connect()
