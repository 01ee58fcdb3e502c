"""Counts over many rows are made every few minutes, not for each look at a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from django.core.cache import cache
from django.utils import timezone

KEPT_FOR: Final = dt.timedelta(minutes=10)
#: while one request counts anew, the others get what was counted before
COUNTING_FOR: Final = dt.timedelta(minutes=1)
FORGOTTEN_AFTER: Final = dt.timedelta(hours=2)


def kept(name: str, count: Callable[[], Any], *, fresh: bool = False) -> tuple[dt.datetime, Any]:
    """When it was counted, and the result: from the cache, else counted now. `fresh`: always now."""
    key = f"cart_recovery.reports.{name}"
    found: tuple[dt.datetime, Any] | None = None if fresh else cache.get(key)
    now = timezone.now()
    if found is not None:
        is_new = now - found[0] < KEPT_FOR
        if is_new or not cache.add(f"{key}.counting", 1, COUNTING_FOR.total_seconds()):
            return found
    found = (now, count())
    cache.set(key, found, FORGOTTEN_AFTER.total_seconds())
    return found
