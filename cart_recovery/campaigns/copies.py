"""Baskets that a restore link rebuilt elsewhere: the same shopping, in another row.

A copy is never followed up beside its original. What happens to it counts for the original: being
busy with it restarts the clock, ordering it ends the enrolment.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from django.db.models import F

from cart_recovery.models import Enrolment, LinkClick, TrackedCart


def copies_of(cart_ids: Collection[int]) -> dict[int, list[TrackedCart]]:
    """Cart -> the tracked carts of baskets that its links have filled. Two queries."""
    pairs = list(
        LinkClick.objects.filter(link__cart__in=cart_ids, basket__isnull=False)
        .exclude(basket=F("link__cart__basket"))
        .values_list("link__cart_id", "basket_id")
        .distinct()
    )
    if not pairs:
        return {}
    tracked = {
        cart.basket_id: cart
        for cart in TrackedCart.objects.filter(basket__in={basket for _cart, basket in pairs})
    }
    copies: dict[int, list[TrackedCart]] = defaultdict(list)
    for cart_id, basket_id in pairs:
        if basket_id in tracked:
            copies[cart_id].append(tracked[basket_id])
    return copies


def enrolments_of_originals(carts: Sequence[TrackedCart]) -> dict[int, list[Enrolment]]:
    """Copy (by cart id) -> enrolments of the cart that it was restored from. Two queries."""
    cart_by_basket = {cart.basket_id: cart.pk for cart in carts if cart.basket_id is not None}
    originals: dict[int, set[int]] = defaultdict(set)
    clicks = LinkClick.objects.filter(basket__in=cart_by_basket).exclude(
        basket=F("link__cart__basket")
    )
    for basket_id, cart_id in clicks.values_list("basket_id", "link__cart_id").distinct():
        originals[cart_id].add(cart_by_basket[basket_id])
    found: dict[int, list[Enrolment]] = defaultdict(list)
    if originals:
        for enrolment in Enrolment.objects.filter(cart__in=originals):
            for copy_id in originals.get(enrolment.cart_id or 0, ()):
                found[copy_id].append(enrolment)
    return found
