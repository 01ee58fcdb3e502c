"""Does the app know what the shop's statuses mean, and where its orders lead? Ids W5xx."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError
from django.utils.module_loading import import_string

from cart_recovery.conf import conf
from cart_recovery.nested_settings import MILESTONES
from cart_recovery.shop.milestones import (
    is_known,
    unknown_payment_events,
    unknown_shipping_events,
)

HINT: Final = "See the page on orders in the docs."
#: settings of Oscar that lead from statuses to others; a last one may stand among these alone
PIPELINES: Final = (
    "OSCAR_ORDER_STATUS_PIPELINE", "OSCAR_LINE_STATUS_PIPELINE", "OSCAR_ORDER_STATUS_CASCADE",
)  # fmt: skip
INITIAL: Final = ("OSCAR_INITIAL_ORDER_STATUS", "OSCAR_INITIAL_LINE_STATUS")


def check_orders(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Statuses that mean nothing to us, and functions of the shop that cannot be imported."""
    try:
        return [*_statuses(), *_functions()]
    except ImproperlyConfigured as error:
        return [Error(str(error), hint=HINT, id="cart_recovery.E008")]


def check_event_types(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Types of shipping and payment events that mean nothing to us. They are rows, so this is only
    asked where the database may be (`check --database`, `migrate`). What ails the database others
    say."""
    try:
        shipping = unknown_shipping_events(databases or ())
        payment = unknown_payment_events(databases or ())
    except (DatabaseError, ImproperlyConfigured):
        return []
    return [
        *_unmapped("types of shipping events", shipping, "cart_recovery.W502"),
        *_unmapped(
            "types of payment events", payment, "cart_recovery.W502", example="refunded",
            harm="Money that goes back by one of them is not told.",
        ),
    ]  # fmt: skip


def _statuses() -> Iterator[CheckMessage]:
    unmapped = [status for status in _used() if not is_known(status)]
    yield from _unmapped("statuses of orders", unmapped, "cart_recovery.W501")


def _unmapped(
    what: str,
    names: Sequence[str],
    id: str,
    *,
    example: str = "shipped",
    harm: str = "Orders that have one of them set no message going.",
) -> Iterator[CheckMessage]:
    if names:
        quoted = ", ".join(f'"{name}"' for name in names)
        yield Warning(
            f"Nobody knows what these {what} mean: {quoted}. {harm}",
            hint=f'Say so in CART_RECOVERY["STATUS_MILESTONES"] = {{"{names[0]}": "{example}"}}: '
            f'{", ".join(MILESTONES)}, or "" for what nobody needs to know.',
            id=id,
        )


def _used() -> list[str]:
    """The statuses that the shop's settings name, in their order."""
    found = [str(getattr(settings, name, "") or "") for name in INITIAL]
    for name in PIPELINES:
        for status, following in (getattr(settings, name, None) or {}).items():
            found += [str(status), *_each(following)]
    return [status for status in dict.fromkeys(found) if status]


def _each(following: Any) -> list[str]:
    """The statuses that one leads to: several, or in a cascade one alone."""
    return [following] if isinstance(following, str) else [str(name) for name in following or ()]


def _functions() -> Iterator[CheckMessage]:
    for name, path in (
        ("TRACKING_URL", conf.TRACKING_URL), ("PAYMENT_RESUME_URL", conf.PAYMENT_RESUME_URL),
    ):  # fmt: skip
        if "." not in path or ":" in path:
            continue
        try:
            import_string(path)
        except ImportError:
            yield Error(
                f'CART_RECOVERY["{name}"]: "{path}" cannot be imported.',
                hint="Write the dotted path of a function.",
                id="cart_recovery.E009",
            )
