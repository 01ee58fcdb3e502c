"""What staff may mean by what they typed: an order, a basket, a person. By keys and hashes only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cart_recovery.contacts.addresses import digests_of
from cart_recovery.contacts.identities import find_by_address
from cart_recovery.models import TrackedCart
from cart_recovery.shop.orders import order_id_of

#: what fits into the keys of every database
MAX_KEY: Final = 2**63 - 1
MAX_LENGTH: Final = 254


@dataclass(frozen=True, slots=True)
class Found:
    """`kind`: order, cart or contact."""

    kind: str
    key: int


@dataclass(frozen=True, slots=True)
class Findings:
    """`digests`: the term is an address, whether or not a contact has it."""

    found: tuple[Found, ...]
    digests: tuple[str, ...]


def find(term: str) -> Findings:
    """At most six indexed queries. A number may be that of an order and that of a basket."""
    term = term.strip()
    if not term or len(term) > MAX_LENGTH or "\x00" in term:
        return Findings((), ())
    found = []
    order_id = order_id_of(term)
    if order_id is not None:
        found.append(Found("order", order_id))
    found += [Found("cart", key) for key in _carts(term.lstrip("#"))]
    for kind in ("email", "phone"):
        contact = find_by_address(kind, term)
        if contact is not None:
            found.append(Found("contact", contact.pk))
    return Findings(tuple(dict.fromkeys(found)), tuple(digests_of(term)))


def _carts(term: str) -> list[int]:
    if not (term.isascii() and term.isdigit()) or int(term) > MAX_KEY:
        return []
    return list(TrackedCart.objects.filter(basket_id=int(term)).values_list("pk", flat=True))
