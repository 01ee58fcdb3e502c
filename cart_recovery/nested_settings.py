"""Settings that hold dictionaries: what they may hold, and what they hold by default."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, TypeAlias

from django.core.exceptions import ImproperlyConfigured

Duration = dt.timedelta
HealthLimits: TypeAlias = Mapping[str, tuple[Any, Any]]

DEFAULT_FORM_RATE_LIMITS: Final[Mapping[str, Mapping[str, tuple[int, Duration]]]] = {
    "capture": {
        "client": (20, dt.timedelta(hours=1)), "address": (5, dt.timedelta(hours=1)),
    },
    # behind it stands a shop's own server or app gateway
    "api": {"client": (600, dt.timedelta(hours=1)), "address": (5, dt.timedelta(hours=1))},
    "preferences": {
        "client": (60, dt.timedelta(hours=1)), "address": (20, dt.timedelta(hours=1)),
    },
}  # fmt: skip


DEFAULT_HEALTH_LIMITS: Final[HealthLimits] = {
    "sweep_age": (dt.timedelta(minutes=3), dt.timedelta(minutes=10)),
    "lateness": (dt.timedelta(minutes=10), dt.timedelta(hours=1)),
    "backlog": (5_000, 50_000),
    "provider_errors": (0.1, 0.5),
    "reports_age": (dt.timedelta(hours=2), dt.timedelta(days=1)),
}


def check_form_limits(form: Any, limits: Any) -> None:
    """Raise ImproperlyConfigured that says what to write."""
    where = f'CART_RECOVERY["FORM_RATE_LIMITS"][{form!r}]'
    if form not in DEFAULT_FORM_RATE_LIMITS or not isinstance(limits, Mapping):
        known = ", ".join(DEFAULT_FORM_RATE_LIMITS)
        raise ImproperlyConfigured(f"{where}: known forms are {known}, each with a dict.")
    for whom, limit in limits.items():
        is_pair = isinstance(limit, (list, tuple)) and len(limit) == 2
        if not (
            whom in ("client", "address")
            and is_pair
            and isinstance(limit[0], int)
            and isinstance(limit[1], dt.timedelta)
            and limit[1] >= dt.timedelta(seconds=1)
        ):
            raise ImproperlyConfigured(
                f'{where}[{whom!r}] must be "client" or "address": (20, timedelta(hours=1)).'
            )


def check_price(channel: Any, price: Any) -> None:
    """Raise ImproperlyConfigured that says what to write."""
    is_pair = isinstance(price, (list, tuple)) and len(price) == 2
    if not (
        is_pair
        and isinstance(price[0], (Decimal, int))
        and price[0] >= 0
        and isinstance(price[1], str)
        and len(price[1]) == 3
    ):
        raise ImproperlyConfigured(
            f'CART_RECOVERY["PRICES"][{channel!r}] must be (Decimal("0.08"), "EUR").'
        )


def check_health_limits(name: Any, limits: Any) -> None:
    """Raise ImproperlyConfigured that says what to write."""
    where = f'CART_RECOVERY["HEALTH_LIMITS"][{name!r}]'
    if name not in DEFAULT_HEALTH_LIMITS:
        raise ImproperlyConfigured(f"{where}: known are {', '.join(DEFAULT_HEALTH_LIMITS)}.")
    default = DEFAULT_HEALTH_LIMITS[name]
    kind: Any = dt.timedelta if isinstance(default[0], dt.timedelta) else (int, float)
    is_pair = isinstance(limits, (list, tuple)) and len(limits) == 2
    if not (
        is_pair and all(isinstance(limit, kind) for limit in limits) and limits[0] <= limits[1]
    ):
        raise ImproperlyConfigured(f"{where} must be (warns, fails), as in {default!r}.")
