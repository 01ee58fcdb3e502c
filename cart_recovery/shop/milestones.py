"""What the names that a shop gives to its statuses and events mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from django.db import connections, router
from oscar.core.loading import get_model

from cart_recovery.conf import conf
from cart_recovery.models import Milestone

#: what a status may mean beside `Milestone`: pieces have left, and nobody says which
PARTLY_SHIPPED: Final = "partly_shipped"


def shop_words() -> dict[str, str]:
    """What the names of the shop's statuses and events mean, by their folded names; made once for
    all orders of a batch."""
    cancelled = dict.fromkeys(map(folded, conf.CANCELLED_ORDER_STATUSES), Milestone.CANCELLED.value)
    return cancelled | {folded(name): value for name, value in conf.STATUS_MILESTONES.items()}


def milestone_of(name: str, words: Mapping[str, str]) -> str:
    """What a status or the name of an event means; "" for what means nothing."""
    return words.get(folded(name), "")


def milestone_of_event(event_type: Any, words: Mapping[str, str]) -> str:
    """What a type of shipping or payment event means, by its name or else its code. An event says
    itself which pieces have left."""
    found = milestone_of(event_type.name or "", words) or milestone_of(event_type.code or "", words)
    return Milestone.SHIPPED.value if found == PARTLY_SHIPPED else found


def folded(name: str) -> str:
    """The name without regard to case and to spaces around it."""
    return name.strip().casefold()


def is_known(name: str) -> bool:
    """Whether the shop's settings say what a status or the name of an event means, if only that it
    means nothing."""
    return folded(name) in {*shop_words(), *map(folded, conf.UNPAID_ORDER_STATUSES)}


def unknown_shipping_events(databases: Collection[str]) -> list[str]:
    """Names of the types of shipping events that mean nothing to us, read where they are only if
    that is one of the databases and has their table."""
    model = get_model("order", "ShippingEventType")
    alias = router.db_for_read(model)
    if alias not in databases:
        return []
    if model._meta.db_table not in connections[alias].introspection.table_names():
        return []
    rows = model._base_manager.order_by("pk").values_list("name", "code")
    return [name for name, code in rows if not is_known(name) and not is_known(code or "")]


def refunding_events() -> list[Any]:
    """The keys of the types of payment events by which money goes back: those that the shop's
    mapping says, and those that speak of a refund. One query."""
    words = shop_words()
    return [
        row.pk
        for row in get_model("order", "PaymentEventType")._base_manager.all()
        if milestone_of_event(row, words) == Milestone.REFUNDED
        or "refund" in folded(f"{row.name} {row.code}")
    ]
