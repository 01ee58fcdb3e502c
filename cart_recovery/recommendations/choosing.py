"""Chooses what to suggest: what staff recommend, what is bought together, what is of the same kind.

A suggestion is about a product with all of its variants: who has the blue shirt is offered no red one,
and nobody is offered both.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from typing import Any, Final

from django.utils import translation

from cart_recovery.models import BoughtTogether
from cart_recovery.recommendations.products import RecommendedProduct
from cart_recovery.shop import catalogue
from cart_recovery.shop.alternatives import categories_of
from cart_recovery.shop.baskets import unit_price
from cart_recovery.shop.similarity import kinds_of
from cart_recovery.shop.strategies import strategies_for
from cart_recovery.shop.suggesting import (
    families_of,
    newest_of,
    products_to_offer,
    purchase_info,
    recommended_with,
    variants_of,
)

#: how many are looked at for each that is wanted: not each of them can be bought
CANDIDATES: Final = 6
#: how often so many are looked at: a shop may be sold out of all that goes best with a product
LOOKS: Final = 2
#: products of a category that are looked at
NEWEST: Final = 30


@dataclass(frozen=True, slots=True)
class Wish:
    """Suggestions are wanted for whoever bought these products, or has them in the basket.

    `exclude`: products that are not suggested either, such as all that the person ever bought.
    `similar_to`: where given, nothing is suggested but what is similar to these products in the sense
    of UWG §7(3), or is one of them. The user decides by which strategy prices and stock are judged,
    the language ("": the active one) in which titles and paths are read.
    """

    key: Hashable
    product_ids: frozenset[int]
    exclude: frozenset[int] = frozenset()
    similar_to: frozenset[int] | None = None
    user_id: Any | None = None
    language: str = ""


def recommend(
    wishes: Sequence[Wish], *, limit: int = 4
) -> dict[Hashable, tuple[RecommendedProduct, ...]]:
    """Up to `limit` products for each wish, by its key, the best first; perhaps none.

    What staff recommend comes first, by their ranking, then what is bought together most often,
    then what is new in the same categories. Only what can be seen and bought now; where little of
    the best can be, the next best are looked at once. Twenty-three queries at the most, whatever the
    number of wishes, and what the shop's strategy asks; it is asked once about a product for each
    user.
    """
    if not wishes or limit < 1:
        return {wish.key: () for wish in wishes}
    ranked = _ranked(wishes)
    shelf = _Shelf(strategies_for({wish.user_id for wish in wishes}))
    found: dict[Hashable, tuple[RecommendedProduct, ...]] = {wish.key: () for wish in wishes}
    portion = limit * CANDIDATES
    for start in range(0, LOOKS * portion, portion):
        wanting = {
            wish: ranked[wish.key][start : start + portion]
            for wish in wishes
            if len(found[wish.key]) < limit
        }
        shelf.put(products_to_offer({key for keys in wanting.values() for key in keys}))
        for wish, keys in wanting.items():
            with translation.override(wish.language) if wish.language else contextlib.nullcontext():
                offers = (shelf.offer(key, wish.user_id) for key in keys)
                found[wish.key] += _first(limit - len(found[wish.key]), offers)
    return found


@dataclass(slots=True)
class _Shelf:
    """The candidates of all wishes, each judged once for a user and described once in a language."""

    strategies: Mapping[Any, Any]
    products: dict[int, Any] = field(default_factory=dict)
    infos: dict[tuple[int, Any], Any | None] = field(default_factory=dict)
    seen: catalogue.Seen = field(default_factory=dict)

    def put(self, products: Mapping[int, Any]) -> None:
        self.products.update(products)

    def offer(self, key: int, user_id: Any | None) -> RecommendedProduct | None:
        """The product as it can be bought now by this user; None where it cannot."""
        product = self.products.get(key)
        if product is None:
            return None
        facts = catalogue.product_facts(product, self.seen)
        if not (facts.is_public and facts.path):
            return None
        if (key, user_id) not in self.infos:
            self.infos[key, user_id] = purchase_info(product, self.strategies[user_id])
        info = self.infos[key, user_id]
        if info is None:
            return None
        return RecommendedProduct(
            product_id=key,
            title=facts.title,
            path=facts.path,
            image_url=facts.image_url,
            price=unit_price(info),
            currency=info.price.currency or "",
        )


@dataclass(frozen=True, slots=True)
class _Sources:
    """What goes with the products of all wishes. Products by key, families by their parent's key."""

    families: Mapping[int, int]
    recommended: Mapping[int, list[int]]
    partners: Mapping[int, list[tuple[int, int]]]
    categories: Mapping[int, tuple[int, ...]]
    newest: Mapping[int, list[int]]

    @classmethod
    def of(cls, product_ids: Collection[int]) -> _Sources:
        families = families_of(product_ids)
        categories = categories_of(product_ids)
        return cls(
            families=families,
            recommended=recommended_with({*product_ids, *families.values()}),
            partners=_partners(set(families.values())),
            categories=categories,
            newest=newest_of({key for keys in categories.values() for key in keys}, each=NEWEST),
        )

    def candidates(self, product_ids: Collection[int]) -> Iterator[int]:
        """Products that go with these, the best first; some may come several times."""
        own = sorted(product_ids)
        families = sorted({self.families[key] for key in own if key in self.families})
        primary = dict.fromkeys([*own, *families])
        yield from _in_turn(self.recommended.get(key, ()) for key in primary)
        together: Counter[int] = Counter()
        for key in families:
            together.update(dict(self.partners.get(key, ())))
        yield from sorted(together, key=lambda key: (together[key], key), reverse=True)
        kinds = dict.fromkeys(kind for key in own for kind in self.categories.get(key, ()))
        yield from _in_turn(self.newest.get(kind, ()) for kind in kinds)


