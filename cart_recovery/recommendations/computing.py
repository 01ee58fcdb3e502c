"""What is bought together, counted from the shop's own orders, in the database.

New orders are added to the counts a while after they were placed. Once a day all is counted anew, a
few products per sweep: that takes out what was cancelled since, forgets what is older than
BOUGHT_TOGETHER_WITHIN, and leaves each product its best partners. Both read orders up to the same
moment (`PairingProgress.counted_until`), so that it makes no difference which one comes first. The
first run ever is a rebuild.

In between, a partner that was not among the best counts from zero: the next rebuild knows better.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from django.db import connections, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from cart_recovery.conf import conf
from cart_recovery.models import BoughtTogether, PairingProgress
from cart_recovery.shop.pairing import (
    Placed,
    key_from_text,
    moments_of_orders,
    next_products,
    pairs_sql,
)

#: partners that a product keeps
BEST: Final = 20
#: by then whatever was being written when an order was placed is surely there
SETTLING: Final = dt.timedelta(hours=1)
REBUILD_EVERY: Final = dt.timedelta(days=1)
THE_ROW: Final = 1


@dataclass(frozen=True, slots=True)
class Portion:
    """How much is done at a time: new orders; products counted anew, and about how many order
    lines these may have been ordered in."""

    orders: int
    products: int
    lines: int


#: fractions of a second, for the sweep of every minute
SMALL: Final = Portion(orders=2_000, products=500, lines=10_000)
#: for whoever waits for the end: a million lines in one pass
LARGE: Final = Portion(orders=50_000, products=50_000, lines=2_000_000)
#: the same where a statement keeps all others from writing, the shop's too
POLITE: Final = Portion(orders=10_000, products=10_000, lines=100_000)


def run(now: dt.datetime, *, portion: Portion = SMALL) -> int:
    """Count one portion of new orders, and one of all products anew where it is time to.

    How much was done: orders, and portions of products. Of two that run at once, one does the work.
    """
    progress = _progress(now)
    counted = _count_new(progress, now, portion)
    if progress.rebuilt_to is None and progress.rebuilt_at <= now - REBUILD_EVERY:
        start_rebuild(now)
        progress.refresh_from_db()
    return counted + _rebuild_next(progress, portion)


def run_to_end(now: dt.datetime, *, rebuild: bool = False) -> int:
    """Count all there is; with `rebuild`, all products anew. How many orders and portions."""
    _progress(now)
    if rebuild:
        start_rebuild(now)
    has_row_locks = _connection().features.has_select_for_update
    portion = LARGE if has_row_locks else POLITE
    total = 0
    while (done := run(now, portion=portion)) or _progress(now).rebuilt_to is not None:
        total += done
    return total


def start_rebuild(now: dt.datetime) -> None:
    """Have the partners of all products counted anew, by this and the following runs."""
    PairingProgress.objects.filter(pk=THE_ROW).update(rebuilt_to="", rebuilt_at=now)


def _progress(now: dt.datetime) -> PairingProgress:
    return PairingProgress.objects.get_or_create(
        pk=THE_ROW, defaults={"counted_until": now - SETTLING, "rebuilt_at": now}
    )[0]


def _count_new(progress: PairingProgress, now: dt.datetime, portion: Portion) -> int:
    waiting = Placed(progress.counted_until, now - SETTLING)
    moments = moments_of_orders(waiting, limit=portion.orders)
    if not moments:
        return 0
    # orders of the same moment beyond the limit go with them
    placed = Placed(progress.counted_until, moments[-1])
    connection = _connection()
    with transaction.atomic(using=connection.alias):
        if not _advance(progress, counted_until=placed.until):
            return 0
        _insert(connection, *pairs_sql(connection, placed), add=True)
    return len(moments)


def _rebuild_next(progress: PairingProgress, portion: Portion) -> int:
    if progress.rebuilt_to is None:
        return 0
    span = next_products(
        key_from_text(progress.rebuilt_to), products=portion.products, lines=portion.lines
    )
    connection = _connection()
    with transaction.atomic(using=connection.alias):
        if not _advance(progress, rebuilt_to=None if span.upto is None else str(span.upto)):
            return 0
        # by key: what has become a variant since has no partners of its own any more
        BoughtTogether.objects.filter(span.condition("product_id"))._raw_delete(connection.alias)
        until = progress.counted_until
        placed = Placed(until - conf.BOUGHT_TOGETHER_WITHIN, until)
        _insert(connection, *pairs_sql(connection, placed, span, best=BEST))
    return 1


def _advance(progress: PairingProgress, **values: Any) -> bool:
    """Take the row to these values, unless somebody else has moved it. Locks it, and comes first
    in its transaction: two cannot count the same."""
    rows = PairingProgress.objects.filter(
        pk=THE_ROW, counted_until=progress.counted_until, rebuilt_to=progress.rebuilt_to
    )
    moved = bool(rows.update(**values))
    if moved:
        for name, value in values.items():
            setattr(progress, name, value)
    return moved


def _insert(
    connection: BaseDatabaseWrapper, select: str, params: list[Any], *, add: bool = False
) -> None:
    """Write what the SELECT finds; with `add`, on top of what is there."""
    table = connection.ops.quote_name(BoughtTogether._meta.db_table)
    sql = f"INSERT INTO {table} (product_id, partner_id, orders) {select}"
    if add and connection.vendor == "mysql":
        sql += f" ON DUPLICATE KEY UPDATE {table}.orders = {table}.orders + VALUES(orders)"
    elif add:
        sql += (
            " ON CONFLICT (product_id, partner_id) DO UPDATE"
            f" SET orders = {table}.orders + excluded.orders"
        )
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def _connection() -> BaseDatabaseWrapper:
    """Orders and our rows are in one database."""
    return connections[router.db_for_write(BoughtTogether)]
