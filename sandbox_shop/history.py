"""Ninety days of the shop's past: orders placed, baskets left behind, reviews written.

Everything is written in bulk, so no signal reaches cart_recovery: its rows for the past are written
here as well, closed or abandoned at their own time, and nothing of it is followed up.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import transaction
from oscar.core.loading import get_model

from cart_recovery.models import CartStage, CartState, Contact, TrackedCart
from sandbox_shop.catalogue import CURRENCY
from sandbox_shop.people import SEED, Person, people

DAYS: Final = 90
ORDERS: Final = 320
ABANDONED: Final = 240
#: the last part of the past stays empty: what a visitor does must not be lost in it
QUIET: Final = dt.timedelta(hours=3)
GUEST_SHARE: Final = 0.25
IDLE: Final = dt.timedelta(minutes=30)


@dataclass(slots=True)
class Visit:
    """One basket of the past: who filled it, when, with what, and whether it was paid."""

    at: dt.datetime
    user: Any
    guest: Person | None
    lines: list[tuple[Any, int]]
    is_order: bool
    stage: CartStage
    basket: Any = None
    order: Any = None

    @property
    def total(self) -> Decimal:
        return sum((record.price * quantity for record, quantity in self.lines), Decimal(0))


@transaction.atomic
def install_history(now: dt.datetime) -> bool:
    """Write the past where there is none; whether it did."""
    if get_model("order", "Order").objects.exists():
        return False
    visits = _visits(now)
    _write_baskets(visits)
    _write_orders([visit for visit in visits if visit.is_order], now)
    _write_carts(visits)
    return True


def _visits(now: dt.datetime) -> list[Visit]:
    chance = random.Random(SEED)
    users = list(get_user_model().objects.filter(is_staff=False).order_by("pk"))
    records = list(
        get_model("partner", "StockRecord")
        .objects.select_related("product__parent")
        .exclude(num_in_stock=0)
        .order_by("pk")
    )
    # whoever comes back finds one open basket: nobody leaves two
    leavers = chance.sample(users, round(ABANDONED * (1 - GUEST_SHARE)))
    guests = list(people(400))[200:]
    visits = []
    for number in range(ORDERS + ABANDONED):
        is_order = number < ORDERS
        guest = user = None
        if chance.random() < GUEST_SHARE or (not is_order and not leavers):
            guest = chance.choice(guests)
        else:
            user = chance.choice(users) if is_order else leavers.pop()
        chosen = chance.sample(records, chance.choices((1, 2, 3, 4), weights=(45, 30, 17, 8))[0])
        visits.append(
            Visit(
                at=_moment(now, chance), user=user, guest=guest, is_order=is_order,
                lines=[(record, chance.choices((1, 2, 3), weights=(80, 15, 5))[0])
                       for record in chosen],
                stage=CartStage.CHECKOUT if is_order or chance.random() < 0.3 else CartStage.BASKET,
            )
        )  # fmt: skip
    return sorted(visits, key=lambda visit: visit.at)


def _moment(now: dt.datetime, chance: random.Random) -> dt.datetime:
    """Mostly in the evening, and rather this month than the one before the last."""
    days = DAYS * (1 - chance.random() ** 0.8)
    day = (now - dt.timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    hour = chance.choices(range(24), weights=[1] * 7 + [3] * 5 + [4] * 6 + [9] * 4 + [4] * 2)[0]
    at = day.replace(hour=hour) + dt.timedelta(seconds=chance.randint(0, 3599))
    return min(at, now - QUIET - dt.timedelta(seconds=chance.randint(0, 86_400)))


def _write_baskets(visits: Sequence[Visit]) -> None:
    basket_model, line_model = get_model("basket", "Basket"), get_model("basket", "Line")
    for visit in visits:
        visit.basket = basket_model(
            owner=visit.user,
            status=basket_model.SUBMITTED if visit.is_order else basket_model.OPEN,
            date_submitted=visit.at if visit.is_order else None,
        )
    baskets = basket_model.objects.bulk_create(visit.basket for visit in visits)
    lines = line_model.objects.bulk_create(
        line_model(
            basket=visit.basket, product=record.product, stockrecord=record, quantity=quantity,
            line_reference=f"{record.product_id}_{record.pk}", price_currency=CURRENCY,
            price_excl_tax=record.price, price_incl_tax=record.price,
        )
        for visit in visits
        for record, quantity in visit.lines
    )  # fmt: skip
    # both have dates that are filled in with the present when they are created
    moments = {visit.basket.pk: visit.at for visit in visits}
    for basket in baskets:
        basket.date_created = moments[basket.pk]
    for line in lines:
        line.date_created = line.date_updated = moments[line.basket_id]
    basket_model.objects.bulk_update(baskets, ["date_created"], batch_size=200)
    line_model.objects.bulk_update(lines, ["date_created", "date_updated"], batch_size=200)


def _write_orders(visits: Sequence[Visit], now: dt.datetime) -> None:
    chance = random.Random(SEED + 1)
    order_model = get_model("order", "Order")
    home_by_user = {
        address.user_id: address for address in get_model("address", "UserAddress").objects.all()
    }
    addresses = get_model("order", "ShippingAddress").objects.bulk_create(
        _shipping_address(visit, home_by_user) for visit in visits
    )
    for visit, address in zip(visits, addresses, strict=True):
        visit.order = order_model(
            number=str(100_000 + visit.basket.pk), basket=visit.basket, site_id=1, user=visit.user,
            guest_email=visit.guest.email if visit.guest else "", currency=CURRENCY,
            total_incl_tax=visit.total, total_excl_tax=visit.total,
            shipping_incl_tax=0, shipping_excl_tax=0, shipping_address=address,
            shipping_method="Free shipping", shipping_code="free-shipping",
            date_placed=visit.at, status=_status(visit, now, chance),
        )  # fmt: skip
    order_model.objects.bulk_create(visit.order for visit in visits)
    _write_order_lines(visits)


def _status(visit: Visit, now: dt.datetime, chance: random.Random) -> str:
    if chance.random() < 0.04:
        return "Cancelled"
    age = now - visit.at
    if age < dt.timedelta(days=2):
        return "Pending"
    if age < dt.timedelta(days=4):
        return "Being processed"
    return "Shipped" if age < dt.timedelta(days=7) else "Delivered"


@transaction.atomic
def rename_statuses() -> None:
    """Orders of sandboxes from before there was news of orders: what was complete, was delivered.

    Written past the signals, so that nobody is told of it.
    """
    for name in ("Order", "Line"):
        get_model("order", name).objects.filter(status="Complete").update(status="Delivered")


def _shipping_address(visit: Visit, home_by_user: dict[int, Any]) -> Any:
    model = get_model("order", "ShippingAddress")
    if visit.guest is None:
        address = model()
        home_by_user[visit.user.pk].populate_alternative_model(address)
        return address
    guest = visit.guest
    return model(
        first_name=guest.first_name, last_name=guest.last_name, line1=guest.street,
        line4=guest.city, postcode=guest.postcode, country_id=guest.country,
        phone_number=guest.phone,
    )  # fmt: skip


def _write_order_lines(visits: Sequence[Visit]) -> None:
    line_model, price_model = get_model("order", "Line"), get_model("order", "LinePrice")
    lines = line_model.objects.bulk_create(
        line_model(
            order=visit.order, partner_id=record.partner_id, partner_name="Lager Hamburg",
            partner_sku=record.partner_sku, stockrecord=record, product=record.product,
            title=record.product.get_title(), upc=record.product.upc, quantity=quantity,
            line_price_incl_tax=record.price * quantity,
            line_price_excl_tax=record.price * quantity,
            line_price_before_discounts_incl_tax=record.price * quantity,
            line_price_before_discounts_excl_tax=record.price * quantity,
            unit_price_incl_tax=record.price, unit_price_excl_tax=record.price,
            status=visit.order.status if visit.order.status != "Being processed" else "Pending",
            num_allocated=0,
        )
        for visit in visits
        for record, quantity in visit.lines
    )  # fmt: skip
    price_model.objects.bulk_create(
        price_model(
            order_id=line.order_id, line=line, quantity=line.quantity,
            price_incl_tax=line.unit_price_incl_tax, price_excl_tax=line.unit_price_excl_tax,
        )
        for line in lines
    )  # fmt: skip


def _write_carts(visits: Sequence[Visit]) -> None:
    """cart_recovery's own memory of the time, as if it had been installed all along."""
    contact_by_user = dict(Contact.objects.filter(user__isnull=False).values_list("user_id", "pk"))
    TrackedCart.objects.bulk_create(
        TrackedCart(
            basket=visit.basket,
            contact_id=contact_by_user.get(visit.user.pk) if visit.user else None,
            state=CartState.ORDERED if visit.is_order else CartState.ABANDONED,
            stage=visit.stage, language="de", order=visit.order,
            created_at=visit.at - dt.timedelta(minutes=12), last_activity_at=visit.at,
            abandoned_at=None if visit.is_order else visit.at + IDLE,
            closed_at=visit.at if visit.is_order else None,
            # nothing was sent then, so there is nothing to credit
            credited_at=visit.at if visit.is_order else None,
            line_count=len(visit.lines), total=visit.total, currency=CURRENCY,
        )
        for visit in visits
    )  # fmt: skip
