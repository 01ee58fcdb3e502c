"""Checkouts of the past that failed, for the list of reasons that staff see."""

from __future__ import annotations

import datetime as dt
import random
from typing import Final

from django.db import transaction

from cart_recovery.models import CartStage, CartState, CheckoutTrouble, TrackedCart, TroubleKind
from sandbox_shop.people import SEED

#: what became of the cart -> how many
COUNTS: Final = {CartState.ABANDONED: 33, CartState.ORDERED: 13}
#: kind, reason, page -> weight
REASONS: Final = {
    (TroubleKind.PAYMENT_REFUSED, "card_expired", "checkout:preview"): 9,
    (TroubleKind.PAYMENT_REFUSED, "insufficient_funds", "checkout:preview"): 7,
    (TroubleKind.PAYMENT_REFUSED, "three_d_secure_failed", "checkout:preview"): 14,
    (TroubleKind.PAYMENT_ERROR, "GatewayTimeout", "checkout:preview"): 5,
    (TroubleKind.ORDER_ERROR, "UnableToPlaceOrder", "checkout:preview"): 2,
    (TroubleKind.OTHER, "http_500", "checkout:shipping-address"): 1,
}


@transaction.atomic
def install_troubles() -> bool:
    """Write the troubles of the past where there are none; whether it did."""
    if CheckoutTrouble.objects.exists():
        return False
    chance = random.Random(SEED + 4)
    failed = [cart for state, count in COUNTS.items() for cart in _some(state, count, chance)]
    troubles = [_trouble(cart, chance) for cart in failed]
    CheckoutTrouble.objects.bulk_create(sorted(troubles, key=lambda row: row.occurred_at))
    return True


def _some(state: CartState, count: int, chance: random.Random) -> list[TrackedCart]:
    carts = TrackedCart.objects.filter(stage=CartStage.CHECKOUT, state=state)
    latest = list(carts.order_by("-last_activity_at", "pk")[: 2 * count])
    return chance.sample(latest, min(count, len(latest)))


def _trouble(cart: TrackedCart, chance: random.Random) -> CheckoutTrouble:
    kind, reason, stage = chance.choices(list(REASONS), weights=list(REASONS.values()))[0]
    return CheckoutTrouble(
        cart=cart, contact_id=cart.contact_id, kind=kind, reason=reason, stage=stage,
        occurred_at=cart.last_activity_at - dt.timedelta(seconds=chance.randint(20, 400)),
    )  # fmt: skip
