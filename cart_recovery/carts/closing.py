"""How carts end before they are found abandoned. Each function is one indexed statement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any

from cart_recovery.models import CartState, TrackedCart


def close_ordered(basket_id: Any | None, order_id: int, now: dt.datetime) -> int:
    """The cart's basket was bought: the last word about it, whatever state it was in."""
    if basket_id is None:
        return 0
    return TrackedCart.objects.filter(basket_id=basket_id).update(
        state=CartState.ORDERED, state_reason="", order_id=order_id, closed_at=now
    )


def close(basket_ids: Collection[Any], state: str, now: dt.datetime, *, reason: str = "") -> int:
    """End the carts of these baskets in a state; an ordered cart stays ordered."""
    return (
        TrackedCart.objects.filter(basket_id__in=basket_ids)
        .exclude(state=CartState.ORDERED)
        .update(state=state, state_reason=reason, closed_at=now)
    )
