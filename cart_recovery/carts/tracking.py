"""Tracking: one indexed statement per basket change, inside the shop's own transaction.

Why at once and not on commit: a statement after the commit needs a commit of its own, which costs
several times as much as the statement. Why SQL and not the ORM: building the upsert costs more than
running it.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.utils import timezone, translation

from cart_recovery.carts import requests
from cart_recovery.carts.guarding import database, guarded
from cart_recovery.models import CartStage, Contact, TrackedCart
from cart_recovery.shop.baskets import LIVE_STATUSES

#: What new activity does to a cart that is known. It comes back to life, save one that was ordered:
#: whatever happens to that basket, nobody is reminded of what they bought. The checkout stage is
#: kept until the cart is closed. A cart is a machine's only as long as no human touched it, so that
#: a scanner cannot silence a shopper's cart. In this order: MySQL sees what it has just assigned.
ON_CONFLICT: Final = (
    "last_activity_at = %s",
    "language = COALESCE(NULLIF(%s, ''), {cart}.language)",
    "is_machine = ({cart}.is_machine AND %s)",
    "stage = CASE WHEN {cart}.stage = 'checkout' AND {cart}.state IN"
    " ('active', 'abandoned', 'ordered') THEN {cart}.stage ELSE %s END",
    "state_reason = CASE WHEN {cart}.state = 'ordered' THEN {cart}.state_reason ELSE '' END",
    "closed_at = CASE WHEN {cart}.state = 'ordered' THEN {cart}.closed_at ELSE NULL END",
    "state = CASE WHEN {cart}.state = 'ordered' THEN {cart}.state ELSE 'active' END",
)
SAVEPOINT: Final = "cart_recovery_touch"
#: libpq's status of a transaction that refuses every further statement
TRANSACTION_IN_ERROR: Final = 3


class Marker:
    """Tells whether the transaction in which it was made has come through."""

    __slots__ = ("is_committed",)

    def __init__(self) -> None:
        self.is_committed = False

    def __call__(self) -> None:
        self.is_committed = True

    def is_standing(self, connection: BaseDatabaseWrapper) -> bool:
        """Whether what was written beside this marker is committed, or will be with the rest.

        Django forgets the commit hooks of a savepoint or transaction that is rolled back.
        """
        return self.is_committed or any(hook[1] is self for hook in connection.run_on_commit)


@dataclass(frozen=True, slots=True)
class Touch:
    """One thing to write down: somebody is busy with this basket."""

    basket_id: Any
    stage: str
    contact_id: Any | None
    language: str
    is_machine: bool
    #: False where nobody knows: then a cart that was a machine's stays one
    is_kind_known: bool
    at: dt.datetime
    marker: Marker = field(default_factory=Marker)

    def covers(self, later: Touch) -> bool:
        """Whether a later touch of the same basket in the same request would say nothing new."""
        is_stage_covered = self.stage in (later.stage, CartStage.CHECKOUT)
        return is_stage_covered and later.contact_id in (None, self.contact_id)


@guarded
def touch(  # noqa: PLR0913 one argument per column, all by name
    basket_id: Any,
    *,
    stage: str = CartStage.BASKET,
    contact_id: Any | None = None,
    language: str = "",
    is_machine: bool = False,
    now: dt.datetime | None = None,
) -> None:
    """Write down that somebody is busy with a basket: make or wake its tracked cart. Never raises.

    Baskets that are neither open nor frozen, or gone, are left alone. Within a request, a touch
    that would say nothing new is left out. In a request the language is the active one, and the
    user agent tells machines; a call from outside says what it knows.
    """
    if basket_id is None:
        return
    context = requests.current()
    made = Touch(
        basket_id=basket_id,
        stage=str(stage),
        contact_id=contact_id,
        language=language or (context and translation.get_language()) or "",
        is_machine=is_machine or bool(context and context.is_machine),
        is_kind_known=is_machine or context is not None,
        at=now or timezone.now(),
    )
    connection = connections[database()]
    earlier = context.touched.get(basket_id) if context else None
    if earlier and earlier.covers(made) and earlier.marker.is_standing(connection):
        return
    write(connection, made)
    if context is not None and watch(made.marker, connection):
        context.touched[basket_id] = made


def watch(marker: Marker, connection: BaseDatabaseWrapper) -> bool:
    """Let a marker know of the commit; False where nobody can know, since Django has no part in it."""
    if not (connection.in_atomic_block or connection.get_autocommit()):
        return False
    transaction.on_commit(marker, using=connection.alias)
    return True


def write(connection: BaseDatabaseWrapper, made: Touch) -> None:
    """Send the upsert of a cart."""
    sql = upsert_sql(connection.alias, with_contact=made.contact_id is not None)
    send(connection, sql, upsert_params(connection, made))


def send(connection: BaseDatabaseWrapper, sql: str, params: list[Any]) -> None:
    """Run one statement such that its failure cannot end the shop's transaction."""
    is_in_transaction = connection.in_atomic_block or not connection.get_autocommit()
    if connection.vendor != "postgresql" or not is_in_transaction:
        # SQLite and MySQL undo a failed statement alone, and plain cursors set no `needs_rollback`
        execute(connection, sql, params)
    elif getattr(connection.features, "uses_server_side_binding", False):
        # the extended protocol takes one statement at a time
        with transaction.atomic(using=connection.alias):
            execute(connection, sql, params)
    else:
        write_behind_savepoint(connection, sql, params)


