"""Consent boxes on the forms for which Oscar sends a signal. The others: `ConsentMiddleware`."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from oscar.apps.checkout.signals import post_checkout, start_checkout
from oscar.apps.customer.signals import user_registered

from cart_recovery.carts.guarding import guarded_with_savepoint
from cart_recovery.consent import soft_opt_ins
from cart_recovery.consent.capture import capture_guest, capture_registration


def connect() -> None:
    user_registered.connect(on_user_registered, dispatch_uid="cart_recovery.consent_registered")
    start_checkout.connect(on_start_checkout, dispatch_uid="cart_recovery.consent_checkout")
    post_checkout.connect(on_post_checkout, dispatch_uid="cart_recovery.consent_ordered")


@guarded_with_savepoint
def on_user_registered(request: HttpRequest, user: Any, **kwargs: Any) -> None:
    capture_registration(request, user)


@guarded_with_savepoint
def on_start_checkout(request: HttpRequest, email: str = "", **kwargs: Any) -> None:
    """Oscar names the address of a guest only; whoever is signed in gave consent elsewhere."""
    if email:
        capture_guest(request, email)


@guarded_with_savepoint
def on_post_checkout(request: HttpRequest, order: Any, **kwargs: Any) -> None:
    """The order is placed: what the notice for existing customers in its checkout leads to."""
    soft_opt_ins.take_up(request, order.pk)
