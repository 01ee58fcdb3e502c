"""Whether a person's chains of consent records are as they were written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cart_recovery.consent.chain import record_hash
from cart_recovery.consent.ledger import fold_records
from cart_recovery.consent.persons import owners_of
from cart_recovery.models import ConsentChain, ConsentRecord, ConsentState, Contact


@dataclass(frozen=True, slots=True)
class ChainProblem:
    """`sequence` is a record's place in the contact's chain, from 1; 0 means the whole."""

    contact_id: int
    sequence: int
    text: str

    def __str__(self) -> str:
        return f"contact {self.contact_id} #{self.sequence}: {self.text}"


def verify_chain(contact: Contact) -> list[ChainProblem]:
    """What was edited, removed, reordered or does not fit the state. Empty: all is as written.

    Covers the contact's own chain and those of contacts that were merged into it. Five queries,
    whatever the history; one more where there were merges.
    """
    ids = owners_of([contact.pk])
    chains: dict[int, list[ConsentRecord]] = defaultdict(list)
    records = ConsentRecord.objects.filter(contact_id__in=ids).select_related("wording")
    for record in records.order_by("sequence"):
        chains[record.contact_id].append(record)
    heads = {head.contact_id: head for head in ConsentChain.objects.filter(contact_id__in=ids)}
    problems: list[ChainProblem] = []
    for contact_id in sorted(ids):
        chain = chains[contact_id]
        problems += _broken_links(contact_id, chain)
        problems += _wrong_head(contact_id, chain, heads.get(contact_id))
    everything = [record for chain in chains.values() for record in chain]
    problems += _wrong_states(contact, sorted(ids), everything)
    return problems


def _broken_links(contact_id: int, chain: Sequence[ConsentRecord]) -> Iterator[ChainProblem]:
    sequence, previous_hash = 0, ""
    for record in chain:
        sequence += 1
        if record.sequence != sequence:
            text = "a record is missing before this place"
            yield ChainProblem(contact_id, record.sequence, text)
            sequence = record.sequence
        elif record.previous_hash != previous_hash:
            yield ChainProblem(contact_id, sequence, "does not follow the record before it")
        if record.hash != record_hash(record):
            yield ChainProblem(contact_id, sequence, "the record or its wording was changed")
        previous_hash = record.hash


def _wrong_head(
    contact_id: int, chain: Sequence[ConsentRecord], head: ConsentChain | None
) -> Iterator[ChainProblem]:
    found = (chain[-1].sequence, chain[-1].hash) if chain else (0, "")
    expected = (head.length, head.head_hash) if head else (0, "")
    if found != expected:
        text = "the end of the chain is not the one that was written last"
        yield ChainProblem(contact_id, 0, text)


def _wrong_states(
    contact: Contact, ids: Sequence[int], records: Sequence[ConsentRecord]
) -> Iterator[ChainProblem]:
    """A tombstone has no state: what its records say holds for the contact it was merged into."""
    is_tombstone = contact.merged_into_id is not None
    expected = {} if is_tombstone else fold_records(records)
    found = {
        (s.contact_id, s.channel, s.purpose): (
            s.action,
            s.method,
            s.address_digest,
            s.since,
            s.record_id,
        )
        for s in ConsentState.objects.filter(contact_id__in=ids)
    }
    wanted = {
        (contact.pk, *subject): (
            held.action,
            held.method,
            held.address_digest,
            held.since,
            held.record_id,
        )
        for subject, held in expected.items()
    }
    for key in sorted(wanted.keys() | found.keys()):
        if found.get(key) != wanted.get(key):
            text = f"the state of {key[1]}/{key[2]} is not what the records add up to"
            yield ChainProblem(key[0], 0, text)
