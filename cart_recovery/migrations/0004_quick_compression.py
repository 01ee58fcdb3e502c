"""PostgreSQL packs the texts of messages with lz4: its older method takes longer than the insert."""

from __future__ import annotations

import logging
from typing import Any

from django.db import DatabaseError, migrations, transaction

logger = logging.getLogger(__name__)

COLUMNS = ("html", "text")


def compress(apps: Any, schema_editor: Any, method: str = "lz4") -> None:
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    changes = ", ".join(f"ALTER COLUMN {column} SET COMPRESSION {method}" for column in COLUMNS)
    try:
        with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE cart_recovery_message {changes}")  # noqa: S608 own names only
    except DatabaseError:
        # older than PostgreSQL 14, or built without lz4: slower, and otherwise the same
        logger.info("PostgreSQL without lz4: messages are packed by its older method")


def back(apps: Any, schema_editor: Any) -> None:
    compress(apps, schema_editor, "default")


class Migration(migrations.Migration):
    dependencies = [("cart_recovery", "0003_append_only_ledger")]
    operations = [migrations.RunPython(compress, back)]
