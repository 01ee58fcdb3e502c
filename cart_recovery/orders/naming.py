"""Whom an order names: its customer, its e-mail address and its number.

Staff correct a mistyped address, or give an order to another account; and customers change the address
of theirs. Then its contact is another one, and what is planned is for that one.
"""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Collection

from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import TrackedOrder
from cart_recovery.shop.orders import OrderFacts


def naming_digest(order: OrderFacts) -> str:
    """Keyed hash (64 hex digits) of whom it names; the same for each spelling of an address. Pure."""
    parts = (
        str(order.user_id or ""),
        address_digest("email", order.email),
        address_digest("phone", order.phone),
    )
    return hashlib.sha256(":".join(parts).encode()).hexdigest()


def is_renamed(tracked: TrackedOrder, order: OrderFacts) -> bool:
    """Whether it names somebody else than when its contact was looked for. Pure."""
    return bool(tracked.named_digest) and tracked.named_digest != naming_digest(order)


def is_somebody_elses(tracked: TrackedOrder, order: OrderFacts, contact_id: int | None) -> bool:
    """Whether what is planned for this contact is for another one by now, known or not. Pure."""
    is_moved = bool(tracked.named_digest) and tracked.contact_id != contact_id
    return is_moved or is_renamed(tracked, order)


def look_again(tracked_ids: Collection[int], now: dt.datetime) -> None:
    """Have the sweep see whose these are by now. One statement, none without orders."""
    if tracked_ids:
        TrackedOrder.objects.filter(pk__in=tracked_ids).update(changed_at=now)
