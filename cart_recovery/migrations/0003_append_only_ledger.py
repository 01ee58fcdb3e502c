"""The database itself refuses to change consent records, or to delete them before their time.

A record may go once its chain says that it was purged (`ConsentChain.purged_length`).

SQLite and MySQL have no TRUNCATE that passes triggers by, and `flush` (Django's own tests use it)
empties tables by DELETE. There a record may also go when none is older in the whole table: that
lets a table be emptied from its beginning, and nothing be cut out of it. What is cut off at the
beginning of a chain shows in `recovery_consent verify` on every database.
"""

from __future__ import annotations

import logging
from typing import Any

from django.db import DatabaseError, migrations

from cart_recovery.consent.chain import head_seal

logger = logging.getLogger(__name__)

RECORDS = "cart_recovery_consentrecord"
PURGED = (
    "EXISTS (SELECT 1 FROM cart_recovery_consentchain c"
    " WHERE c.contact_id = OLD.contact_id AND c.purged_length >= OLD.sequence)"
)
OLDER = f"EXISTS (SELECT 1 FROM {RECORDS} r WHERE r.id < OLD.id)"
REFUSAL = "Consent records are append-only"

INSTALL = {
    "postgresql": [
        f"""
        CREATE OR REPLACE FUNCTION cart_recovery_guard_ledger() RETURNS trigger AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND {PURGED} THEN
                RETURN OLD;
            END IF;
            RAISE EXCEPTION '{REFUSAL}' USING ERRCODE = 'integrity_constraint_violation';
        END
        $$ LANGUAGE plpgsql
        """,
        f"""
        CREATE TRIGGER cart_recovery_ledger BEFORE UPDATE OR DELETE ON {RECORDS}
        FOR EACH ROW EXECUTE FUNCTION cart_recovery_guard_ledger()
        """,
    ],
    "sqlite": [
        f"""
        CREATE TRIGGER cart_recovery_ledger_update BEFORE UPDATE ON {RECORDS}
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
        """,
        f"""
        CREATE TRIGGER cart_recovery_ledger_delete BEFORE DELETE ON {RECORDS}
        WHEN {OLDER} AND NOT {PURGED}
        BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END
        """,
    ],
    "mysql": [
        f"""
        CREATE TRIGGER cart_recovery_ledger_update BEFORE UPDATE ON {RECORDS} FOR EACH ROW
        SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{REFUSAL}'
        """,
        f"""
        CREATE TRIGGER cart_recovery_ledger_delete BEFORE DELETE ON {RECORDS} FOR EACH ROW
        BEGIN
            IF {OLDER} AND NOT {PURGED} THEN
                SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{REFUSAL}';
            END IF;
        END
        """,
    ],
}
REMOVE = {
    "postgresql": [
        f"DROP TRIGGER IF EXISTS cart_recovery_ledger ON {RECORDS}",
        "DROP FUNCTION IF EXISTS cart_recovery_guard_ledger()",
    ],
    "sqlite": [
        "DROP TRIGGER IF EXISTS cart_recovery_ledger_update",
        "DROP TRIGGER IF EXISTS cart_recovery_ledger_delete",
    ],
    "mysql": [
        "DROP TRIGGER IF EXISTS cart_recovery_ledger_update",
        "DROP TRIGGER IF EXISTS cart_recovery_ledger_delete",
    ],
}


def seal_heads(apps: Any, schema_editor: Any) -> None:
    """Chains from before seals: take their ends for what they are."""
    chains = apps.get_model("cart_recovery", "ConsentChain").objects.using(
        schema_editor.connection.alias
    )
    for chain in chains.filter(head_seal="").iterator():
        seal = head_seal(chain.contact_id, chain.length, chain.head_hash)
        chains.filter(pk=chain.pk).update(head_seal=seal)


def install(apps: Any, schema_editor: Any) -> None:
    remove(apps, schema_editor)
    connection = schema_editor.connection
    try:
        for statement in INSTALL.get(connection.vendor, []):
            # not by schema_editor.execute: a percent sign or parameter has no business here
            with connection.cursor() as cursor:
                cursor.execute(statement)
    except DatabaseError:
        if connection.vendor != "mysql":
            raise
        # with a binary log only a privileged account may make triggers; the ORM and the chain of
        # checksums guard the records all the same
        logger.warning("This account may not make triggers: consent records are not guarded by one")


def remove(apps: Any, schema_editor: Any) -> None:
    for statement in REMOVE.get(schema_editor.connection.vendor, []):
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("cart_recovery", "0002_consent_and_privacy")]
    operations = [
        migrations.RunPython(seal_heads, migrations.RunPython.noop),
        migrations.RunPython(install, remove),
    ]
