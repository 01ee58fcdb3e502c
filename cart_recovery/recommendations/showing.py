"""Suggestions for the shop's own mails and pages: what the template tags show."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from cart_recovery.markets.profiles import market_for
from cart_recovery.recommendations.choosing import Wish, recommend
from cart_recovery.recommendations.history import bought_or_returned
from cart_recovery.recommendations.products import RecommendedProduct
from cart_recovery.shop.contents import product_ids_in
from cart_recovery.shop.orders import countries_of
from cart_recovery.shop.site import absolute_url

#: the wish's key where there is one alone
THIS = "this"


class Place(StrEnum):
    """Where suggestions stand: in a message, which comes unasked, or on a page of the shop."""

    MESSAGE = "message"
    PAGE = "page"


def suggestions(
    *, order: Any = None, basket: Any = None, product: Any = None, place: Place, limit: int
) -> Sequence[RecommendedProduct]:
    """What goes with an order, a basket or a product; links are absolute.

    In a message nothing unless the markets of all countries of the order, those of its shipping and
    of its billing address, let service messages advertise (`advertising_in_service`); without an
    order, or an address of it, the strictest rules hold.
    """
    if place == Place.MESSAGE and not may_advertise(order):
        return ()
    holders = [each for each in (order, basket) if each is not None]
    user_id = next((user for each in holders if (user := _user_id(each)) is not None), None)
    wish = Wish(
        key=THIS,
        product_ids=product_ids_in(*holders) | ({product.pk} if product is not None else set()),
        # of guests this order alone is known: looking for others would read all orders
        exclude=bought_or_returned([user_id], []).get(user_id, frozenset())
        if user_id is not None
        else frozenset(),
        user_id=user_id,
    )
    if not wish.product_ids:
        return ()
    return [_for_reading(found) for found in recommend([wish], limit=limit)[THIS]]


def may_advertise(order: Any) -> bool:
    """Whether a service message about this order may show products."""
    countries = countries_of(order) if order is not None else frozenset()
    return all(market_for(country).advertising_in_service for country in countries or {""})


def _user_id(holder: Any) -> Any | None:
    """Whose order or basket it is."""
    return getattr(holder, "user_id", None) or getattr(holder, "owner_id", None)


def _for_reading(product: RecommendedProduct) -> RecommendedProduct:
    return dataclasses.replace(
        product,
        # on one line: in a plain text a line break would begin a paragraph of its own
        title=" ".join(product.title.split()),
        path=absolute_url(product.path),
        image_url=absolute_url(product.image_url) if product.image_url else "",
    )
