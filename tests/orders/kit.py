"""Orders as a shop has them, and what a sweep makes of them."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from functools import partial
from typing import Any

from django.utils import timezone
from oscar.core.loading import get_class, get_model

from cart_recovery import models
from cart_recovery.attribution.reversals import take_back
from cart_recovery.campaigns.order_planning import OrderPlanResult, plan_orders
from tests.factories import make_campaign, make_product

counter = itertools.count(1)


def make_order(
    *products: Any, user: Any = None, email: str = "", quantity: int = 1, status: str = "Pending",
    placed_at: dt.datetime | None = None, phone: str = "", country: str = "DE",
) -> Any:  # fmt: skip
    """An order with a line per product, written the way Oscar's own code does, and tracked."""
    n = next(counter)
    address = make_address(phone, country) if phone or country else None
    order = get_model("order", "Order").objects.create(
        number=f"B{n:06d}", user=user, guest_email="" if user else email or f"gast{n}@example.de",
        currency="EUR", total_incl_tax=Decimal("20.00") * max(len(products), 1),
        total_excl_tax=Decimal("20.00") * max(len(products), 1), shipping_incl_tax=0,
        shipping_excl_tax=0, status=status, date_placed=placed_at or timezone.now(),
        shipping_address=address,
    )  # fmt: skip
    for product in products or (make_product(),):
        add_line(order, product, quantity)
    get_class("order.signals", "order_placed").send(sender=None, order=order, user=user)
    return order


def make_address(phone: str, country: str) -> Any:
    code = get_model("address", "Country").objects.get_or_create(
        iso_3166_1_a2=country, defaults={"printable_name": country, "name": country}
    )[0]
    return get_model("order", "ShippingAddress").objects.create(
        first_name="Erika", last_name="Mustermann", line1="Heidestraße 17", line4="Köln",
        postcode="51147", country=code, phone_number=phone or "",
    )  # fmt: skip


def add_line(order: Any, product: Any, quantity: int = 1) -> Any:
    price = Decimal("20.00")
    record = product.stockrecords.first()
    return get_model("order", "Line").objects.create(
        order=order, product=product, title=product.get_title(), quantity=quantity,
        stockrecord=record, partner=record.partner if record else None,
        line_price_incl_tax=price * quantity, line_price_excl_tax=price * quantity,
        line_price_before_discounts_incl_tax=price * quantity,
        line_price_before_discounts_excl_tax=price * quantity, unit_price_incl_tax=price,
        unit_price_excl_tax=price, status="Pending", num_allocated=0,
    )  # fmt: skip


def ship(order: Any, pieces: dict[Any, int], *, name: str = "Shipped", notes: str = "") -> Any:
    """A shipping event of these lines, as Oscar's dashboard makes it."""
    kind = get_model("order", "ShippingEventType").objects.get_or_create(name=name)[0]
    handler = get_class("order.processing", "EventHandler")()
    handler.handle_shipping_event(order, kind, list(pieces), list(pieces.values()))
    event = order.shipping_events.latest("pk")
    if notes:
        event.notes = notes
        event.save()
    return event


def refund(
    order: Any, amount: str, pieces: dict[Any, int] | None = None, *, name: str = "Refund"
) -> Any:
    """Money paid back, as Oscar's payment events say it; the event."""
    kind = get_model("order", "PaymentEventType").objects.get_or_create(name=name)[0]
    event = get_model("order", "PaymentEvent").objects.create(
        order=order, amount=Decimal(amount), event_type=kind
    )
    for line, quantity in (pieces or {}).items():
        get_model("order", "PaymentEventQuantity").objects.create(
            event=event, line=line, quantity=quantity
        )
    return event


def pay_by(order: Any, method: str, *, allocated: str = "0", debited: str = "0") -> Any:
    kind = get_model("payment", "SourceType").objects.get_or_create(name=method)[0]
    return get_model("payment", "Source").objects.create(
        order=order, source_type=kind, currency="EUR", amount_allocated=Decimal(allocated),
        amount_debited=Decimal(debited),
    )  # fmt: skip


def set_status(order: Any, status: str) -> None:
    """As a shop without a pipeline does it: saved, and told by Oscar's signal."""
    old, order.status = order.status, status
    order.save()
    get_class("order.signals", "order_status_changed").send(
        sender=order, order=order, old_status=old, new_status=status
    )


def make_order_campaign(trigger: str, **kwargs: Any) -> models.Campaign:
    kwargs.setdefault("delays", (dt.timedelta(minutes=10),))
    campaign = make_campaign(trigger=trigger, **kwargs)
    models.Variant.objects.filter(step__campaign=campaign).update(template_code="order-shipped")
    return campaign


def look(now: dt.datetime | None = None) -> OrderPlanResult:
    """The sweep's stage."""
    now = now or timezone.now()
    return plan_orders(now, on_change=partial(take_back, now=now))


def enrolments(order: Any, trigger: str = "") -> list[models.Enrolment]:
    rows = models.Enrolment.objects.filter(order__order=order).order_by("pk")
    return list(rows.filter(campaign__trigger=trigger) if trigger else rows)


def lines_of(enrolment: models.Enrolment) -> dict[int | None, int]:
    return dict(enrolment.lines.values_list("line_id", "quantity"))
