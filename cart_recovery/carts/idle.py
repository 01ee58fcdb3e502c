"""Finding carts that nobody is busy with any more, and telling what became of each."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from django.db import connections, transaction
from django.db.models import Count, QuerySet

from cart_recovery.carts.guarding import database
from cart_recovery.conf import conf
from cart_recovery.contacts.identities import resolve_users
from cart_recovery.models import CartStage, CartState, Contact, ExclusionReason, TrackedCart
from cart_recovery.shop.baskets import BasketFacts, load_baskets
from cart_recovery.shop.orders import orders_of_baskets

#: more carts than this within the window around them, and no human made them
MAX_CARTS_OF_A_HUMAN: Final = 20
WINDOW: Final = dt.timedelta(hours=1)
MAX_TOTAL: Final = 10**10
#: what becomes of a cart whose basket stands in one of Oscar's end states
BY_STATUS: Final = {
    "Merged": (CartState.MERGED, ""),
    "Submitted": (CartState.ORDERED, ""),
    "Saved": (CartState.EXCLUDED, ExclusionReason.SAVED),
}
WRITTEN: Final = (
    "state", "state_reason", "contact", "order", "abandoned_at", "closed_at", "line_count", "total",
    "currency",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class IdleBatch:
    """`taken`: carts that were looked at. `abandoned`: those to follow up, with their contact."""

    taken: int = 0
    abandoned: list[TrackedCart] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Facts:
    """All that decides about a batch of carts."""

    baskets: dict[Any, BasketFacts]
    orders: dict[Any, int]
    contacts: dict[Any, Contact]
    busy_contacts: set[int]


def take_idle(now: dt.datetime, limit: int) -> IdleBatch:
    """Take up to `limit` carts that are idle past their threshold, oldest first, and close the lot.

    Each becomes abandoned, ordered, emptied, merged, deleted or excluded, with its reason and a
    snapshot of the basket. However old a cart is, it is taken: campaigns decide whom they want. A
    constant number of statements. Carts that are touched meanwhile, or that another sweep holds,
    are left alone; nobody waits for longer than the two statements that write.
    """
    candidates = idle_carts(now, limit)
    if not candidates:
        return IdleBatch()
    facts = load_facts(candidates)
    with transaction.atomic(using=database()):
        carts = still_idle(candidates)
        for cart in carts:
            conclude(cart, facts, now)
        save(carts)
    abandoned = [c for c in carts if c.state == CartState.ABANDONED and c.contact is not None]
    return IdleBatch(taken=len(candidates), abandoned=abandoned)


def idle_carts(now: dt.datetime, limit: int) -> list[TrackedCart]:
    """Active carts that are idle, of both stages, oldest first. Two reads of one partial index."""
    thresholds = {
        CartStage.BASKET: conf.ABANDONED_AFTER,
        CartStage.CHECKOUT: conf.CHECKOUT_ABANDONED_AFTER,
    }
    carts: list[TrackedCart] = []
    for stage, threshold in thresholds.items():
        carts += (
            active_carts()
            .filter(stage=stage, last_activity_at__lte=now - threshold)
            .order_by("last_activity_at")[:limit]
        )
    return sorted(carts, key=lambda cart: (cart.last_activity_at, cart.pk))[:limit]


def active_carts() -> QuerySet[TrackedCart]:
    return TrackedCart.objects.using(database()).filter(state=CartState.ACTIVE)


def still_idle(candidates: Iterable[TrackedCart]) -> list[TrackedCart]:
    """The candidates that nobody has touched since they were read; locked where the database can."""
    seen = {cart.pk: cart for cart in candidates}
    can_skip = connections[database()].features.has_select_for_update_skip_locked
    rows = active_carts().filter(pk__in=seen).select_for_update(skip_locked=can_skip)
    unchanged = {
        pk
        for pk, at in rows.values_list("pk", "last_activity_at")
        if at == seen[pk].last_activity_at
    }
    return [cart for cart in seen.values() if cart.pk in unchanged]


def save(carts: Collection[TrackedCart]) -> None:
    """Write what was concluded, in one statement.

    An upsert of rows that exist: `bulk_update` makes a CASE per row and field, which takes seconds
    for a batch while shoppers wait for the lock.
    """
    has_target = connections[database()].features.supports_update_conflicts_with_target
    TrackedCart.objects.bulk_create(
        carts,
        update_conflicts=True,
        update_fields=WRITTEN,
        unique_fields=["id"] if has_target else None,
    )


def load_facts(carts: Collection[TrackedCart]) -> Facts:
    basket_ids = [cart.basket_id for cart in carts if cart.basket_id is not None]
    languages = {cart.basket_id: cart.language for cart in carts if cart.basket_id is not None}
    baskets = load_baskets(basket_ids, languages=languages)
    members = resolve_users({basket.owner_id for basket in baskets.values()})
    guests = living_contacts({cart.contact_id for cart in carts} - {None})
    contacts = {cart.pk: contact_of(cart, baskets, members, guests) for cart in carts}
    known = {contact.pk: contact for contact in contacts.values() if contact is not None}
    return Facts(
        baskets=baskets,
        orders=orders_of_baskets(basket_ids),
        contacts={pk: contact for pk, contact in contacts.items() if contact is not None},
        busy_contacts=busy_contacts(known, carts),
    )


def living_contacts(contact_ids: Collection[Any]) -> dict[int, Contact]:
    """Contacts by the id asked for; those that were merged into another one come as that one."""
    rows = Contact.objects.filter(pk__in=contact_ids).select_related("merged_into")
    return {row.pk: row.merged_into or row for row in rows}


def contact_of(
    cart: TrackedCart,
    baskets: dict[Any, BasketFacts],
    members: dict[Any, Contact],
    guests: dict[int, Contact],
) -> Contact | None:
    """The basket's owner; where nobody owns it, whoever was known when it was touched."""
    basket = baskets.get(cart.basket_id)
    if basket is not None and basket.owner_id is not None:
        return members.get(basket.owner_id)
    return guests.get(cart.contact_id) if cart.contact_id is not None else None


