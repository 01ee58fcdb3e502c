"""Which click an order belongs to. What becomes of credited orders, the sweep sees."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from oscar.apps.checkout.signals import post_checkout

from cart_recovery.attribution.binding import bind_click
from cart_recovery.attribution.crediting import credit_order
from cart_recovery.carts.guarding import database, guarded, guarded_with_savepoint
from cart_recovery.restore_links.following import CLICK_KEY


def connect() -> None:
    post_checkout.connect(on_post_checkout, dispatch_uid="cart_recovery.bind_click")


@guarded
def on_post_checkout(order: Any, request: HttpRequest, **kwargs: Any) -> None:
    click_id = request.session.get(CLICK_KEY)
    if click_id is not None and order.basket_id is not None:
        bind(click_id, order.basket_id, order.pk)


@guarded_with_savepoint
def bind(click_id: int, basket_id: int, order_id: int) -> None:
    if bind_click(click_id, basket_id, timezone.now()):
        transaction.on_commit(partial(credit, order_id), using=database(), robust=True)


@guarded_with_savepoint
def credit(order_id: int) -> None:
    credit_order(order_id)
