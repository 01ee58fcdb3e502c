"""Which products stand in the same orders, as one SELECT over the shop's own tables.

The rows stay in the database: a year of a busy shop is millions of lines. Portable over PostgreSQL,
SQLite and MySQL.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Count, Q
from django.db.models.functions import Coalesce
from oscar.core.loading import get_model

from cart_recovery.shop.cancelling import cancelled_spellings

#: Lines of an order that count, the first ones: pairs grow with the square, and what a reseller stocks
#: up on in a thousand lines says little about what goes together
LINES_PER_ORDER: Final = 20


@dataclass(frozen=True, slots=True)
class Placed:
    """Orders placed after a moment, and until another one, which belongs to them."""

    after: dt.datetime
    until: dt.datetime


@dataclass(frozen=True, slots=True)
class Keys:
    """Products whose key lies above `after` and not above `upto`; None: no such bound."""

    after: Any | None = None
    upto: Any | None = None

    @property
    def is_bounded(self) -> bool:
        return self.after is not None or self.upto is not None

    def condition(self, column: str) -> Q:
        """The same for a column of the ORM."""
        bounds = {f"{column}__gt": self.after, f"{column}__lte": self.upto}
        return Q(**{name: key for name, key in bounds.items() if key is not None})


EVERY: Final = Keys()


def key_from_text(text: str) -> Any | None:
    """The key of a product that was kept as text; None for ""."""
    return get_model("catalogue", "Product")._meta.pk.to_python(text) if text else None


def moments_of_orders(placed: Placed, *, limit: int) -> list[dt.datetime]:
    """When the first `limit` of these orders were placed, in their order. One query, by index."""
    orders = get_model("order", "Order")._base_manager.filter(
        date_placed__gt=placed.after, date_placed__lte=placed.until
    )
    return list(orders.order_by("date_placed").values_list("date_placed", flat=True)[:limit])


def next_products(after: Any | None, *, products: int, lines: int) -> Keys:
    """The next products by their keys that are no variants: `products` of them at the most, ordered
    in about `lines` lines, but one at least. Without an upper bound where that is all there are.
    Two queries.
    """
    model = get_model("catalogue", "Product")
    top = model._base_manager.filter(Keys(after).condition("pk"), parent__isnull=True)
    keys = list(top.order_by("pk").values_list("pk", flat=True)[: products + 1])
    counts = _ordered_lines(Keys(after, keys[-1])) if keys else {}
    total = 0
    for number, key in enumerate(keys):
        total += counts.get(key, 0)
        if number and (total > lines or number == products):
            return Keys(after, keys[number - 1])
    return Keys(after)


def _ordered_lines(span: Keys) -> dict[Any, int]:
    """How many order lines each of these products has, those of its variants included."""
    ordered = get_model("order", "Line")._base_manager.filter(
        (span.condition("product_id") & Q(product__parent__isnull=True))
        | span.condition("product__parent_id")
    )
    products = ordered.order_by().values(family=Coalesce("product__parent_id", "product_id"))
    return dict(products.annotate(lines=Count("pk")).values_list("family", "lines"))


def pairs_sql(
    connection: BaseDatabaseWrapper, placed: Placed, products: Keys = EVERY, *, best: int = 0
) -> tuple[str, list[Any]]:
    """A SELECT of (product, partner, orders that held both), and its parameters.

    Both directions of each pair; variants as the product they are variants of; without cancelled
    orders and lines. `products`: pairs of these alone. `best`: so many partners of each product, of equal
    ones the newest; 0: all.
    """
    names = _names(connection)
    bought, params = _bought_sql(connection, names, placed, products)
    where, bounds = _bounds_sql(connection, products, "a.family")
    pairs = (
        f"SELECT a.family AS product, b.family AS partner, COUNT(*) AS orders"  # noqa: S608 only names
        f" FROM bought a JOIN bought b ON b.order_id = a.order_id AND b.family <> a.family"
        f" WHERE {where} GROUP BY a.family, b.family"
    )
    if best:
        pairs = (
            "SELECT product, partner, orders FROM ("  # noqa: S608 only names
            "SELECT product, partner, orders, ROW_NUMBER() OVER"
            " (PARTITION BY product ORDER BY orders DESC, partner DESC) AS place"
            f" FROM ({pairs}) counted) ranked WHERE place <= {best:d}"
        )
    return f"WITH bought AS ({bought}) {pairs}", [*params, *bounds]


def _bought_sql(
    connection: BaseDatabaseWrapper, names: dict[str, str], placed: Placed, products: Keys
) -> tuple[str, list[Any]]:
    """Which products each order held in its first lines, each once."""
    adapt = connection.ops.adapt_datetimefield_value
    where = "o.{date} > %s AND o.{date} <= %s"
    params = [adapt(placed.after), adapt(placed.until)]
    if cancelled := cancelled_spellings():
        marks = ", ".join(["%s"] * len(cancelled))
        for status in ("o.{status}", "l.{line_status}"):
            where += f" AND LOWER(TRIM(COALESCE({status}, ''))) NOT IN ({marks})"
            params += cancelled
    if products.is_bounded:
        alone, bounds = _bounds_sql(connection, products, "q.{key}")
        variant, _same = _bounds_sql(connection, products, "q.{parent}")
        where += (
            " AND l.{order} IN (SELECT m.{order} FROM {lines} m JOIN {products} q"  # noqa: S608 as below
            " ON q.{key} = m.{product}"
            f" WHERE (q.{{parent}} IS NULL AND {alone}) OR (q.{{parent}} IS NOT NULL AND {variant}))"
        )
        params += [*bounds, *bounds]
    # the outer GROUP BY also makes SQLite put an index on what it finds
    sql = (
        "SELECT order_id, family FROM ("  # noqa: S608 only names; values go apart
        "SELECT l.{order} AS order_id, COALESCE(p.{parent}, p.{key}) AS family,"
        " ROW_NUMBER() OVER (PARTITION BY l.{order} ORDER BY l.{line}) AS place"
        " FROM {lines} l JOIN {orders} o ON o.{order_key} = l.{order}"
        " JOIN {products} p ON p.{key} = l.{product}"
        f" WHERE {where}"
        f") held WHERE place <= {LINES_PER_ORDER:d} GROUP BY order_id, family"
    )
    return sql.format(**names), params


def _bounds_sql(
    connection: BaseDatabaseWrapper, products: Keys, column: str
) -> tuple[str, list[Any]]:
    """The condition that a column holds one of these keys. `1 = 1` where there is no bound."""
    key = get_model("catalogue", "Product")._meta.pk
    bounds = [
        (f"{column} {comparison} %s", key.get_db_prep_value(value, connection))
        for comparison, value in ((">", products.after), ("<=", products.upto))
        if value is not None
    ]
    return " AND ".join(sql for sql, _value in bounds) or "1 = 1", [value for _sql, value in bounds]


def _names(connection: BaseDatabaseWrapper) -> dict[str, str]:
    """Names of tables and columns as the database writes them; a fork may have others."""
    line, order, product = (
        get_model(app, name)._meta
        for app, name in (("order", "Line"), ("order", "Order"), ("catalogue", "Product"))
    )
    columns = {
        "lines": line.db_table, "orders": order.db_table, "products": product.db_table,
        "line": line.pk.column, "order": line.get_field("order").column,
        "product": line.get_field("product").column, "order_key": order.pk.column,
        "date": order.get_field("date_placed").column, "status": order.get_field("status").column,
        "line_status": line.get_field("status").column,
        "key": product.pk.column, "parent": product.get_field("parent").column,
    }  # fmt: skip
    return {name: connection.ops.quote_name(column) for name, column in columns.items()}
