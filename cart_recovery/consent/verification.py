"""Whether a contact's chain of consent records is as it was written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cart_recovery.consent.chain import record_hash
from cart_recovery.consent.ledger import fold_records
from cart_recovery.models import ConsentChain, ConsentRecord, ConsentState, Contact


@dataclass(frozen=True, slots=True)
class ChainProblem:
    """`sequence` is the record's place, counted from 1; 0 where the chain as a whole is meant."""

    sequence: int
    text: str

    def __str__(self) -> str:
        return f"#{self.sequence}: {self.text}"


def verify_chain(contact: Contact) -> list[ChainProblem]:
    """What was edited, removed, reordered or does not fit the state. Empty: all is as written.

    Four queries whatever the history. Looks at the records that stand at this contact; those of
    a contact merged into it are verified there.
    """
    records = list(
        ConsentRecord.objects.filter(contact=contact).select_related("wording").order_by("sequence")
    )
    return [
        *_broken_links(records),
        *_wrong_head(contact, records),
        *_wrong_states(contact, records),
    ]


def _broken_links(records: Sequence[ConsentRecord]) -> Iterator[ChainProblem]:
    sequence, previous_hash = 0, ""
    for record in records:
        sequence += 1
        if record.sequence != sequence:
            yield ChainProblem(sequence, "a record is missing before this place")
            sequence = record.sequence
        elif record.previous_hash != previous_hash:
            yield ChainProblem(sequence, "does not follow the record before it")
        if record.hash != record_hash(record):
            yield ChainProblem(sequence, "the record or its wording was changed")
        previous_hash = record.hash


def _wrong_head(contact: Contact, records: Sequence[ConsentRecord]) -> Iterator[ChainProblem]:
    chain = ConsentChain.objects.filter(contact=contact).first()
    found = (records[-1].sequence, records[-1].hash) if records else (0, "")
    expected = (chain.length, chain.head_hash) if chain else (0, "")
    if found != expected:
        yield ChainProblem(0, "the end of the chain is not the one that was written last")


def _wrong_states(contact: Contact, records: Sequence[ConsentRecord]) -> Iterator[ChainProblem]:
    expected = fold_records(records)
    found = {
        (s.channel, s.purpose): (s.action, s.address_digest, s.since, s.record_id)
        for s in ConsentState.objects.filter(contact=contact)
    }
    for subject in sorted(expected.keys() | found.keys()):
        held = expected.get(subject)
        wanted = held and (held.action, held.address_digest, held.since, held.record_id)
        if found.get(subject) != wanted:
            name = "/".join(subject)
            yield ChainProblem(0, f"the state of {name} is not what the records add up to")
