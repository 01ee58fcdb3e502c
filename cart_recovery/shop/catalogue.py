"""Products as plain facts. What a product no longer has comes out empty, never as an error."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import QuerySet
from django.urls import NoReverseMatch
from django.utils.translation import get_language
from oscar.core.loading import get_model

logger = logging.getLogger(__name__)


def products_with_facts() -> QuerySet[Any]:
    """Products with all that the functions below and Oscar's strategies read.

    Four queries however many products there are: the products with parents and classes, their
    images, their parents' images, and their stock records.
    """
    product_model = get_model("catalogue", "Product")
    # the base manager: a fork's default manager may hide products that lie in baskets
    products: QuerySet[Any] = product_model._base_manager.select_related(
        "product_class", "parent", "parent__product_class"
    ).prefetch_related("stockrecords", "images", "parent__images")
    return products


@dataclass(frozen=True, slots=True)
class ProductFacts:
    """What a message says of a product; texts are "" where there is nothing to say."""

    parent_id: Any | None
    title: str
    path: str
    image_url: str
    is_public: bool


#: facts by (product's key, language), for as long as one batch is read
Seen = dict[tuple[Any, str | None], ProductFacts]


def product_facts(product: Any, seen: Seen) -> ProductFacts:
    """The facts in the active language; a product that lies in many baskets is read once."""
    key = (product.pk, get_language())
    facts = seen.get(key)
    if facts is None:
        parent = parent_of(product)
        facts = seen[key] = ProductFacts(
            parent_id=parent.pk if parent is not None else None,
            title=product_title(product),
            path=product_path(product),
            image_url=image_url(product),
            is_public=is_public(product),
        )
    return facts


def product_title(product: Any) -> str:
    return str(product.get_title() or "").strip()


def product_path(product: Any) -> str:
    """Path of the product's page in the active language; "" where it has none."""
    try:
        return str(product.get_absolute_url())
    except (NoReverseMatch, ObjectDoesNotExist):
        return ""


def is_public(product: Any) -> bool:
    """Whether shoppers can see the product, by the rule of Oscar's product page."""
    if not getattr(product, "is_public", True):
        return False
    parent = parent_of(product)
    return parent is None or bool(getattr(parent, "is_public", True))


def image_url(product: Any) -> str:
    """URL of the first picture, the parent's where the product has none; "" where neither has.

    Reads the prefetched rows: `product.primary_image()` would query for each child product.
    """
    parent = parent_of(product)
    for owner in (product, parent):
        images = list(owner.images.all()) if owner is not None else []
        for image in sorted(images, key=lambda image: (image.display_order, image.pk)):
            url = file_url(image.original)
            if url:
                return url
    return ""


def file_url(stored_file: Any) -> str:
    """URL of a stored file; "" where the row has none or its storage cannot say."""
    if not stored_file:
        return ""
    try:
        return str(stored_file.url)
    except Exception:
        # storages are third-party code: a picture must not keep a message from going out
        logger.exception("No URL for a product picture")
        return ""


def parent_of(product: Any) -> Any | None:
    """The parent of a child product; None where there is none, or none any more."""
    try:
        return product.parent
    except ObjectDoesNotExist:
        return None
