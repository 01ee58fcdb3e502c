"""Sees what signals do not tell of a checkout that fails. Optional; see `carts.troubles`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse

from cart_recovery.carts.guarding import guarded
from cart_recovery.carts.troubles import (
    is_judged,
    is_payment_begun,
    kind_of,
    stage_of,
    troubled_basket,
    write,
)
from cart_recovery.models import TroubleKind
from cart_recovery.shop.checkout_failures import failure_of, is_payment_view

CHECKOUT: Final = "checkout"
#: pages that Django answers with a 4xx: the shop has said what it wanted to say
REFUSALS: Final = (BadRequest, Http404, PermissionDenied, SuspiciousOperation)


class CheckoutTroubleMiddleware:
    """Add `cart_recovery.carts.middleware.CheckoutTroubleMiddleware` after Oscar's basket middleware.

    On the checkout's URLs it notes exceptions that leave a view, answers with a 5xx, and pages of a
    payment that come back with an `error`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code >= 500:
            on_server_error(request, response.status_code)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> None:
        on_exception(request, exception)

    def process_template_response(self, request: HttpRequest, response: Any) -> Any:
        on_page(request, response)
        return response


@guarded
def on_exception(request: HttpRequest, error: Exception) -> None:
    """Also that of a page outside of the checkout, where it is about payments or orders and this
    shopper has begun to pay: other pages have to do with the payments of others, too."""
    is_known = failure_of(error) is not None
    is_trouble = is_checkout(request) or (is_known and is_payment_begun(request))
    if isinstance(error, REFUSALS) or not is_trouble:
        return
    kind = kind_of(error, is_paid=False) if is_known else TroubleKind.OTHER
    if kind is not None:
        write(troubled_basket(request), kind, code=type(error).__name__, stage=stage_of(request))


@guarded
def on_server_error(request: HttpRequest, status_code: int) -> None:
    if is_checkout(request):
        code = f"http_{status_code}"
        write(troubled_basket(request), TroubleKind.OTHER, code=code, stage=stage_of(request))


@guarded
def on_page(request: HttpRequest, response: Any) -> None:
    """Oscar's payment view shows `error` on the page of the payment's details where the payment was
    refused, and on the preview where something broke; so do views that are made from it, also where a
    bank leads back to them by GET. What is wrong on other pages, such as with an address, is for the
    shopper to mend."""
    context = getattr(response, "context_data", None) or {}
    view = context.get("view")
    if not context.get("error") or not is_checkout(request) or not is_payment_view(view):
        return
    if is_judged():
        return
    is_preview = bool(getattr(view, "preview", False))
    kind = TroubleKind.PAYMENT_ERROR if is_preview else TroubleKind.PAYMENT_REFUSED
    write(troubled_basket(request), kind, code="", stage=stage_of(request))


def is_checkout(request: HttpRequest) -> bool:
    """Whether the URL is one of Oscar's checkout app, forked or not."""
    match = request.resolver_match
    return match is not None and CHECKOUT in match.namespaces
