"""Orders as they stand in the shop's tables, variants, and what was counted of them."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery.models import BoughtTogether
from cart_recovery.recommendations import computing
from tests.checkout import make_country
from tests.factories import make_product

numbers = itertools.count(1)
NOW = timezone.now().replace(microsecond=0)
#: long enough ago to be counted
LONG_AGO = NOW - dt.timedelta(days=3)


def make_order(
    *products: Any, placed_at: dt.datetime = LONG_AGO, country: str = "DE", **fields: Any
) -> Any:
    """An order with one line per product; `country=""` leaves the address out."""
    address = None
    if country:
        address = get_model("order", "ShippingAddress").objects.create(
            last_name="Mustermann", line1="Heidestraße 17", line4="Köln", postcode="51147",
            country=make_country(country, country),
        )  # fmt: skip
    order = get_model("order", "Order").objects.create(
        number=f"R{next(numbers)}", currency="EUR", total_incl_tax=Decimal("10.00"),
        total_excl_tax=Decimal("10.00"), date_placed=placed_at, shipping_address=address, **fields,
    )  # fmt: skip
    money = {
        f"{name}_{tax}": Decimal("10.00")
        for name in ("line_price", "line_price_before_discounts", "unit_price")
        for tax in ("incl_tax", "excl_tax")
    }
    get_model("order", "Line").objects.bulk_create(
        get_model("order", "Line")(
            order=order, product=product, title=product.get_title(), quantity=1,
            partner_sku="sku", num_allocated=0, **money,
        )
        for product in products
    )  # fmt: skip
    return order


def make_variants(title: str, *names: str, stock: int = 10) -> tuple[Any, ...]:
    """A parent and its variants: (parent, variant, …)."""
    model = get_model("catalogue", "Product")
    parent = make_product(title, price=None, structure=model.PARENT)
    variants = [make_product(f"{title} {name}", stock=stock) for name in names]
    for variant in variants:
        variant.structure, variant.parent, variant.product_class = model.CHILD, parent, None
        variant.save()
    return (parent, *variants)


def make_category(name: str, *products: Any) -> Any:
    category = get_model("catalogue", "Category").add_root(name=name)
    for product in products:
        get_model("catalogue", "ProductCategory").objects.create(product=product, category=category)
    return category


def recommend_with(product: Any, other: Any, ranking: int = 0) -> None:
    """As staff do it in Oscar's dashboard."""
    get_model("catalogue", "ProductRecommendation").objects.create(
        primary=product, recommendation=other, ranking=ranking
    )


def pairs() -> dict[tuple[int, int], int]:
    """(product, partner) -> orders."""
    rows = BoughtTogether.objects.values_list("product_id", "partner_id", "orders")
    return {(product, partner): orders for product, partner, orders in rows}


def count_all(now: dt.datetime = NOW) -> dict[tuple[int, int], int]:
    """Count everything anew."""
    computing.run_to_end(now, rebuild=True)
    return pairs()


def both(counts: dict[tuple[Any, Any], int]) -> dict[tuple[int, int], int]:
    """The same for both directions, by key."""
    return {
        key: n
        for (one, other), n in counts.items()
        for key in ((one.pk, other.pk), (other.pk, one.pk))
    }
