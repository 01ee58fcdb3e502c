"""What the exceptions of a shop's checkout say, whichever of Oscar's apps the shop has forked."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from oscar.core.exceptions import AppNotFoundError, ClassNotFoundError, ModuleNotFoundError
from oscar.core.loading import get_class

NOT_INSTALLED: Final = (AppNotFoundError, ClassNotFoundError, ModuleNotFoundError)


class Failure(StrEnum):
    #: foreseen: the card has expired, the bank says no
    REFUSED = "refused"
    #: the gateway is down, or its settings are wrong
    ERROR = "error"
    #: the order could not be made, whatever became of the payment
    NO_ORDER = "no_order"
    #: part of the way: on to another page, or the shopper changed their mind
    NONE = "none"


def failure_of(error: BaseException) -> Failure | None:
    """What an exception of the checkout stands for; None for one that Oscar does not know."""
    payment = "payment.exceptions"
    if _is_one(error, payment, "RedirectRequired", "UserCancelled"):
        return Failure.NONE
    if _is_one(error, payment, "UnableToTakePayment", "TransactionDeclined"):
        return Failure.REFUSED
    if _is_one(error, payment, "PaymentError"):
        return Failure.ERROR
    if _is_one(error, "order.exceptions", "UnableToPlaceOrder"):
        return Failure.NO_ORDER
    return None


def is_payment_view(view: Any) -> bool:
    """Whether it is Oscar's view of the payment and the preview, or made from it."""
    try:
        return isinstance(view, get_class("checkout.views", "PaymentDetailsView"))
    except NOT_INSTALLED:
        return False


def _is_one(error: BaseException, module: str, *names: str) -> bool:
    classes = (_exception(module, name) for name in names)
    return any(found is not None and isinstance(error, found) for found in classes)


def _exception(module: str, name: str) -> Any | None:
    """A shop may do without Oscar's payment app, and a fork without one of its exceptions."""
    try:
        return get_class(module, name)
    except NOT_INSTALLED:
        return None
