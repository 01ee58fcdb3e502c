"""Emptying the database after a test quickly: only tables that hold something, and by DELETE.

Django truncates all of Oscar's 150 tables after each transactional test, and PostgreSQL makes new
files for every one of them. Content types and permissions are the same for every test and stay.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.operations import BaseDatabaseOperations

KEPT = frozenset({"django_content_type", "auth_permission"})


def install(connection: BaseDatabaseWrapper) -> None:
    """Make the connection's `flush` quick, where the database checks foreign keys at commit."""
    if connection.vendor in {"postgresql", "sqlite"}:
        connection.ops.sql_flush = _QuickFlush(connection)  # type: ignore[method-assign]  # meant


class _QuickFlush:
    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection
        self.original: Any = connection.ops.sql_flush

    def __call__(
        self, style: Any, tables: Sequence[str], *, reset_sequences: bool = False, **options: Any
    ) -> list[str]:
        if reset_sequences:
            return list(self.original(style, tables, reset_sequences=reset_sequences, **options))
        quote = self.connection.ops.quote_name
        filled = self._filled(set(tables) - KEPT)
        # the ledger's trigger lets nobody delete; TRUNCATE would pass it by, and so does this
        prefix = (
            ["SET LOCAL session_replication_role = replica;"]
            if filled and self.connection.vendor == "postgresql"
            else []
        )
        return prefix + [f"DELETE FROM {quote(table)};" for table in filled]

    def _filled(self, tables: set[str]) -> list[str]:
        ops: BaseDatabaseOperations = self.connection.ops
        questions = (
            f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {ops.quote_name(table)})"
            for table in sorted(tables)
        )
        with self.connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(questions))
            return [row[0] for row in cursor.fetchall()]
