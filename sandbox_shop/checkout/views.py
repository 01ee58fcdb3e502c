"""The shop's payment: nothing is charged, and whoever wants to see it fail or wait can have that."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from oscar.apps.checkout import views
from oscar.apps.payment.exceptions import UnableToTakePayment

from sandbox_shop.checkout.paying import WAITING

#: key in the session
CARD: Final = "sandbox_card"
DECLINED: Final = "declined"
LATER: Final = "later"
TOLD: Final = {
    "de": "Die Karte wurde abgelehnt. (Im Sandkasten nur, weil Sie es so gewählt haben.)",
    "en": "The card was declined. (In the sandbox only since you have chosen so.)",
}


class PaymentDetailsView(views.PaymentDetailsView):  # type: ignore[misc] # Oscar has no types
    """Goes from the page of the payment to the preview by a redirect, as `ConsentMiddleware` expects
    it of a form that was taken."""

    waits_for_money = False

    def handle_payment_details_submission(self, request: HttpRequest) -> HttpResponse:
        request.session[CARD] = request.POST.get("card", "")[:16]
        return redirect("checkout:preview")

    def handle_payment(self, order_number: str, total: Any, **kwargs: Any) -> None:
        """Raises UnableToTakePayment once where the shopper has chosen a card that is declined."""
        chosen = self.request.session.pop(CARD, "")
        if chosen == DECLINED:
            raise UnableToTakePayment(TOLD.get(self.request.LANGUAGE_CODE, TOLD["en"]))
        self.waits_for_money = chosen == LATER

    def get_initial_order_status(self, basket: Any) -> str | None:
        usual: str | None = super().get_initial_order_status(basket)
        return WAITING if self.waits_for_money else usual