def write_behind_savepoint(connection: BaseDatabaseWrapper, sql: str, params: list[Any]) -> None:
    """Savepoint, statement and release in one round trip; back to the savepoint after an error."""
    script = f"SAVEPOINT {SAVEPOINT}; {sql}; RELEASE SAVEPOINT {SAVEPOINT}"
    try:
        execute(connection, script, params)
    except Exception:
        # an error on our side of the wire leaves no savepoint behind: asking for it would do harm
        raw = connection.connection
        if raw is not None and raw.info.transaction_status == TRANSACTION_IN_ERROR:
            execute(
                connection, f"ROLLBACK TO SAVEPOINT {SAVEPOINT}; RELEASE SAVEPOINT {SAVEPOINT}", []
            )
        raise


def execute(connection: BaseDatabaseWrapper, sql: str, params: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params or None)


def upsert_params(connection: BaseDatabaseWrapper, made: Touch) -> list[Any]:
    """Parameters in the order of `upsert_sql`."""
    at = connection.ops.adapt_datetimefield_value(made.at)
    language = made.language[:16]
    contact = [] if made.contact_id is None else [made.contact_id]
    key = TrackedCart._meta.get_field("basket").get_db_prep_value(made.basket_id, connection)
    may_stay_machine = made.is_machine or not made.is_kind_known
    return [
        made.stage, language, made.is_machine, at, at, *contact, key, *LIVE_STATUSES,
        at, language, may_stay_machine, made.stage, *contact,
    ]  # fmt: skip


@cache
def upsert_sql(alias: str, *, with_contact: bool) -> str:
    """The one statement. It reads the basket's row by its key, which

    - leaves alone what is saved for later, merged, ordered or gone, whatever the caller believed;
    - cannot leave a foreign key dangling, which would fail the shop's commit.

    A contact that was merged into another one is followed to that one.
    """
    connection = connections[alias]
    quote = connection.ops.quote_name
    basket: Any = TrackedCart._meta.get_field("basket").related_model._meta
    table, contacts = quote(TrackedCart._meta.db_table), quote(Contact._meta.db_table)
    basket_table, basket_key = quote(basket.db_table), quote(basket.pk.column)
    status = quote(basket.get_field("status").column)
    contact = f"(SELECT COALESCE(c.merged_into_id, c.id) FROM {contacts} c WHERE c.id = %s)"  # noqa: S608 as below
    columns = "basket_id, state, stage, language, is_machine, created_at, last_activity_at"
    values = f"b.{basket_key}, 'active', %s, %s, %s, %s, %s"
    assignments = ", ".join(line.format(cart=table) for line in ON_CONFLICT)
    if with_contact:
        columns += ", contact_id"
        values += f", {contact}"
        assignments += f", contact_id = COALESCE({contact}, {table}.contact_id)"
    conflict = "ON CONFLICT (basket_id) DO UPDATE SET"
    if connection.vendor == "mysql":
        conflict = "ON DUPLICATE KEY UPDATE"
    return (
        f"INSERT INTO {table} ({columns}) SELECT {values}"  # noqa: S608 only names; values go apart
        f" FROM {basket_table} b WHERE b.{basket_key} = %s AND b.{status} IN (%s, %s)"
        f" {conflict} {assignments}"
    )
