"""Many new rows in one statement, on every database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.db import connections, models, router
from django.db.models.constants import OnConflict

#: below what SQLite and PostgreSQL's protocol take (32,766 and 65,535)
MAX_PARAMETERS: Final = 30_000


def insert_new(rows: Sequence[models.Model]) -> None:
    """Insert the rows; one that a unique constraint forbids is left out.

    `bulk_create(ignore_conflicts=True)` does the same, but cuts at 999 parameters on SQLite, so that
    a webhook's cost would grow with its size. Primary keys are not filled in.
    """
    if not rows:
        return
    model = type(rows[0])
    fields = [field for field in model._meta.local_concrete_fields if not field.primary_key]
    step = MAX_PARAMETERS // len(fields)
    for start in range(0, len(rows), step):
        _insert(rows[start : start + step], fields)


def _insert(rows: Sequence[models.Model], fields: Sequence[models.Field]) -> None:  # type: ignore[type-arg]  # of any kind
    model = type(rows[0])
    connection = connections[router.db_for_write(model)]
    ops = connection.ops
    columns = ", ".join(ops.quote_name(str(field.column)) for field in fields)
    one = "(" + ", ".join(["%s"] * len(fields)) + ")"
    sql = (
        f"{ops.insert_statement(on_conflict=OnConflict.IGNORE)} "
        f"{ops.quote_name(model._meta.db_table)} ({columns}) "
        f"VALUES {', '.join([one] * len(rows))} "
        f"{ops.on_conflict_suffix_sql(fields, OnConflict.IGNORE, [], [])}"
    )
    values = [
        field.get_db_prep_save(field.pre_save(row, True), connection)
        for row in rows
        for field in fields
    ]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
