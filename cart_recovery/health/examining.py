"""One look at everything, or at what may not wait. A constant number of queries."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Callable
from typing import Final

from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from cart_recovery.conf import conf
from cart_recovery.health.findings import Finding, Health, Severity
from cart_recovery.health.queue import examine_queue
from cart_recovery.health.reporting import examine_reports
from cart_recovery.health.sending import examine_channels, examine_errors
from cart_recovery.health.sweeping import examine_sweep
from cart_recovery.health.waiting import examine_backlog, examine_lateness

logger = logging.getLogger(__name__)

KEY: Final = "cart_recovery.health."


def examine(now: dt.datetime) -> Health:
    """Everything. Raises DatabaseError."""
    swept = examine_sweep(now)
    return Health(
        now,
        (
            *swept,
            *examine_queue(now, is_swept=swept[0].severity is Severity.OK),
            examine_backlog(now),
            examine_lateness(now),
            *examine_channels(now),
            *examine_errors(now),
            examine_reports(now),
        ),
    )


def examine_quickly(now: dt.datetime) -> Health:
    """What stops messages from going out, for a banner: sweep, lateness, channels. Four queries."""
    return Health(now, (*examine_sweep(now), examine_lateness(now), *examine_channels(now)))


def current() -> Health:
    """The whole health, at the most HEALTH_CACHED_FOR old. A database that does not answer is a
    finding too."""
    return _kept("all", examine)


def current_quickly() -> Health:
    """What stops messages from going out, at the most HEALTH_CACHED_FOR old."""
    return _kept("quick", examine_quickly)


def forget() -> None:
    """Look anew next time: something was repaired."""
    try:
        cache.delete_many([f"{KEY}all", f"{KEY}quick"])
    except Exception:
        logger.exception("The kept health could not be forgotten")


def _kept(name: str, look: Callable[[dt.datetime], Health]) -> Health:
    seconds = conf.HEALTH_CACHED_FOR.total_seconds()
    known = _from_cache(name) if seconds > 0 else None
    if known is not None:
        return known
    try:
        health = _protected(look)
    except DatabaseError:
        logger.exception("The health could not be examined")
        return Health(timezone.now(), (Finding("database", "down", Severity.FAIL),))
    if seconds > 0:
        _to_cache(name, health, seconds)
    return health


def _protected(look: Callable[[dt.datetime], Health]) -> Health:
    """Within a transaction of the page's: an error of ours must not take the rest of it along."""
    if not connection.in_atomic_block:
        return look(timezone.now())
    with transaction.atomic():
        return look(timezone.now())


# a cache that does not answer makes a look dearer; it is no reason not to look


def _from_cache(name: str) -> Health | None:
    try:
        found = cache.get(f"{KEY}{name}")
    except Exception:
        logger.exception("The cache does not answer")
        return None
    return found if isinstance(found, Health) else None


def _to_cache(name: str, health: Health, seconds: float) -> None:
    try:
        cache.set(f"{KEY}{name}", health, seconds)
    except Exception:
        logger.exception("The cache does not answer")
