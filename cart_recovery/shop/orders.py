"""Orders as plain facts: who bought when, and what a single order says."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import idna
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import CharField, F, Q, QuerySet, Value
from django.db.models.functions import Cast, Lower
from oscar.core.loading import get_model

from cart_recovery.shop.customers import email_field_of, phone_text


@dataclass(frozen=True, slots=True)
class Purchase:
    """One order, as far as it tells who bought. `email_key` and `phone` are "" where unknown."""

    order_id: int
    basket_id: int | None
    user_id: Any | None
    email_key: str
    phone: str
    placed_at: dt.datetime


@dataclass(frozen=True, slots=True)
class OrderFacts:
    order_id: int
    number: str
    basket_id: int | None
    user_id: Any | None
    email: str
    phone: str
    country: str
    total_incl_tax: Decimal
    shipping_incl_tax: Decimal
    currency: str
    status: str
    placed_at: dt.datetime


def purchases_since(
    since: dt.datetime,
    *,
    user_ids: Collection[Any] = (),
    email_keys: Collection[str] = (),
    phones: Collection[str] = (),
    basket_ids: Collection[int] = (),
) -> list[Purchase]:
    """Orders placed at or after `since` by any of these people or from any of these baskets.

    One statement, by the index on the order's date. E-mail addresses are compared in any case, the
    order's own and that of its user; `email_keys` are keys of `contacts.addresses`. An order whose
    own address differs from its user's comes twice, once per address.
    """
    condition = Q()
    if user_ids:
        condition |= Q(user_id__in=set(user_ids))
    if basket_ids:
        condition |= Q(basket_id__in=set(basket_ids))
    if phones:
        # as text: the field's own lookup would parse each number by the whole numbering plan
        condition |= Q(phone_key__in=stored_phones(phones))
    if email_keys:
        spellings = set(host_spellings(email_keys))
        condition |= Q(guest_key__in=spellings) | Q(user_key__in=spellings)
    if not condition:
        return []
    rows = orders_with_people().filter(condition, date_placed__gte=since)
    return [purchase for row in rows for purchase in purchases_of(row)]


def purchased_products(order_ids: Collection[int]) -> dict[int, frozenset[int]]:
    """Which products these orders hold, by order. One statement, none without orders."""
    if not order_ids:
        return {}
    found: dict[int, set[int]] = defaultdict(set)
    lines = get_model("order", "Line")._base_manager.filter(
        order_id__in=set(order_ids), product_id__isnull=False
    )
    for order_id, product_id in lines.order_by().values_list("order_id", "product_id"):
        found[order_id].add(product_id)
    return {order_id: frozenset(products) for order_id, products in found.items()}


def orders_with_people() -> QuerySet[Any, dict[str, Any]]:
    """Rows of orders with both e-mail addresses in lower case, without Oscar's ordering."""
    email_field = email_field_of(get_user_model())
    user_key = Lower(F(f"user__{email_field}")) if email_field else Value("")
    orders: QuerySet[Any, dict[str, Any]] = (
        get_model("order", "Order")
        ._base_manager.order_by()
        .annotate(
            guest_key=Lower("guest_email"),
            user_key=user_key,
            phone_key=Cast("shipping_address__phone_number", CharField()),
        )
        .values(
            "pk", "basket_id", "user_id", "date_placed", "guest_key", "user_key",
            phone=F("shipping_address__phone_number"),
        )
    )  # fmt: skip
    return orders


def stored_phones(phones: Collection[str]) -> set[str]:
    """E.164 numbers as django-phonenumber-field stores them."""
    if getattr(settings, "PHONENUMBER_DB_FORMAT", "E164") == "E164":
        return set(phones)
    field = get_model("order", "ShippingAddress")._meta.get_field("phone_number")
    return {str(field.get_prep_value(phone)) for phone in phones}


