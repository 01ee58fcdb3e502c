"""Orders: placed, moved on, paid, refunded. What happened, the sweep reads from the orders."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models.signals import post_save
from django.utils import timezone
from oscar.apps.order.signals import (
    order_line_status_changed,
    order_placed,
    order_status_changed,
)
from oscar.core.loading import get_model

from cart_recovery.attribution.crediting import credit_order
from cart_recovery.campaigns.stopping import stop_for_order
from cart_recovery.carts.closing import close_ordered
from cart_recovery.carts.guarding import database, guarded, guarded_with_savepoint
from cart_recovery.orders.tracking import note_change

#: attribute of an order: its status when its row was last saved and noted
NOTED: Final = "_cart_recovery_noted_status"


def connect() -> None:
    uid = "cart_recovery.{}".format
    order_placed.connect(on_order_placed, dispatch_uid=uid("order_placed"))
    order_status_changed.connect(on_order_status, dispatch_uid=uid("order_status"))
    order_line_status_changed.connect(on_line_status, dispatch_uid=uid("order_line_status"))
    for app, model, receiver in (
        ("order", "Order", on_order_saved),
        ("order", "ShippingEventQuantity", on_pieces_of_event),
        ("order", "PaymentEventQuantity", on_pieces_of_event),
        ("order", "ShippingEvent", on_part_of_order),
        ("order", "PaymentEvent", on_part_of_order),
        ("payment", "Source", on_part_of_order),
        ("payment", "Transaction", on_transaction),
    ):
        post_save.connect(receiver, sender=get_model(app, model), dispatch_uid=uid(model.lower()))


@guarded
def on_order_placed(order: Any, **kwargs: Any) -> None:
    """Ends the cart with the order; the rest once the order is sure to stay."""
    close_cart(order.basket_id, order.pk)
    note_change(order.pk, is_placing=True)
    for task in (stop_campaigns, credit):
        transaction.on_commit(partial(task, order.pk), using=database(), robust=True)


@guarded
def on_order_saved(instance: Any, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """Shops that write the status without Oscar's `set_status` send no signal of its change."""
    if not created and not raw:
        note_change(instance.pk)
        setattr(instance, NOTED, instance.status)


@guarded
def on_order_status(order: Any, new_status: str, **kwargs: Any) -> None:
    """Of a status that was saved the ordinary way, the row's own signal has told."""
    if getattr(order, NOTED, None) != new_status:
        note_change(order.pk)


@guarded
def on_line_status(line: Any, **kwargs: Any) -> None:
    note_change(line.order_id)


@guarded
def on_part_of_order(instance: Any, raw: bool = False, **kwargs: Any) -> None:
    if not raw:
        note_change(instance.order_id)


@guarded
def on_pieces_of_event(instance: Any, raw: bool = False, **kwargs: Any) -> None:
    if not raw:
        note_change(instance.event.order_id)


@guarded
def on_transaction(instance: Any, raw: bool = False, **kwargs: Any) -> None:
    if not raw:
        note_change(instance.source.order_id)


@guarded_with_savepoint
def close_cart(basket_id: Any | None, order_id: int) -> None:
    close_ordered(basket_id, order_id, timezone.now())


@guarded_with_savepoint
def stop_campaigns(order_id: int) -> None:
    stop_for_order(order_id, timezone.now())


@guarded_with_savepoint
def credit(order_id: int) -> None:
    credit_order(order_id)
