"""Paying for an order that waits for its money, behind a link that cannot be guessed."""

from __future__ import annotations

from typing import Any, Final

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views import View
from oscar.core.loading import get_model

WAITING: Final = "Pending payment"
PAID: Final = "Being processed"
SALT: Final = "sandbox_shop.checkout.paying"


def resume_url(number: str, _language: str) -> str:
    """The path of an order's page, for `PAYMENT_RESUME_URL`."""
    return reverse("checkout:pay", kwargs={"token": signing.dumps(number, salt=SALT)})


class PayView(View):
    """Says what is to be paid, to whoever has the link, and nothing about who ordered."""

    def get(self, request: HttpRequest, token: str) -> HttpResponse:
        order = _order(token)
        context = {"order": order, "is_due": order.status == WAITING}
        return render(request, "sandbox_shop/pay.html", context)

    def post(self, _request: HttpRequest, token: str) -> HttpResponse:
        order = _order(token)
        if order.status == WAITING:
            order.set_status(PAID)
        return redirect("checkout:pay", token=token)


def _order(token: str) -> Any:
    """Raises Http404 for a link that is not ours."""
    try:
        number = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        raise Http404 from None
    return get_object_or_404(get_model("order", "Order"), number=number)
