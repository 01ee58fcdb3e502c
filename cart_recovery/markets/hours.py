"""When messages may arrive: the wall clock in every zone the person may be in. Pure functions.

What is open is found by converting the moment to local time, which is right on every night of the
year. When it opens and closes is found among the few moments at which that can change: an edge of a
span in one of the zones (on both passes of a clock that is put back), and a change of the clock.
Each of these is then asked whether it is open, so a wall time that does not exist does no harm.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from cart_recovery.markets.calendars import is_holiday
from cart_recovery.markets.windows import DAY_MINUTES, HOLIDAY, Week

if TYPE_CHECKING:
    from cart_recovery.markets.profiles import Market

#: who cannot be written to within these days is not written to
HORIZON: Final = dt.timedelta(days=14)
EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def is_open(market: Market, kind: str, zones: tuple[str, ...], moment: dt.datetime) -> bool:
    """Whether a message to this kind of address may arrive now, in all of the zones."""
    week = market.week(kind)
    return week is None or _is_open(week, market.calendars, zones, _minute(moment))


def next_open(
    market: Market, kind: str, zones: tuple[str, ...], moment: dt.datetime
) -> dt.datetime | None:
    """The first moment from this one on that is open in all zones; None if none is near."""
    week = market.week(kind)
    if week is None:
        return moment
    minute = _minute(moment)
    if _is_open(week, market.calendars, zones, minute):
        return moment
    spans = _open_spans(week, market.calendars, zones, minute // DAY_MINUTES)
    opening = next((begin for begin, _end in spans if begin >= minute), None)
    if opening is None or opening - minute > HORIZON.total_seconds() / 60:
        return None
    return _moment(opening)


def open_time(
    market: Market, kind: str, zones: tuple[str, ...], since: dt.datetime, until: dt.datetime
) -> dt.timedelta:
    """For how long it was open between two moments. What lies beyond the horizon counts as a whole."""
    week = market.week(kind)
    if week is None or until <= since:
        return max(until - since, dt.timedelta(0))
    minute = _minute(since)
    spans = _open_spans(week, market.calendars, zones, minute // DAY_MINUTES)
    end = _moment(minute // DAY_MINUTES * DAY_MINUTES) + HORIZON
    found = max(until - max(end, since), dt.timedelta(0))
    for begins, ends in spans:
        overlap = min(_moment(ends), until, end) - max(_moment(begins), since)
        found += max(overlap, dt.timedelta(0))
    return found


# a batch asks for the same few markets and zones in the same minute
@lru_cache(maxsize=8192)
def _is_open(week: Week, calendars: tuple[str, ...], zones: tuple[str, ...], minute: int) -> bool:
    return all(_is_open_in(week, calendars, zone, minute) for zone in zones)


def _is_open_in(week: Week, calendars: tuple[str, ...], zone: str, minute: int) -> bool:
    local = _moment(minute).astimezone(ZoneInfo(zone))
    wall = local.hour * 60 + local.minute
    return any(begin <= wall < end for begin, end in _spans(week, calendars, local.date()))


def _spans(week: Week, calendars: tuple[str, ...], date: dt.date) -> tuple[tuple[int, int], ...]:
    return week[HOLIDAY if is_holiday(date, calendars) else date.weekday()]


@lru_cache(maxsize=1024)
def _open_spans(
    week: Week, calendars: tuple[str, ...], zones: tuple[str, ...], day: int
) -> tuple[tuple[int, int], ...]:
    """When it is open in all zones, in [minutes, minutes), from this (UTC) day over the horizon."""
    first, last = (day - 2) * DAY_MINUTES, (day + HORIZON.days + 3) * DAY_MINUTES
    # Indiana alone has eight zones whose clocks agree nowadays
    distinct = {_behaviour(zone, first, last): zone for zone in zones}
    edges: set[int] = set()
    for (_offset, changes), zone in distinct.items():
        edges.update(minute for minute, _offset in changes)
        edges.update(_edges(week, calendars, zone, day))
    alike = tuple(sorted(distinct.values()))
    # between two edges nothing changes
    return tuple(
        (begin, end)
        for begin, end in pairwise(sorted(edges))
        if _is_open(week, calendars, alike, begin)
    )


def _edges(week: Week, calendars: tuple[str, ...], zone: str, day: int) -> Iterator[int]:
    for distance in range(-2, HORIZON.days + 3):
        date = (EPOCH + dt.timedelta(days=day + distance)).date()
        midnight = dt.datetime.combine(date, dt.time(), ZoneInfo(zone))
        for minute in {edge for span in _spans(week, calendars, date) for edge in span}:
            # 24:00 is the midnight after
            wall = midnight + dt.timedelta(minutes=minute)
            yield _minute(wall)
            yield _minute(wall.replace(fold=1))


@lru_cache(maxsize=2048)
def _behaviour(zone: str, first: int, last: int) -> tuple[int, tuple[tuple[int, int], ...]]:
    """The zone's offset at the first minute, and each change after it: (minute, new offset)."""
    changes: list[tuple[int, int]] = []
    offset = begin = _offset(zone, first)
    for minute in range(first, last, DAY_MINUTES):
        after = _offset(zone, minute + DAY_MINUTES)
        if after != offset:
            changes.append((_change_between(zone, minute, minute + DAY_MINUTES), after))
            offset = after
    return begin, tuple(changes)


def _change_between(zone: str, before: int, after: int) -> int:
    """The first minute with another offset than `before`, which `after` has."""
    offset = _offset(zone, before)
    while after - before > 1:
        middle = (before + after) // 2
        if _offset(zone, middle) == offset:
            before = middle
        else:
            after = middle
    return after


def _offset(zone: str, minute: int) -> int:
    offset = _moment(minute).astimezone(ZoneInfo(zone)).utcoffset()
    return int((offset or dt.timedelta(0)).total_seconds())


def _minute(moment: dt.datetime) -> int:
    """Whole minutes since the epoch: every span and every clock change is at a full minute."""
    return int((moment - EPOCH).total_seconds() // 60)


def _moment(minute: int) -> dt.datetime:
    return EPOCH + dt.timedelta(minutes=minute)
