"""What a shop changes about the markets, read and checked: `CART_RECOVERY["MARKETS"]`."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

from cart_recovery.markets.calendars import is_known
from cart_recovery.markets.windows import Week, read_week

#: the entry that changes every market, before the market's own entry
EVERY_MARKET: Final = "*"
ADDRESS_KINDS: Final = ("email", "phone")
_COUNTRY: Final = re.compile(r"[A-Z]{2}")

Windows = tuple[tuple[str, Week | None], ...]


def read_all(raw: Mapping[Any, Any], codes: Collection[str]) -> dict[str, dict[str, Any]]:
    """Entry -> field of `Market` -> value. Raises ImproperlyConfigured that says what to write.

    `codes` are the markets there are; other entries must be countries (ISO codes).
    """
    return {code: _read_entry(code, entry, codes) for code, entry in raw.items()}


def read_windows(raw: Any, where: str = "windows") -> Windows:
    """Kind of address -> week, in the order of the kinds. Raises ImproperlyConfigured."""
    if not isinstance(raw, Mapping):
        raise ImproperlyConfigured(
            f'{where} must be a dict: {{"phone": {{"mon-sat": "08:00-20:00"}}}}.'
        )
    for kind in raw:
        if kind not in ADDRESS_KINDS:
            raise ImproperlyConfigured(
                f"{where}[{kind!r}] is no kind of address. Kinds are: {', '.join(ADDRESS_KINDS)}."
            )
    return tuple((kind, read_week(week, f"{where}[{kind!r}]")) for kind, week in raw.items())


def _read_entry(code: Any, entry: Any, codes: Collection[str]) -> dict[str, Any]:
    where = f'CART_RECOVERY["MARKETS"][{code!r}]'
    if code != EVERY_MARKET and code not in codes and not _COUNTRY.fullmatch(str(code)):
        raise ImproperlyConfigured(
            f'{where} is neither a market ({", ".join(sorted(codes))}) nor a country such as "CA", '
            f'nor "{EVERY_MARKET}" for all.'
        )
    if not isinstance(entry, Mapping):
        raise ImproperlyConfigured(f"{where} must be a dict of what is different there.")
    for name in entry:
        if name not in READERS:
            raise ImproperlyConfigured(
                f"{where}[{name!r}] is nothing that can be changed. "
                f"That can be: {', '.join(sorted(READERS))}."
            )
    return {name: READERS[name](value, f"{where}[{name!r}]") for name, value in entry.items()}


def _flag(value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise ImproperlyConfigured(f"{where} must be True or False, not {value!r}.")
    return value


def _kinds(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not set(value) <= set(ADDRESS_KINDS):
        raise ImproperlyConfigured(f"{where} must be a list of: {', '.join(ADDRESS_KINDS)}.")
    return tuple(value)


def _count(value: Any, where: str) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 0):
        return value
    raise ImproperlyConfigured(f"{where} must be a number or None, not {value!r}.")


def _duration(value: Any, where: str) -> dt.timedelta | None:
    if value is None or (isinstance(value, dt.timedelta) and value > dt.timedelta(0)):
        return value
    raise ImproperlyConfigured(f"{where} must be a timedelta above zero or None, not {value!r}.")


def _calendars(value: Any, where: str) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, (list, tuple)):
        raise ImproperlyConfigured(f'{where} must be a list such as ["DE", "DE-BY"], or None.')
    for name in value:
        if not isinstance(name, str) or not is_known(name):
            raise ImproperlyConfigured(
                f"{where}: the holidays library has no calendar {name!r}. "
                'Write a country ("DE") or a part of it ("DE-BY").'
            )
    return tuple(value)


READERS: Final[Mapping[str, Callable[[Any, str], Any]]] = {
    "double_opt_in": _kinds,
    "allows_soft_opt_in": _flag,
    "start_restores": _flag,
    "advertising_in_service": _flag,
    "sms_per_cart": _count,
    "sms_within": _duration,
    "windows": read_windows,
    "holidays": _calendars,
}