def host_spellings(email_keys: Iterable[str]) -> Iterator[str]:
    """Each key as it is and, for hosts such as `xn--mnchen-3ya.de`, as people write it.

    Local parts need no more care: Django's e-mail fields admit nothing but ASCII there.
    """
    for key in email_keys:
        yield key
        local, _, host = key.rpartition("@")
        if "xn--" in host:
            yield f"{local}@{readable_host(host)}"


def readable_host(host: str) -> str:
    try:
        return idna.decode(host)
    except idna.IDNAError:
        return host


def purchases_of(row: dict[str, Any]) -> Iterator[Purchase]:
    keys = {ascii_key(row["guest_key"] or ""), ascii_key(row["user_key"] or "")}
    for key in sorted(keys - {""}) or [""]:
        yield Purchase(
            order_id=row["pk"],
            basket_id=row["basket_id"],
            user_id=row["user_id"],
            email_key=key,
            phone=phone_text(row["phone"]),
            placed_at=row["date_placed"],
        )


def ascii_key(email: str) -> str:
    """The spelling of `contacts.addresses` for an address that a database made lower-case."""
    local, _, host = email.strip().rpartition("@")
    if host.isascii():
        return email.strip()
    try:
        return f"{local}@{idna.encode(host, uts46=True).decode('ascii')}"
    except idna.IDNAError:
        return email.strip()


def orders_placed(since: dt.datetime, until: dt.datetime) -> QuerySet[Any]:
    """Orders placed after `since` and no later than `until`, the earliest first, by the index on
    their date."""
    orders: QuerySet[Any] = get_model("order", "Order")._base_manager.filter(
        date_placed__gt=since, date_placed__lte=until
    )
    return orders.order_by("date_placed", "pk")


def orders_of_baskets(basket_ids: Collection[Any]) -> dict[Any, int]:
    """The order that each basket ended in, by basket id; the latest where there are several."""
    rows = (
        get_model("order", "Order")
        ._base_manager.filter(basket_id__in=set(basket_ids))
        .order_by("pk")
        .values_list("basket_id", "pk")
    )
    return dict(rows)


def order_id_of(number: str) -> int | None:
    """The order with this number, as the shop shows it to its customers. One indexed query."""
    orders = get_model("order", "Order")._base_manager.filter(number=number)
    found: int | None = orders.order_by().values_list("pk", flat=True).first()
    return found


def order_facts(order_id: int) -> OrderFacts | None:
    """The facts of one order; None where it is gone."""
    return load_orders([order_id]).get(order_id)


def load_orders(order_ids: Collection[int]) -> dict[int, OrderFacts]:
    """The facts of orders by id; without those that are gone. One query."""
    if not order_ids:
        return {}
    orders = (
        get_model("order", "Order")
        ._base_manager.select_related("user", "shipping_address")
        .filter(pk__in=set(order_ids))
    )
    email_field = email_field_of(get_user_model())
    return {order.pk: facts_of(order, email_field) for order in orders}


def countries_of(order: Any) -> frozenset[str]:
    """ISO codes of the countries that an order goes to and is paid from, as far as it says: who sends
    a gift abroad does not live there."""
    addresses = (order.shipping_address, order.billing_address)
    return frozenset(
        str(address.country_id).upper() for address in addresses if address and address.country_id
    )


def facts_of(order: Any, email_field: str) -> OrderFacts:
    address = order.shipping_address
    member_email = getattr(order.user, email_field, "") if order.user and email_field else ""
    return OrderFacts(
        order_id=order.pk,
        number=order.number,
        basket_id=order.basket_id,
        user_id=order.user_id,
        email=str(order.guest_email or member_email or ""),
        phone=phone_text(address.phone_number) if address else "",
        country=(address.country_id or "") if address else "",
        total_incl_tax=order.total_incl_tax,
        shipping_incl_tax=order.shipping_incl_tax,
        currency=order.currency,
        status=order.status,
        placed_at=order.date_placed,
    )
