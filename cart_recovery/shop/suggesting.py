"""Which products go with others, as the catalogue has it, and which of them can be offered now."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import F, Prefetch, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from oscar.core.loading import get_model

from cart_recovery.shop import catalogue

logger = logging.getLogger(__name__)


def families_of(product_ids: Collection[int], *, public_only: bool = False) -> dict[int, int]:
    """What each product is a variant of, else the product itself; without those gone, or all that
    shoppers do not see. One query."""
    if not product_ids:
        return {}
    products = get_model("catalogue", "Product")._base_manager.filter(pk__in=set(product_ids))
    if public_only:
        seen = Q(parent__isnull=True) | Q(parent__is_public=True)
        products = products.filter(seen, is_public=True)
    pairs = products.order_by().values_list("pk", "parent_id")
    return {pk: pk if parent is None else parent for pk, parent in pairs}


def variants_of(product_ids: Collection[int], **conditions: Any) -> dict[int, list[int]]:
    """The variants of each product, the oldest first. One query."""
    if not product_ids:
        return {}
    products = get_model("catalogue", "Product")._base_manager.filter(
        parent_id__in=set(product_ids), **conditions
    )
    return grouped(products.order_by("pk").values_list("parent_id", "pk"))


def recommended_with(product_ids: Collection[int]) -> dict[int, list[int]]:
    """What staff recommend with each product, by their ranking. One query."""
    if not product_ids:
        return {}
    rows = get_model("catalogue", "ProductRecommendation").objects.filter(
        primary_id__in=set(product_ids)
    )
    return grouped(rows.order_by("-ranking", "pk").values_list("primary_id", "recommendation_id"))


def newest_of(category_ids: Collection[int], *, each: int) -> dict[int, list[int]]:
    """Products that stand in these categories themselves, the newest `each` first. One query."""
    if not category_ids:
        return {}
    place = Window(RowNumber(), partition_by=F("category_id"), order_by=F("product_id").desc())
    rows = get_model("catalogue", "ProductCategory").objects.filter(
        category_id__in=set(category_ids), product__is_public=True, product__parent__isnull=True
    )
    newest = rows.annotate(place=place).filter(place__lte=each).order_by("-product_id")
    return grouped(newest.values_list("category_id", "product_id"))


def products_to_offer(product_ids: Collection[int]) -> dict[int, Any]:
    """Products with all that is asked below, by key: six queries, however many there are."""
    if not product_ids:
        return {}
    variants: QuerySet[Any] = get_model("catalogue", "Product")._base_manager.filter(is_public=True)
    products = catalogue.products_with_facts().prefetch_related(
        Prefetch(
            "children",
            queryset=variants.prefetch_related("stockrecords").order_by("pk"),
            # Oscar's own name for it: its strategies look there before they ask
            to_attr="_prefetched_public_children",
        )
    )
    return {product.pk: product for product in products.filter(pk__in=set(product_ids))}


def purchase_info(product: Any, strategy: Any) -> Any | None:
    """What the shop's strategy says about a product that can be bought now, else None."""
    try:
        if product.is_parent:
            info = strategy.fetch_for_parent(product)
        else:
            info = strategy.fetch_for_product(product)
        is_available = info.availability.is_available_to_buy
    except Exception:
        # the strategy is the shop's own code; what it cannot judge is not offered
        logger.exception("The strategy failed for product %s", product.pk)
        return None
    return info if is_available else None


def grouped(pairs: Iterable[tuple[Any, Any]]) -> dict[Any, list[Any]]:
    """The second of each pair by the first, in their order."""
    groups: dict[Any, list[Any]] = defaultdict(list)
    for key, value in pairs:
        groups[key].append(value)
    return dict(groups)
