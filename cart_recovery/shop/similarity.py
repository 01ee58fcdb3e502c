"""Whether goods are like those that somebody has bought: what UWG §7(3) calls "similar"."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from typing import Any

from oscar.core.loading import get_model

from cart_recovery.shop.cancelling import says_cancelled


def similar_to_orders(
    wanted: Mapping[Any, Collection[int]], order_ids: Mapping[Any, Collection[int]]
) -> set[Any]:
    """The keys of `wanted` whose products are similar to what the orders of the same key held.

    Similar is what shares a category; a child product has those of its parent. Products without a
    category are similar to themselves alone. One similar product in a basket is enough. Orders that
    are gone, cancelled or without a price were no sale. Four queries, whatever the number.
    """
    bought = sold_products({order_id for ids in order_ids.values() for order_id in ids})
    products = {product for ids in wanted.values() for product in ids}
    products |= {product for ids in bought.values() for product in ids}
    kinds = kinds_of(products)
    found = set()
    for key, product_ids in wanted.items():
        known = {
            kind
            for order_id in order_ids.get(key, ())
            for product in bought.get(order_id, ())
            for kind in kinds[product]
        }
        if any(not known.isdisjoint(kinds[product]) for product in product_ids):
            found.add(key)
    return found


def sold_products(order_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """What these orders sold, by order, without those that were no sale and lines that were
    cancelled. Two queries, none without orders."""
    sales = _sales(order_ids)
    found: dict[int, set[int]] = defaultdict(set)
    if sales:
        lines = get_model("order", "Line")._base_manager.filter(
            ~says_cancelled(), order_id__in=sales, product_id__isnull=False
        )
        for order_id, product_id in lines.order_by().values_list("order_id", "product_id"):
            found[order_id].add(product_id)
    return {order_id: frozenset(products) for order_id, products in found.items()}


def _sales(order_ids: Collection[int]) -> set[int]:
    if not order_ids:
        return set()
    orders = get_model("order", "Order")._base_manager.filter(
        ~says_cancelled(), pk__in=order_ids, total_incl_tax__gt=0
    )
    return set(orders.order_by().values_list("pk", flat=True))


def kinds_of(product_ids: Collection[int]) -> dict[int, set[tuple[str, int]]]:
    """What a product may be similar by: its categories and those of its parent, and itself. Two
    queries."""
    parents = dict(
        get_model("catalogue", "Product")
        ._base_manager.filter(pk__in=product_ids, parent_id__isnull=False)
        .order_by()
        .values_list("pk", "parent_id")
    )
    categories: dict[int, set[int]] = defaultdict(set)
    rows = get_model("catalogue", "ProductCategory")._base_manager.filter(
        product_id__in={*product_ids, *parents.values()}
    )
    for product_id, category_id in rows.order_by().values_list("product_id", "category_id"):
        categories[product_id].add(category_id)
    kinds: dict[int, set[tuple[str, int]]] = defaultdict(set)
    for product_id in product_ids:
        family = {product_id, parents.get(product_id, product_id)}
        kinds[product_id] = {("product", member) for member in family} | {
            ("category", category) for member in family for category in categories.get(member, ())
        }
    return kinds
