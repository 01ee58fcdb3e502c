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
from cart_recovery.shop.milestones import is_known, unknown_shipping_events

HINT: Final = "See the page on orders in the docs."
#: settings of Oscar whose keys are statuses
PIPELINES: Final = ("OSCAR_ORDER_STATUS_PIPELINE", "OSCAR_LINE_STATUS_PIPELINE")
INITIAL: Final = ("OSCAR_INITIAL_ORDER_STATUS", "OSCAR_INITIAL_LINE_STATUS")


def check_orders(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Statuses that mean nothing to us, and functions of the shop that cannot be imported."""
    try:
        return [*_statuses(), *_functions()]
    except ImproperlyConfigured as error:
        return [Error(str(error), hint=HINT, id="cart_recovery.E008")]


def check_shipping_events(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Types of shipping events that mean nothing to us. They are rows, so this is only asked where
    the database may be (`check --database`, `migrate`). What ails the database others say."""
    try:
        unmapped = unknown_shipping_events(databases or ())
    except (DatabaseError, ImproperlyConfigured):
        return []
    return list(_unmapped("types of shipping events", unmapped, "cart_recovery.W502"))


def _statuses() -> Iterator[CheckMessage]:
    unmapped = [status for status in _used() if not is_known(status)]
    yield from _unmapped("statuses of orders", unmapped, "cart_recovery.W501")


def _unmapped(what: str, names: Sequence[str], id: str) -> Iterator[CheckMessage]:
    if names:
        quoted = ", ".join(f'"{name}"' for name in names)
        example = f'{{"{names[0]}": "shipped"}}'
        yield Warning(
            f"Nobody knows what these {what} mean: {quoted}. Orders that have one of them set no "
            "message going.",
            hint=f'Say so in CART_RECOVERY["STATUS_MILESTONES"] = {example}: '
            f'{", ".join(MILESTONES)}, or "" for what nobody needs to know.',
            id=id,
        )


def _used() -> list[str]:
    """The statuses that the shop's settings name, in their order."""
    found: dict[str, None] = {}
    for name in INITIAL:
        found |= dict.fromkeys([str(getattr(settings, name, "") or "")])
    for name in PIPELINES:
        found |= dict.fromkeys(str(status) for status in getattr(settings, name, {}) or {})
    return [status for status in found if status]


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
