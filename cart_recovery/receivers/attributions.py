"""What becomes of credited orders, and which click an order belongs to."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models.signals import post_save
from django.http import HttpRequest
from django.utils import timezone
from oscar.apps.checkout.signals import post_checkout
from oscar.apps.order.signals import order_line_status_changed, order_status_changed
from oscar.core.loading import get_model

from cart_recovery.attribution.binding import bind_click
from cart_recovery.attribution.crediting import credit_order
from cart_recovery.attribution.reversals import take_back
from cart_recovery.carts.guarding import database, guarded, guarded_with_savepoint
from cart_recovery.conf import conf
from cart_recovery.restore_links.following import CLICK_KEY


def connect() -> None:
    uid = "cart_recovery.{}".format
    post_checkout.connect(on_post_checkout, dispatch_uid=uid("bind_click"))
    order_status_changed.connect(on_order_status, dispatch_uid=uid("order_status"))
    order_line_status_changed.connect(on_line_status, dispatch_uid=uid("order_line_status"))
    for sender, receiver, name in (
        (get_model("order", "Order"), on_order_saved, "order_saved"),
        (get_model("order", "PaymentEvent"), on_payment_event, "payment_event"),
        (get_model("payment", "Source"), on_payment_source, "payment_source"),
        (get_model("payment", "Transaction"), on_transaction, "payment_transaction"),
    ):
        post_save.connect(receiver, sender=sender, dispatch_uid=uid(name))


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


@guarded_with_savepoint
def reconsider(order_id: int) -> None:
    take_back(order_id, timezone.now())


@guarded
def on_order_status(order: Any, **kwargs: Any) -> None:
    reconsider(order.pk)


@guarded
def on_line_status(line: Any, **kwargs: Any) -> None:
    reconsider(line.order_id)


@guarded
def on_order_saved(instance: Any, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """Shops that write the status without Oscar's `set_status` send no signal of its change."""
    if not created and not raw and instance.status in conf.CANCELLED_ORDER_STATUSES:
        reconsider(instance.pk)


@guarded
def on_payment_source(instance: Any, raw: bool = False, **kwargs: Any) -> None:
    if not raw and instance.amount_refunded:
        reconsider(instance.order_id)


@guarded
def on_transaction(instance: Any, raw: bool = False, **kwargs: Any) -> None:
    if not raw and instance.txn_type == instance.REFUND:
        reconsider(instance.source.order_id)


@guarded
def on_payment_event(instance: Any, raw: bool = False, **kwargs: Any) -> None:
    if not raw and "refund" in f"{instance.event_type.name} {instance.event_type.code}".lower():
        reconsider(instance.order_id)
