"""Rows by the million: INSERT ... SELECT over a series of numbers. Works in a worker."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from typing import Any

from django.core.management.color import no_style
from django.db import connection, models


def insert(model: type[models.Model], numbers: tuple[int, int], **columns: str) -> None:
    """One row per number from first to last. `columns`: field name -> SQL expression over `n`.

    What is not named gets NULL, else nothing of its kind: "", 0, false.
    """
    fields = model._meta.local_concrete_fields
    known = {field.name for field in fields}
    if not columns.keys() <= known:
        raise ValueError(f"{model.__name__} has no {sorted(columns.keys() - known)}")
    chosen = {
        field: columns.get(field.name) or _nothing(field)
        for field in fields
        if not field.primary_key or field.name in columns
    }
    names = ", ".join(connection.ops.quote_name(str(field.column)) for field in chosen)
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({names}) SELECT {', '.join(chosen.values())} "
            f"FROM {_series(*numbers)}"
        )


def before(moment: dt.datetime, seconds: str) -> str:
    """SQL for the moment that lies `seconds` (an expression) before another."""
    if connection.vendor == "postgresql":
        return f"(TIMESTAMPTZ '{moment.isoformat()}' - ({seconds}) * INTERVAL '1 second')"
    text = f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S}"
    return f"strftime('%Y-%m-%d %H:%M:%f', '{text}', (-({seconds})) || ' seconds')"


def at(moment: dt.datetime) -> str:
    """SQL for a moment."""
    return before(moment, "0")


def last_key(model: type[models.Model]) -> int:
    """The highest primary key there is; 0 without rows."""
    newest = model._base_manager.order_by("-pk").values_list("pk", flat=True).first()
    return int(newest or 0)


@contextlib.contextmanager
def trusted_keys() -> Iterator[None]:
    """Spare the server the check of each foreign key meanwhile."""
    if connection.vendor == "postgresql":
        off, on = "SET session_replication_role = replica", "RESET session_replication_role"
    else:
        off, on = "PRAGMA foreign_keys = OFF", "PRAGMA foreign_keys = ON"
    with connection.cursor() as cursor:
        cursor.execute(off)
        try:
            yield
        finally:
            cursor.execute(on)


def settle(changed: Sequence[type[models.Model]]) -> None:
    """After keys were given by hand: sequences, statistics, and a log written away."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), list(changed)):
            cursor.execute(statement)
        if connection.vendor == "postgresql":
            for model in changed:
                cursor.execute(f"VACUUM ANALYZE {connection.ops.quote_name(model._meta.db_table)}")
        else:
            cursor.execute("ANALYZE")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")


def empty(emptied: Sequence[type[models.Model]]) -> None:
    """Take all rows out of these tables and of those that refer to them."""
    names = [connection.ops.quote_name(model._meta.db_table) for model in emptied]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(names)} CASCADE")
            return
        with trusted_keys():
            for name in names:
                cursor.execute(f"DELETE FROM {name}")


def delete_after(model: type[models.Model], last: int, column: str = "id") -> None:
    """Take out the rows whose `column` is above `last`, and nothing that refers to them."""
    table = connection.ops.quote_name(model._meta.db_table)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table} WHERE {column} > %s", [last])


def _series(first: int, last: int) -> str:
    if connection.vendor == "postgresql":
        return f"generate_series({first}, {last}) AS series(n)"
    return (
        f"(WITH RECURSIVE series(n) AS (SELECT {first} UNION ALL "
        f"SELECT n + 1 FROM series WHERE n < {last}) SELECT n FROM series) AS series"
    )


def _nothing(field: models.Field[Any, Any]) -> str:
    if field.null:
        return "NULL"
    if isinstance(field, models.BooleanField):
        return "false"
    if isinstance(field, models.JSONField):
        return "'[]'"
    if isinstance(field, (models.IntegerField, models.DecimalField)):
        return "0"
    if isinstance(field, (models.DateTimeField, models.DateField)):
        raise TypeError(f"{field} has to be named")
    return "''"
