"""What else a shopper could buy where a product has gone."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from oscar.core.loading import get_model

from cart_recovery.shop import catalogue

logger = logging.getLogger(__name__)

PER_PRODUCT = 3
#: products of the same categories that are looked at: not each of them can be bought
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
    found = _grouped(links.order_by("pk").values_list("product_id", "category_id"))
    return {pk: tuple(found.get(pk) or found.get(parent) or ()) for pk, parent in parents.items()}


def find_alternatives(
    gone: Sequence[GoneProduct], *, strategy: Any, not_these: Collection[int] = ()
) -> dict[int, tuple[Alternative, ...]]:
    """Up to three products in stock for each gone one, by its key.

    Other variants of the same product come first, then what the shop recommends with it, then the
    same category. `not_these`: keys of products that the shopper has already. Seven queries, and
    what the shop's strategy asks.
    """
    if not gone:
        return {}
    ranked = _ranked(gone, set(not_these))
    keys = {key for candidates in ranked.values() for key in candidates}
    products = {p.pk: p for p in catalogue.products_with_facts().filter(pk__in=keys)}
    offered = {
        pk: Alternative(catalogue.product_title(product), catalogue.product_path(product))
        for pk, product in products.items()
        if _can_be_bought(product, strategy)
    }
    return {
        product_id: tuple(offered[key] for key in candidates if key in offered)[:PER_PRODUCT]
        for product_id, candidates in ranked.items()
    }


def _ranked(gone: Sequence[GoneProduct], not_these: set[int]) -> dict[int, list[int]]:
    families = {item.product_id: item.parent_id or item.product_id for item in gone}
    variants = _variants(set(families.values()))
    recommended = _recommended(set(families) | set(families.values()))
    neighbours = _neighbours({key for item in gone for key in item.category_ids})
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


def _variants(parent_ids: Collection[int]) -> dict[int, list[int]]:
    products = get_model("catalogue", "Product")._base_manager.filter(
        parent_id__in=parent_ids, is_public=True
    )
    return _grouped(products.order_by("pk").values_list("parent_id", "pk"))


def _recommended(product_ids: Collection[int]) -> dict[int, list[int]]:
    rows = get_model("catalogue", "ProductRecommendation").objects.filter(
        primary_id__in=product_ids
    )
    return _grouped(rows.order_by("-ranking", "pk").values_list("primary_id", "recommendation_id"))


def _neighbours(category_ids: Collection[int]) -> dict[int, list[int]]:
    """Products that stand in the catalogue themselves, the newest first."""
    if not category_ids:
        return {}
    rows = get_model("catalogue", "ProductCategory").objects.filter(
        category_id__in=category_ids, product__is_public=True, product__parent__isnull=True
    )
    return _grouped(
        rows.order_by("-product_id").values_list("category_id", "product_id")[:CANDIDATES]
    )


def _can_be_bought(product: Any, strategy: Any) -> bool:
    if not (catalogue.is_public(product) and catalogue.product_path(product)):
        return False
    try:
        if product.is_parent:
            info = strategy.fetch_for_parent(product)
        else:
            info = strategy.fetch_for_product(product)
        return bool(info.availability.is_available_to_buy)
    except Exception:
        # the strategy is the shop's own code; what it cannot judge is not offered
        logger.exception("The strategy failed for product %s", product.pk)
        return False


def _grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)
