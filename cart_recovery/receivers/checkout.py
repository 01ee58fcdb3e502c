"""Steps of the checkout for which Oscar sends a signal."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from oscar.apps.checkout.signals import post_payment, pre_payment, start_checkout

from cart_recovery.carts.guarding import guarded
from cart_recovery.carts.requests import basket_of, paid_basket
from cart_recovery.carts.tracking import touch
from cart_recovery.models import CartStage
from cart_recovery.receivers.visitors import contact_at_checkout


def connect() -> None:
    start_checkout.connect(on_start_checkout, dispatch_uid="cart_recovery.start_checkout")
    pre_payment.connect(on_payment, dispatch_uid="cart_recovery.pre_payment")
    post_payment.connect(on_payment_done, dispatch_uid="cart_recovery.post_payment")


@guarded
def on_start_checkout(request: HttpRequest, email: str = "", **kwargs: Any) -> None:
    """`email` is what a guest has just typed; a member is known already."""
    track_checkout(request, basket_of(request), email)


@guarded
def on_payment(view: Any, **kwargs: Any) -> None:
    track_checkout(view.request, paid_basket(view.request))


@guarded
def on_payment_done(view: Any, **kwargs: Any) -> None:
    """In the same request as `pre_payment` this says nothing new; after a redirect it does."""
    touch(paid_basket(view.request), stage=CartStage.CHECKOUT)


def track_checkout(request: HttpRequest, basket_id: Any, email: str = "") -> None:
    """Somebody whom we may know by now is busy with the checkout of a basket."""
    contact_id = contact_at_checkout(request, basket_id, email)
    touch(basket_id, stage=CartStage.CHECKOUT, contact_id=contact_id)
