"""What the names that a shop gives to its statuses and events mean."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from django.db import connections, router
from oscar.core.loading import get_model

from cart_recovery.conf import conf
from cart_recovery.models import Milestone
from cart_recovery.nested_settings import DEFAULT_STATUS_MILESTONES

#: what the types of payment events by which money goes back are called
_REFUNDING: Final = ("refund", "erstatt", "rückzahl")
#: … unless no money has gone back, or not yet
_NOT_REFUNDED: Final = (
    "request", "pending", "declined", "denied", "failed", "rejected", "cancelled", "canceled",
    "angefragt", "angefordert", "beantragt", "offen", "abgelehnt", "fehlgeschlagen", "storniert",
)  # fmt: skip
#: what these mean says more than that a credit is taken back
_SAYS_MORE: Final = (Milestone.RETURNED, Milestone.REFUNDED)
#: what a status may mean beside `Milestone`: pieces have left, and nobody says which
PARTLY_SHIPPED: Final = "partly_shipped"


def shop_words() -> dict[str, str]:
    """What the names of the shop's statuses and events mean, by their folded names; made once for
    all orders of a batch. What the shop says itself goes first: its mapping, then what it takes
    for cancelled."""
    own = {folded(name): value for name, value in conf.STATUS_MILESTONES.items()}
    usual = {folded(name): value for name, value in DEFAULT_STATUS_MILESTONES.items()}
    cancelled = {
        name: Milestone.CANCELLED.value
        for name in map(folded, conf.CANCELLED_ORDER_STATUSES)
        if usual.get(name) not in _SAYS_MORE
    }
    return {**usual, **cancelled, **own}


def milestone_of(name: str, words: Mapping[str, str]) -> str:
    """What a status or the name of an event means; "" for what means nothing."""
    return words.get(folded(name), "")


def milestone_of_event(event_type: Any, words: Mapping[str, str]) -> str:
    """What a type of shipping or payment event means, by its name or, where nobody knows that, its
    code. An event says itself which pieces have left."""
    found = next((words[name] for name in _names(event_type) if name in words), "")
    return Milestone.SHIPPED.value if found == PARTLY_SHIPPED else found


def folded(name: str) -> str:
    """The name without regard to case and to spaces around it."""
    return name.strip().casefold()


def is_known(name: str) -> bool:
    """Whether the shop's settings say what a status or the name of an event means, if only that it
    means nothing."""
    return folded(name) in {*shop_words(), *map(folded, conf.UNPAID_ORDER_STATUSES)}


def unknown_shipping_events(databases: Collection[str]) -> list[str]:
    """Names of the types of shipping events that mean nothing to us. See `_event_types`."""
    return [row.name for row in _event_types("ShippingEventType", databases) if _is_unknown(row)]


def unknown_payment_events(databases: Collection[str]) -> list[str]:
    """Names of the types of payment events that mean nothing to us, if they speak of a refund that
    is none yet. See `_event_types`."""
    rows = _event_types("PaymentEventType", databases)
    words = shop_words()
    return [row.name for row in rows if _is_unknown(row) and not _is_refunding(row, words)]


def refunding_events() -> list[Any]:
    """The keys of the types of payment events by which money goes back: those that the shop's
    mapping says, and of those that it does not know, those that speak of a refund. One query."""
    words = shop_words()
    rows = get_model("order", "PaymentEventType")._base_manager.all()
    return [row.pk for row in rows if _is_refunding(row, words)]


def _is_refunding(event_type: Any, words: Mapping[str, str]) -> bool:
    if any(name in words for name in _names(event_type)):
        return milestone_of_event(event_type, words) == Milestone.REFUNDED
    said = " ".join(_names(event_type))
    # "Refund requested" is none yet
    return any(word in said for word in _REFUNDING) and not any(
        word in said for word in _NOT_REFUNDED
    )


def _is_unknown(event_type: Any) -> bool:
    return not any(is_known(name) for name in _names(event_type))


def _names(event_type: Any) -> tuple[str, str]:
    return folded(event_type.name or ""), folded(event_type.code or "")


def _event_types(name: str, databases: Collection[str]) -> Sequence[Any]:
    """The rows of a model of types of events, where they are read only if that is one of the
    databases and has their table."""
    model = get_model("order", name)
    alias = router.db_for_read(model)
    if alias not in databases:
        return ()
    if model._meta.db_table not in connections[alias].introspection.table_names():
        return ()
    return list(model._base_manager.order_by("pk"))
