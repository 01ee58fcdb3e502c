"""What else a shopper could buy where a product has gone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from oscar.core.loading import get_model

from cart_recovery.shop import catalogue
from cart_recovery.shop.suggesting import (
    grouped,
    newest_of,
    products_to_offer,
    purchase_info,
    recommended_with,
    variants_of,
)

PER_PRODUCT = 3
#: products of each category that are looked at: not each of them can be bought
CANDIDATES = 60


@dataclass(frozen=True, slots=True)
class Alternative:
    title: str
    path: str


@dataclass(frozen=True, slots=True)
class GoneProduct:
    """What is still known about a product that cannot be bought."""

    product_id: int
    parent_id: int | None
    category_ids: tuple[int, ...]


def categories_of(product_ids: Collection[int]) -> dict[int, tuple[int, ...]]:
    """The categories of products, for variants those of the parent. Two queries."""
    if not product_ids:
        return {}
    rows = get_model("catalogue", "Product")._base_manager.filter(pk__in=set(product_ids))
    parents = dict(rows.values_list("pk", "parent_id"))
    wanted = set(parents) | {pk for pk in parents.values() if pk is not None}
    links = get_model("catalogue", "ProductCategory").objects.filter(product_id__in=wanted)
    found = grouped(links.order_by("pk").values_list("product_id", "category_id"))
    return {pk: tuple(found.get(pk) or found.get(parent) or ()) for pk, parent in parents.items()}


def find_alternatives(
    gone: Sequence[GoneProduct], *, strategy: Any, not_these: Collection[int] = ()
) -> dict[int, tuple[Alternative, ...]]:
    """Up to three products in stock for each gone one, by its key.

    Other variants of the same product come first, then what the shop recommends with it, then the
    same category. `not_these`: keys of products that the shopper has already. Nine queries, and what
    the shop's strategy asks.
    """
    if not gone:
        return {}
    ranked = _ranked(gone, set(not_these))
    keys = {key for candidates in ranked.values() for key in candidates}
    offered = {
        pk: Alternative(catalogue.product_title(product), catalogue.product_path(product))
        for pk, product in products_to_offer(keys).items()
        if catalogue.is_public(product)
        and catalogue.product_path(product)
        and purchase_info(product, strategy) is not None
    }
    return {
        product_id: tuple(offered[key] for key in candidates if key in offered)[:PER_PRODUCT]
        for product_id, candidates in ranked.items()
    }


def _ranked(gone: Sequence[GoneProduct], not_these: set[int]) -> dict[int, list[int]]:
    families = {item.product_id: item.parent_id or item.product_id for item in gone}
    variants = variants_of(set(families.values()), is_public=True)
    recommended = recommended_with(set(families) | set(families.values()))
    categories = {key for item in gone for key in item.category_ids}
    neighbours = newest_of(categories, each=CANDIDATES)
    hidden = not_these | set(families)
    ranked = {}
    for item in gone:
        family = families[item.product_id]
        candidates = [
            *variants.get(family, ()),
            *recommended.get(item.product_id, ()),
            *recommended.get(family, ()),
            *(key for category in item.category_ids for key in neighbours.get(category, ())),
        ]
        # a parent stands for its variants: offering it beside the gone one leads nowhere new
        ranked[item.product_id] = [
            key for key in dict.fromkeys(candidates) if key not in hidden and key != family
        ]
    return ranked
