from __future__ import annotations

from oscar.apps.checkout.utils import CheckoutSessionData as OscarSessionData


class CheckoutSessionData(OscarSessionData):
    def ship_to_new_address(self, address_fields):
        super().ship_to_new_address({**address_fields, "title": address_fields.get("title", "")})
