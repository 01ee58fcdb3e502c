"""What an order or a basket holds."""

from __future__ import annotations

from typing import Any


def product_ids_in(*holders: Any) -> frozenset[Any]:
    """The products in the lines of these orders and baskets. One query each, none for new ones."""
    return frozenset(
        product_id
        for holder in holders
        if holder.pk is not None
        for product_id in holder.lines.order_by().values_list("product_id", flat=True)
        if product_id is not None
    )
