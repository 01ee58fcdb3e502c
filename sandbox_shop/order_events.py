"""What staff can say about an order in Oscar's dashboard, beside its status."""

from __future__ import annotations

from typing import Final

from oscar.core.loading import get_model

SHIPPING: Final = ("Shipped", "Delivered", "Returned")
PAYMENT: Final = ("Refund",)


def install_event_types() -> None:
    """Create the kinds of shipping and payment events that are missing."""
    for model, names in (("ShippingEventType", SHIPPING), ("PaymentEventType", PAYMENT)):
        for name in names:
            get_model("order", model).objects.get_or_create(name=name)
