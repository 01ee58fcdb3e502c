"""Steps of the checkout for which Oscar sends no signal.

A guest who leaves after the shipping address has told us how to be reached, and no signal says so.
All of Oscar's checkout, forked or not, stores it by a few methods of `CheckoutSessionData`: they are
wrapped, so that a shop has neither to fork its checkout nor to add a middleware.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from django.http import HttpRequest
from oscar.core import exceptions
from oscar.core.loading import get_class

from cart_recovery.carts.guarding import guarded, guarded_with_savepoint
from cart_recovery.carts.requests import basket_of
from cart_recovery.carts.tracking import touch
from cart_recovery.consent.capture import capture_checkout
from cart_recovery.models import CartStage
from cart_recovery.receivers.checkout import track_checkout


@guarded
def on_address_given(request: HttpRequest) -> None:
    track_checkout(request, basket_of(request))
    capture_consent(request)


@guarded
def on_step_done(request: HttpRequest) -> None:
    touch(basket_of(request), stage=CartStage.CHECKOUT)


@guarded_with_savepoint
def capture_consent(request: HttpRequest) -> None:
    """Boxes on the address form: the one place where a number and a consent come together."""
    capture_checkout(request)


NOT_INSTALLED: Final = (
    exceptions.AppNotFoundError, exceptions.ClassNotFoundError, exceptions.ModuleNotFoundError,
)  # fmt: skip
STEPS: Final[dict[str, Callable[[HttpRequest], None]]] = {
    "ship_to_new_address": on_address_given,
    "ship_to_user_address": on_address_given,
    "use_shipping_method": on_step_done,
    "pay_by": on_step_done,
}


def connect() -> None:
    """Wrap each method once. A shop without Oscar's checkout app has nothing to wrap."""
    try:
        session_class = get_class("checkout.utils", "CheckoutSessionData")
    except NOT_INSTALLED:
        return
    for name, receiver in STEPS.items():
        method = getattr(session_class, name, None)
        if method is not None and not hasattr(method, "is_tracked"):
            setattr(session_class, name, tracked(method, receiver))


def tracked(
    method: Callable[..., Any], receiver: Callable[[HttpRequest], None]
) -> Callable[..., Any]:
    """The method, followed by the receiver, which never raises."""

    @wraps(method)
    def wrapper(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = method(self, *args, **kwargs)
        receiver(self.request)
        return result

    wrapper.is_tracked = True  # type: ignore[attr-defined]  # a mark that connecting reads
    return wrapper
