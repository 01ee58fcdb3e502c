"""The wall between our work and the shop's request: nothing of ours may break it.

An exception alone is easy to swallow. A database error is not: inside a transaction PostgreSQL
refuses every statement that follows, so what we do there goes behind a savepoint.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec, TypeVar

from django.db import connections, router, transaction

from cart_recovery.models import TrackedCart

P = ParamSpec("P")
R = TypeVar("R")
logger = logging.getLogger(__name__)

#: InnoDB's "deadlock found": it has rolled back the whole transaction, the shop's part included
MYSQL_DEADLOCK: Final = 1213


def database() -> str:
    """Alias of the database in which carts are tracked: the one that has the baskets."""
    return router.db_for_write(TrackedCart)


def guarded(function: Callable[P, R]) -> Callable[P, R | None]:
    """Run the function; log what it raises and give None. For functions that guard their own SQL."""

    @wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R | None:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            # the shop goes on, whatever it was
            log_failure(function.__qualname__, error)
            if is_transaction_gone(error):
                # save that one: with half of its own statements lost it must not commit the rest
                connections[database()].needs_rollback = True
            return None

    return wrapper


def guarded_with_savepoint(function: Callable[P, R]) -> Callable[P, R | None]:
    """Like `guarded`, with all SQL of the function behind one savepoint (or in one transaction)."""

    @wraps(function)
    def behind_savepoint(*args: P.args, **kwargs: P.kwargs) -> R:
        with transaction.atomic(using=database()):
            return function(*args, **kwargs)

    return guarded(behind_savepoint)


def log_failure(what: str, error: Exception) -> None:
    """One error line with the stack, without the error's text: databases quote values in it."""
    stack = "".join(traceback.format_tb(error.__traceback__))
    cause = getattr(error.__cause__, "sqlstate", None) or ""
    logger.error("%s failed: %s %s\n%s", what, type(error).__name__, cause, stack)


def is_transaction_gone(error: Exception) -> bool:
    """Whether the database has ended the whole transaction of the shop, not our statement alone."""
    connection = connections[database()]
    if connection.vendor != "mysql" or not connection.in_atomic_block:
        return False
    return bool(error.args) and error.args[0] == MYSQL_DEADLOCK
