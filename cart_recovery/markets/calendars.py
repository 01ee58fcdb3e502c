"""Public holidays, by the `holidays` library. A calendar is named as there: `DE`, `DE-BY`."""

from __future__ import annotations

import datetime as dt
from functools import lru_cache

import holidays


# a few years of each calendar in use
@lru_cache(maxsize=512)
def holidays_of(calendar: str, year: int) -> frozenset[dt.date]:
    """The public holidays of a year. Raises NotImplementedError for a calendar nobody knows."""
    country, _dash, subdivision = calendar.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


@lru_cache(maxsize=512)
def is_known(calendar: str) -> bool:
    """Whether the library has this calendar."""
    try:
        holidays_of(calendar, 2026)
    except NotImplementedError:
        return False
    return True


def is_holiday(date: dt.date, calendars: tuple[str, ...]) -> bool:
    """Whether one of the calendars has this (local) date as a public holiday."""
    return any(date in holidays_of(calendar, date.year) for calendar in calendars)
