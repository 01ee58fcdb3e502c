"""Send windows of a week, written by people: `{"mon-sat": "08:00-20:00"}`. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

#: [from, until) in minutes since midnight, by the clock on the person's wall
Span = tuple[int, int]
#: the spans of Monday to Sunday, and of a public holiday
Week = tuple[tuple[Span, ...], ...]

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAYS: Final = "holidays"
HOLIDAY: Final = len(DAYS)
SUNDAY: Final = DAYS.index("sun")
DAY_MINUTES: Final = 24 * 60
CLOSED: Final = "closed"
_SPAN: Final = re.compile(r"(\d{2}):(\d{2})\s*-\s*(\d{2}):(\d{2})")


def read_week(raw: Any, where: str) -> Week | None:
    """The windows of one kind of address; None where messages may arrive at any hour.

    Keys are days (`mon`), ranges (`mon-fri`), lists (`mon, wed`) and `holidays`; values are one or
    more spans with commas between them, or `closed`. A day that is not named is closed. Where
    holidays are not named, they are like Sundays. Raises ImproperlyConfigured with `where`.
    """
    if raw is None:
        return None
    if not isinstance(raw, Mapping):
        raise ImproperlyConfigured(
            f'{where} must be None (no quiet hours) or days with hours: {{"mon-sat": "08:00-20:00"}}.'
        )
    days: dict[int, tuple[Span, ...]] = {}
    for key, value in raw.items():
        spans = _read_spans(value, f"{where}[{key!r}]")
        for day in _read_days(key, where):
            if day in days:
                raise ImproperlyConfigured(f"{where} names {_name(day)} twice.")
            days[day] = spans
    if not any(days.values()):
        raise ImproperlyConfigured(f"{where} is never open. Write None for no quiet hours.")
    days.setdefault(HOLIDAY, days.get(SUNDAY, ()))
    return tuple(days.get(day, ()) for day in range(HOLIDAY + 1))


def _read_days(key: Any, where: str) -> list[int]:
    found: list[int] = []
    for part in str(key).lower().split(","):
        first, _dash, last = (name.strip() for name in part.partition("-"))
        if first == HOLIDAYS and not last:
            found.append(HOLIDAY)
        elif first in DAYS and (last or first) in DAYS:
            begin, end = DAYS.index(first), DAYS.index(last or first)
            if end < begin:
                raise ImproperlyConfigured(f"{where}[{key!r}]: {last} stands before {first}.")
            found += range(begin, end + 1)
        else:
            raise ImproperlyConfigured(
                f"{where}[{key!r}] is no day. Write one of {', '.join((*DAYS, HOLIDAYS))}, or mon-sat."
            )
    return found


def _read_spans(value: Any, where: str) -> tuple[Span, ...]:
    if not isinstance(value, str):
        raise ImproperlyConfigured(f'{where} must be text such as "08:00-20:00" or "{CLOSED}".')
    if value.strip().lower() == CLOSED:
        return ()
    spans = sorted(_read_span(part.strip(), where) for part in value.split(","))
    if any(later[0] < earlier[1] for earlier, later in pairwise(spans)):
        raise ImproperlyConfigured(f'{where} = "{value}" overlaps.')
    return tuple(spans)


def _read_span(text: str, where: str) -> Span:
    match = _SPAN.fullmatch(text)
    if match is None:
        raise ImproperlyConfigured(f'{where}: "{text}" is no span. Write "08:00-20:00".')
    from_hour, from_minute, until_hour, until_minute = map(int, match.groups())
    begin, end = from_hour * 60 + from_minute, until_hour * 60 + until_minute
    if max(from_minute, until_minute) > 59 or not begin < end <= DAY_MINUTES:
        raise ImproperlyConfigured(
            f'{where}: "{text}" must run from an earlier to a later hour of one day, 24:00 at most.'
        )
    return begin, end


def _name(day: int) -> str:
    return HOLIDAYS if day == HOLIDAY else DAYS[day]
