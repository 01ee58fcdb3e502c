"""Whether a person's chains of consent records are as they were written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cart_recovery.consent.chain import is_end_sealed, is_sealed, record_hash
from cart_recovery.consent.ledger import Standing, candidates
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
    return verify_chains([contact])


def verify_chains(contacts: Sequence[Contact]) -> list[ChainProblem]:
    """The same for many, in the same number of queries. Records that were purged when the period
    for keeping proofs was over are no problem where the seal of the purge is ours."""
    owners = owners_of([contact.pk for contact in contacts])
    chains: dict[int, list[ConsentRecord]] = defaultdict(list)
    records = ConsentRecord.objects.filter(contact_id__in=owners).select_related("wording")
    for record in records.order_by("sequence"):
        chains[record.contact_id].append(record)
    heads = {head.contact_id: head for head in ConsentChain.objects.filter(contact_id__in=owners)}
    states: dict[int, list[ConsentState]] = defaultdict(list)
    for state in ConsentState.objects.filter(contact_id__in=owners):
        states[owners[state.contact_id]].append(state)
    problems: list[ChainProblem] = []
    for contact in contacts:
        ids = sorted(pk for pk, owner in owners.items() if owner == contact.pk)
        for pk in ids:
            head = heads.get(pk) or ConsentChain(contact_id=pk)
            problems += _wrong_purge(head)
            problems += _broken_links(head, chains[pk])
            problems += _wrong_head(head, chains[pk])
        everything = [record for pk in ids for record in chains[pk]]
        problems += _wrong_states(contact, states[contact.pk], everything)
    return problems


def _wrong_purge(head: ConsentChain) -> Iterator[ChainProblem]:
    if not is_sealed(head):
        text = "records before this place were removed, and not by the app"
        yield ChainProblem(head.contact_id, head.purged_length, text)


def _broken_links(head: ConsentChain, chain: Sequence[ConsentRecord]) -> Iterator[ChainProblem]:
    contact_id = head.contact_id
    sequence, previous_hash = head.purged_length, head.purged_hash
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


def _wrong_head(head: ConsentChain, chain: Sequence[ConsentRecord]) -> Iterator[ChainProblem]:
    rest = (head.purged_length, head.purged_hash)
    found = (chain[-1].sequence, chain[-1].hash) if chain else rest
    if found != (head.length, head.head_hash) or not is_end_sealed(head):
        text = "the end of the chain is not the one that was written last"
        yield ChainProblem(head.contact_id, 0, text)


def _wrong_states(
    contact: Contact, states: Sequence[ConsentState], records: Sequence[ConsentRecord]
) -> Iterator[ChainProblem]:
    """A tombstone has no state: what its records say holds for the contact it was merged into.

    Of several words that may stand the state keeps one, whichever address was the present one then.
    """
    is_tombstone = contact.merged_into_id is not None
    wanted = {} if is_tombstone else candidates(records)
    found = {(s.channel, s.purpose): s for s in states if s.contact_id == contact.pk}
    strays = [s for s in states if s.contact_id != contact.pk]
    for subject in sorted(wanted.keys() | found.keys()):
        state = found.get(subject)
        if state is None or _standing_of(state) not in wanted.get(subject, ()):
            text = f"the state of {subject[0]}/{subject[1]} is not what the records add up to"
            yield ChainProblem(contact.pk, 0, text)
    for state in strays:
        text = f"there is a state of {state.channel}/{state.purpose} with a merged contact"
        yield ChainProblem(state.contact_id, 0, text)


def _standing_of(state: ConsentState) -> Standing:
    return Standing(state.action, state.address_digest, state.since, state.record_id, state.method)
