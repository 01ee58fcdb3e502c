"""Orders. What these receivers miss, the sweep finds by the orders themselves."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone
from oscar.apps.order.signals import order_placed

from cart_recovery.attribution.crediting import credit_order
from cart_recovery.campaigns.stopping import stop_for_order
from cart_recovery.carts.closing import close_ordered
from cart_recovery.carts.guarding import database, guarded, guarded_with_savepoint


def connect() -> None:
    order_placed.connect(on_order_placed, dispatch_uid="cart_recovery.order_placed")


@guarded
def on_order_placed(order: Any, **kwargs: Any) -> None:
    """Ends the cart with the order; the rest once the order is sure to stay."""
    close_cart(order.basket_id, order.pk)
    for task in (stop_campaigns, credit):
        transaction.on_commit(partial(task, order.pk), using=database(), robust=True)


@guarded_with_savepoint
def close_cart(basket_id: Any | None, order_id: int) -> None:
    close_ordered(basket_id, order_id, timezone.now())


@guarded_with_savepoint
def stop_campaigns(order_id: int) -> None:
    stop_for_order(order_id, timezone.now())


@guarded_with_savepoint
def credit(order_id: int) -> None:
    credit_order(order_id)