def _ranked(wishes: Sequence[Wish]) -> dict[Hashable, list[int]]:
    """What may be suggested for each wish, the best first, as far as can be said without stock."""
    sources = _Sources.of({key for wish in wishes for key in wish.product_ids})
    candidates = {
        wish.key: list(dict.fromkeys(sources.candidates(wish.product_ids))) for wish in wishes
    }
    # what shoppers do not see any more leaves its place to others
    families = families_of({key for keys in candidates.values() for key in keys}, public_only=True)
    kinds = _kinds(wishes, candidates)
    variants = variants_of(set(families.values()))
    ranked: dict[Hashable, list[int]] = {}
    for wish in wishes:
        taken = {sources.families.get(key, key) for key in wish.product_ids}
        chosen = ranked[wish.key] = []
        wanted = {kind for product in wish.similar_to or () for kind in kinds[product]}
        for key in candidates[wish.key]:
            family = families.get(key)
            if family is None or family in taken:
                continue
            taken.add(family)
            is_had = not wish.exclude.isdisjoint((key, family, *variants.get(family, ())))
            is_fit = wish.similar_to is None or not wanted.isdisjoint(kinds[key])
            if is_fit and not is_had:
                chosen.append(key)
    return ranked


def _kinds(
    wishes: Sequence[Wish], candidates: Mapping[Hashable, Collection[int]]
) -> Mapping[int, Collection[tuple[str, int]]]:
    """What products may be similar by, as far as wishes ask for it. Two queries, else none."""
    asking = [(wish, wish.similar_to) for wish in wishes if wish.similar_to is not None]
    if not asking:
        return {}
    return kinds_of({key for wish, like in asking for key in (*like, *candidates[wish.key])})


def _partners(product_ids: Collection[int]) -> dict[int, list[tuple[int, int]]]:
    """(partner, orders) by product. One query."""
    found: dict[int, list[tuple[int, int]]] = {}
    rows = BoughtTogether.objects.filter(product_id__in=product_ids)
    for key, partner, orders in rows.values_list("product_id", "partner_id", "orders"):
        found.setdefault(key, []).append((partner, orders))
    return found


def _in_turn(rows: Iterable[Sequence[int]]) -> Iterator[int]:
    """The first of each, then the second of each."""
    return (key for key in chain.from_iterable(zip_longest(*rows)) if key is not None)


def _first(
    limit: int, offers: Iterable[RecommendedProduct | None]
) -> tuple[RecommendedProduct, ...]:
    found: list[RecommendedProduct] = []
    for offer in offers:
        if offer is not None:
            found.append(offer)
        if len(found) == limit:
            break
    return tuple(found)
