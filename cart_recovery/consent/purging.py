"""Deleting proofs whose time is over: from the beginning of a chain on, sealed, never from within.

A proof is needed for as long as something rests on it, and for the period of limitation after its
last use (PROVIDERS.md §3: three years, §§195, 199 BGB). A record is in use until the person's next
word on the same subject; the last word of a living contact is always in use.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import connections, router, transaction
from django.db.models import F, Max, QuerySet

from cart_recovery.consent.chain import purge_seal
from cart_recovery.consent.persons import owners_of
from cart_recovery.models import (
    ConsentAction,
    ConsentChain,
    ConsentRecord,
    ConsentState,
    Contact,
    Message,
)

#: below what SQLite takes as parameters (32,766)
MAX_KEYS: Final = 30_000
FOR_EVER: Final = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a contact's chain is cut: up to and with this record."""

    contact_id: int
    length: int
    last_hash: str
    record_ids: tuple[int, ...]


def plan_cuts(contact_ids: Collection[int], before: dt.datetime) -> list[Cut]:
    """Which beginnings of these contacts' chains are no longer needed. Constant queries."""
    chains: dict[int, list[ConsentRecord]] = defaultdict(list)
    records = ConsentRecord.objects.filter(contact_id__in=contact_ids).defer("evidence")
    for record in records.order_by("sequence"):
        chains[record.contact_id].append(record)
    in_use = _in_use([record.pk for chain in chains.values() for record in chain])
    last_uses = _last_uses(chains)
    erased = _erased_before(chains, before)
    cuts = []
    for pk, chain in chains.items():
        held = set() if pk in erased else in_use
        last_use = last_uses.get(pk)
        length = _unneeded(chain, held, last_use, before)
        if length:
            end = chain[length - 1]
            gone = tuple(record.pk for record in chain[:length])
            cuts.append(Cut(pk, end.sequence, end.hash, gone))
    return cuts


def purge(contact_ids: Collection[int], before: dt.datetime, now: dt.datetime) -> int:
    """Cut off what is no longer needed of these chains; how many records. Constant statements."""
    with transaction.atomic():
        # UPDATE locks on every database: nobody writes to the chains until they are cut
        ConsentChain.objects.filter(contact_id__in=contact_ids).update(length=F("length"))
        return _cut_off(plan_cuts(contact_ids, before), now)


def _cut_off(cuts: Sequence[Cut], now: dt.datetime) -> int:
    """Seal the chains and delete what is before; how many records.

    The database lets a record go only once its chain says so, hence the order. A state of an
    erased person whose record goes is deleted with it.
    """
    if not cuts:
        return 0
    _write_seals(cuts, now)
    gone = 0
    for ids in _portions([key for cut in cuts for key in cut.record_ids]):
        ConsentState.objects.filter(record_id__in=ids).delete()
        # not by the model's own manager: that refuses to delete, as anybody but us should be refused
        records: QuerySet[ConsentRecord] = QuerySet(ConsentRecord).filter(pk__in=ids)
        gone += int(records._raw_delete(router.db_for_write(ConsentRecord)) or 0)
    return gone


def _in_use(record_ids: Sequence[int]) -> set[int]:
    """Those on which somebody's state rests. Asked by key: joined, PostgreSQL reads both tables."""
    used: set[int] = set()
    for ids in _portions(record_ids):
        states = ConsentState.objects.filter(record_id__in=ids)
        used.update(states.values_list("record_id", flat=True))
    return used


def _portions(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    """As many keys as every database takes in one statement; mostly that is all of them."""
    return (keys[start : start + MAX_KEYS] for start in range(0, len(keys), MAX_KEYS))


def _unneeded(
    chain: Sequence[ConsentRecord],
    in_use: Collection[int],
    last_use: dt.datetime | None,
    before: dt.datetime,
) -> int:
    """How many records from the beginning have been out of use since before that moment. Pure."""
    length = 0
    for end in _ends_of_use(chain, in_use, last_use):
        if end >= before:
            break
        length += 1
    return length


def _ends_of_use(
    chain: Sequence[ConsentRecord], in_use: Collection[int], last_use: dt.datetime | None
) -> list[dt.datetime]:
    """When each record was last of use: the next word on its subject ends it, and what was asked
    for is proof of the yes that followed, for as long as that is. Pure."""
    ends: list[dt.datetime] = []
    following: dict[tuple[str, str], tuple[dt.datetime, dt.datetime]] = {}
    for record in reversed(chain):
        subject = (record.channel, record.purpose)
        then, end_of_that = following.get(subject, (None, None))
        if record.pk in in_use:
            end = FOR_EVER
        elif record.action == ConsentAction.REQUESTED and end_of_that is not None:
            end = end_of_that
        else:
            end = max(record.recorded_at, then or last_use or record.recorded_at)
        following[subject] = (record.recorded_at, end)
        ends.append(end)
    return ends[::-1]


def _last_uses(contact_ids: Collection[int]) -> dict[int, dt.datetime]:
    """When somebody last wrote to the person, or deleted their data; by contact, merged ones too."""
    rows = Contact.objects.filter(pk__in=contact_ids).values_list("pk", "merged_into_id")
    people = {pk: winner or pk for pk, winner in rows}
    owners = owners_of(set(people.values()))
    last: dict[int, dt.datetime] = {}
    messages = Message.objects.filter(contact_id__in=owners).order_by().values("contact_id")
    moments = list(messages.annotate(at=Max("created_at")).values_list("contact_id", "at"))
    moments += Contact.objects.filter(pk__in=owners, erased_at__isnull=False).values_list(
        "pk", "erased_at"
    )
    for pk, moment in moments:
        person = owners[pk]
        last[person] = max(last.get(person, moment), moment)
    return {pk: last[person] for pk, person in people.items() if person in last}


def _erased_before(contact_ids: Collection[int], before: dt.datetime) -> set[int]:
    rows = Contact.objects.filter(pk__in=contact_ids, erased_at__lt=before)
    return set(rows.values_list("pk", flat=True))


def _write_seals(cuts: Sequence[Cut], now: dt.datetime) -> None:
    """One statement, sent as often as there are chains."""
    connection = connections[router.db_for_write(ConsentChain)]
    table = connection.ops.quote_name(ConsentChain._meta.db_table)
    moment = connection.ops.adapt_datetimefield_value(now)
    rows = [
        (cut.length, cut.last_hash, moment,
         purge_seal(cut.contact_id, cut.length, cut.last_hash, now), cut.contact_id)
        for cut in sorted(cuts, key=lambda cut: cut.contact_id)
    ]  # fmt: skip
    sql = (
        f"UPDATE {table} SET purged_length = %s, purged_hash = %s, purged_at = %s, "  # noqa: S608 own names only
        "purge_seal = %s WHERE contact_id = %s"
    )
    with connection.cursor() as cursor:
        cursor.executemany(sql, rows)
