"""What is suggested, as plain facts."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class RecommendedProduct:
    """A product that can be bought now. Paths are relative to the shop; texts are "" where there is
    nothing to say, `price` is None where the shop's strategy names none."""

    product_id: int
    title: str
    path: str
    image_url: str
    price: Decimal | None
    currency: str
