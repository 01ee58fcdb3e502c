"""Counts over many rows are made every few minutes, not for each look at a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any, Final

from django.core.cache import cache
from django.utils import timezone

KEPT_FOR: Final = dt.timedelta(minutes=10)


def kept(
    name: str, count: Callable[[], Any], *, fresh: bool = False
) -> tuple[dt.datetime, Any]:
    """When it was counted, and the result: from the cache, else counted now. `fresh`: always now."""
    key = f"cart_recovery.reports.{name}"
    found = None if fresh else cache.get(key)
    if found is None:
        found = (timezone.now(), count())
        cache.set(key, found, KEPT_FOR.total_seconds())
    moment, result = found
    return moment, result
