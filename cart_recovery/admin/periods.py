"""Which days a report is asked for: from a query string that anybody may have written."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from cart_recovery.reports.dashboard import Period

#: lengths that are one click away; the second one is what shows unless told otherwise
PRESETS: Final = (7, 30, 90)
DEFAULT: Final = 30
#: two years and a leap day: enough to compare seasons
LONGEST: Final = 731


@dataclass(frozen=True, slots=True)
class Asked:
    """`error` says what was wrong with the wish; then `period` is the default."""

    period: Period
    #: one of PRESETS, or None for days of one's own
    preset: int | None
    error: str = ""
    #: what was typed, to be corrected
    since: str = ""
    until: str = ""

    @property
    def query(self) -> str:
        """The query string that asks for the same."""
        if self.preset is not None:
            return urlencode({"days": self.preset})
        return urlencode({"since": self.period.since, "until": self.period.until})


def read(wish: Mapping[str, str], today: dt.date) -> Asked:
    """The period of `?days=7`, or of `?since=2026-01-31&until=2026-02-28`. Never raises."""
    since, until = (wish.get(name, "").strip()[:20] for name in ("since", "until"))
    if not since and not until:
        return _preset(wish.get("days", ""), today)
    first, last = _date(since), _date(until)
    error = _fault(first, last, today)
    if error or first is None or last is None:
        return _default(today, error, since, until)
    return Asked(Period(first, last), None, since=since, until=until)


def _fault(first: dt.date | None, last: dt.date | None, today: dt.date) -> str:
    if first is None or last is None:
        return _("Please give both days, like this: 2026-01-31.")
    if last < first:
        return _("The first day lies after the last one.")
    if last > today:
        return _("The last day lies in the future.")
    if (last - first).days >= LONGEST:
        return _("Those are too many days: %(days)s at most.") % {"days": LONGEST}
    return ""


def _preset(text: str, today: dt.date) -> Asked:
    if not text:
        return _default(today)
    if text not in {str(days) for days in PRESETS}:
        return _default(today, _("There is no such period."))
    return _last(int(text), today)


def _default(today: dt.date, error: str = "", since: str = "", until: str = "") -> Asked:
    default = _last(DEFAULT, today)
    return Asked(default.period, default.preset, error, since, until)


def _last(days: int, today: dt.date) -> Asked:
    return Asked(Period(today - dt.timedelta(days=days - 1), today), days)


def _date(text: str) -> dt.date | None:
    try:
        day = dt.date.fromisoformat(text)
    except ValueError:
        return None
    # the period before it must be a date as well
    return day if day.year > 1990 else None