def busy_contacts(contact_ids: Collection[int], carts: Iterable[TrackedCart]) -> set[int]:
    """Contacts that made more carts around these ones than a human does. One indexed query."""
    created = [cart.created_at for cart in carts]
    rows = (
        TrackedCart.objects.filter(
            contact_id__in=contact_ids,
            created_at__range=(min(created) - WINDOW, max(created) + WINDOW),
        )
        .values("contact_id")
        .annotate(carts=Count("pk"))
        .filter(carts__gt=MAX_CARTS_OF_A_HUMAN)
    )
    return {row["contact_id"] for row in rows}


def conclude(cart: TrackedCart, facts: Facts, now: dt.datetime) -> None:
    """Set what became of a cart. Pure but for the object that is changed."""
    basket = facts.baskets.get(cart.basket_id)
    order_id = facts.orders.get(cart.basket_id)
    contact = facts.contacts.get(cart.pk)
    state, reason = state_of(cart, basket, order_id, contact)
    if state == CartState.ABANDONED and contact and contact.pk in facts.busy_contacts:
        state, reason = CartState.EXCLUDED, ExclusionReason.TOO_MANY_CARTS
    cart.state, cart.state_reason = state, reason
    cart.contact = contact
    cart.order_id = order_id if state == CartState.ORDERED else cart.order_id
    if state == CartState.ABANDONED:
        cart.abandoned_at = now
    else:
        cart.closed_at = now
    if basket is not None and not basket.is_empty:
        cart.line_count = len(basket.lines)
        cart.total = basket.total if basket.total < MAX_TOTAL else None
        cart.currency = basket.currency[:12]


def state_of(
    cart: TrackedCart, basket: BasketFacts | None, order_id: int | None, contact: Contact | None
) -> tuple[CartState, str]:
    """(state, reason). Pure. The order is the authority for what was bought, not the basket."""
    if order_id is not None:
        return CartState.ORDERED, ""
    if basket is None:
        return CartState.DELETED, ""
    if basket.status in BY_STATUS:
        return BY_STATUS[basket.status]
    if basket.is_empty:
        return CartState.EMPTIED, ""
    reason = machine_reason(cart, contact)
    return (CartState.EXCLUDED, reason) if reason else (CartState.ABANDONED, "")


def machine_reason(cart: TrackedCart, contact: Contact | None) -> str:
    """Why a cart is a machine's; "" for a human's. Pure."""
    if cart.is_machine:
        return ExclusionReason.MACHINE
    if contact is not None and is_machine_address(contact.email_key or ""):
        return ExclusionReason.MACHINE_ADDRESS
    return ""


def is_machine_address(email_key: str) -> bool:
    """Whether the host of an address is one of BOT_EMAIL_DOMAINS or below it. Pure."""
    host = email_key.rpartition("@")[2]
    domains = [domain.lower().lstrip("@.") for domain in conf.BOT_EMAIL_DOMAINS]
    return bool(host) and any(host == d or host.endswith(f".{d}") for d in domains)
