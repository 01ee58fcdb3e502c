"""The no of many people at once: a proof for each, in a constant number of statements."""

from __future__ import annotations

import datetime as dt
import functools
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from django.db import IntegrityError, connections, router, transaction
from django.db.models import F, OuterRef, QuerySet, Subquery

from cart_recovery import signals
from cart_recovery.consent.chain import head_seal, record_hash
from cart_recovery.models import ConsentAction, ConsentChain, ConsentRecord, ConsentState
from cart_recovery.models.inserts import insert_new

Head = tuple[int, str]


def withdraw_all(contact_ids: Collection[int], *, source: str, now: dt.datetime) -> int:
    """Write a withdrawal for everything that these contacts still agree to; how many records.

    The proof names the address that the yes was given for. Wants contacts that are merged into no
    other, and a transaction; their chains are locked until its end. Sends `consent_changed` per
    record once committed. Raises IntegrityError where another process wrote to a chain that has no
    row to lock yet.
    """
    granted = ConsentState.objects.filter(
        contact_id__in=contact_ids, action=ConsentAction.GRANTED
    ).order_by("contact_id", "channel", "purpose")
    drafts: dict[int, list[ConsentRecord]] = defaultdict(list)
    for state in granted:
        drafts[state.contact_id].append(
            ConsentRecord(
                contact_id=state.contact_id, channel=state.channel, purpose=state.purpose,
                action=ConsentAction.WITHDRAWN, address_digest=state.address_digest,
                source=source[:64], recorded_at=now,
            )
        )  # fmt: skip
    if not drafts:
        return 0
    heads = _lock_heads(drafts)
    ends = {pk: _chain_up(chain, heads[pk]) for pk, chain in drafts.items()}
    rows = [row for chain in drafts.values() for row in chain]
    insert_new(rows)
    _check_and_announce(rows)
    _move_heads(ends)
    _withdraw_states(drafts, now)
    return len(rows)


def _lock_heads(contact_ids: Iterable[int]) -> dict[int, Head]:
    """Where each chain goes on. A chain that was tampered with must still take a withdrawal."""
    ids = set(contact_ids)
    chains = ConsentChain.objects.filter(contact_id__in=ids)
    # UPDATE locks on every database
    if chains.update(length=F("length")) < len(ids):
        have = set(chains.values_list("contact_id", flat=True))
        insert_new([ConsentChain(contact_id=pk) for pk in sorted(ids - have)])
        chains.update(length=F("length"))
    heads = {pk: (n, end) for pk, n, end in chains.values_list("contact_id", "length", "head_hash")}
    latest = _newest(contact_id=OuterRef("contact_id"))
    last = ConsentRecord.objects.filter(
        contact_id__in=ids, sequence=Subquery(latest.values("sequence")[:1])
    )
    for pk, sequence, end in last.values_list("contact_id", "sequence", "hash"):
        if sequence >= heads[pk][0]:
            heads[pk] = (sequence, end)
    return heads


def _chain_up(rows: Iterable[ConsentRecord], head: Head) -> Head:
    sequence, previous = head
    for row in rows:
        sequence += 1
        row.sequence, row.previous_hash = sequence, previous
        row.hash = previous = record_hash(row)
    return sequence, previous


def _check_and_announce(rows: list[ConsentRecord]) -> None:
    """`insert_new` leaves out what collides: here nothing may be missing."""
    stored = ConsentRecord.objects.filter(
        contact_id__in={row.contact_id for row in rows}, hash__in=[row.hash for row in rows]
    )
    keys = {(r.contact_id, r.sequence): r.pk for r in stored.only("contact_id", "sequence")}
    for row in rows:
        row.pk = keys.get((row.contact_id, row.sequence))
        if row.pk is None:
            raise IntegrityError("Two processes wrote to one chain of consent records.")
        row._state.adding = False
        announce = functools.partial(
            signals.consent_changed.send_robust, sender=ConsentRecord, record=row
        )
        transaction.on_commit(announce, robust=True)


def _move_heads(ends: Mapping[int, Head]) -> None:
    """One statement, sent as often as there are chains."""
    connection = connections[router.db_for_write(ConsentChain)]
    table = connection.ops.quote_name(ConsentChain._meta.db_table)
    sql = f"UPDATE {table} SET length = %s, head_hash = %s, head_seal = %s WHERE contact_id = %s"  # noqa: S608 own names only
    rows = [
        (length, end, head_seal(pk, length, end), pk) for pk, (length, end) in sorted(ends.items())
    ]
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)


def _newest(**whose: OuterRef) -> QuerySet[ConsentRecord]:
    return ConsentRecord.objects.filter(**whose).order_by("-sequence")


def _withdraw_states(contact_ids: Collection[int], now: dt.datetime) -> None:
    newest = _newest(
        contact_id=OuterRef("contact_id"), channel=OuterRef("channel"), purpose=OuterRef("purpose")
    )
    ConsentState.objects.filter(
        contact_id__in=contact_ids, action=ConsentAction.GRANTED
    ).update(
        action=ConsentAction.WITHDRAWN, method="", since=now,
        record_id=Subquery(newest.values("pk")[:1]),
    )  # fmt: skip
