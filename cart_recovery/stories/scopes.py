"""What a story is about: which carts and orders, and whose contacts."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q

from cart_recovery.consent.persons import current_id, owners_of
from cart_recovery.contacts.identities import find_by_address
from cart_recovery.models import Contact, Enrolment, LinkClick, TrackedCart
from cart_recovery.shop.orders import order_facts

#: rows of a table that a story tells; the oldest are left out
NEWEST: Final = 200


@dataclass(frozen=True, slots=True)
class Scope:
    """`carts`: None for all of the contacts' carts. `contacts`: one person, over all merged rows."""

    carts: frozenset[int] | None
    contacts: frozenset[int] = frozenset()
    orders: frozenset[int] = frozenset()

    def whose_carts(self) -> Q:
        if self.carts is not None:
            return Q(pk__in=self.carts)
        return Q(contact__in=self.contacts)


def of_cart(cart: TrackedCart) -> Scope:
    return Scope(frozenset({cart.pk}), _person({cart.contact_id} - {None}))


def of_enrolment(enrolment: Enrolment) -> Scope:
    """The cart or the order that it is about."""
    if enrolment.cart is not None:
        return of_cart(enrolment.cart)
    order_id = enrolment.subject_order.order_id
    person = _person({enrolment.contact_id})
    return Scope(frozenset(), person, frozenset({order_id} if order_id is not None else ()))


def of_contact(contact_id: int) -> Scope:
    """All that is known of the person, also by rows that were merged into this one."""
    return Scope(None, _person({contact_id}))


def of_order(order_id: int) -> Scope | None:
    """The carts that the order came from, or was credited to; else the whole person. None: no order."""
    order = order_facts(order_id)
    if order is None:
        return None
    condition = Q(order_id=order_id)
    if order.basket_id is not None:
        restored = LinkClick.objects.filter(basket_id=order.basket_id).values("link__cart")
        condition |= Q(basket_id=order.basket_id) | Q(pk__in=restored)
    carts = dict(
        TrackedCart.objects.filter(condition)
        .order_by("-pk")
        .values_list("pk", "contact_id")[:NEWEST]
    )
    people = set(carts.values()) - {None} or _buyers(order.user_id, order.email, order.phone)
    return Scope(frozenset(carts) if carts else None, _person(people), frozenset({order_id}))


def _buyers(user_id: Any, email: str, phone: str) -> set[int]:
    found = {find_by_address("email", email), find_by_address("phone", phone)}
    if user_id is not None:
        found.add(Contact.objects.filter(user_id=user_id).first())
    return {contact.pk for contact in found if contact is not None}


def _person(contact_ids: Collection[int | None]) -> frozenset[int]:
    people = {current_id(pk) for pk in contact_ids if pk is not None}
    return frozenset(owners_of(people))
