"""A checkout that fails, as far as signals tell: a payment was begun, and the basket is open again."""

from __future__ import annotations

import sys
from typing import Any

from django.db.models.signals import post_save
from oscar.apps.checkout.signals import post_payment, pre_payment
from oscar.core.loading import get_model

from cart_recovery.carts.guarding import guarded
from cart_recovery.carts.requests import paid_basket
from cart_recovery.carts.troubles import begin_attempt, mark_paid, note_thaw


def connect() -> None:
    pre_payment.connect(on_payment, dispatch_uid="cart_recovery.attempt_begun")
    post_payment.connect(on_payment_done, dispatch_uid="cart_recovery.attempt_paid")
    post_save.connect(
        on_basket_saved, sender=get_model("basket", "Basket"), dispatch_uid="cart_recovery.thawed"
    )


@guarded
def on_payment(view: Any, **kwargs: Any) -> None:
    begin_attempt(view.request, paid_basket(view.request))


@guarded
def on_payment_done(view: Any, **kwargs: Any) -> None:
    mark_paid(view.request, paid_basket(view.request))


@guarded
def on_basket_saved(instance: Any, created: bool, raw: bool = False, **kwargs: Any) -> None:
    """Oscar thaws inside of its `except`: the exception that is being handled says why."""
    if not created and not raw and instance.status == "Open":
        note_thaw(instance.pk, sys.exception())
