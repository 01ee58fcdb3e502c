"""The proof of a person's consents (GDPR Art. 7(1)), as a page to print or to hand to a court."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cart_recovery.channels.names import channel_name
from cart_recovery.consent.verification import ChainProblem, verify_chain
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import (
    ConsentAction,
    ConsentChain,
    ConsentRecord,
    Contact,
)
from cart_recovery.privacy.subjects import subject_of


@dataclass(frozen=True, slots=True)
class ProvedRecord:
    """One record in words. `requested_at` is the first half of a double opt-in; `address` is "" where
    only its checksum is known, which does not tell the address."""

    record: ConsentRecord
    channel: str
    requested_at: dt.datetime | None
    address: str
    is_typed: bool


@dataclass(frozen=True, slots=True)
class Proof:
    """All that is on record, over merged contacts. `purged` lists chains whose beginning was deleted
    after the period for keeping proofs; `problems` is what the check of the chain found."""

    contact: Contact
    records: list[ProvedRecord]
    purged: list[ConsentChain]
    problems: list[ChainProblem]
    #: whether the address that was typed in is that of any record; None: none was typed in
    is_typed_known: bool | None


def proof_of(contact: Contact, *, typed: str = "") -> Proof:
    """The proof for a contact. `typed` is an address to try: whoever claims one, it is this person's
    if its checksum stands in a record. Constant queries."""
    subject = subject_of(contact)
    records = list(
        ConsentRecord.objects.filter(contact_id__in=subject.ids)
        .select_related("wording")
        .order_by("recorded_at", "contact_id", "sequence")
    )
    known = {address_digest(_kind(a), a): a for a in subject.addresses}
    tried = {address_digest(kind, typed) for kind in ("email", "phone")} if typed.strip() else set()
    return Proof(
        contact=contact,
        records=_proved(records, known, tried, typed.strip()),
        purged=list(ConsentChain.objects.filter(contact_id__in=subject.ids, purged_length__gt=0)),
        problems=verify_chain(contact),
        is_typed_known=any(r.address_digest in tried for r in records) if tried else None,
    )


def _proved(
    records: Sequence[ConsentRecord], known: Mapping[str, str], tried: set[str], typed: str
) -> list[ProvedRecord]:
    requested: dict[tuple[int, str, str], dt.datetime] = {}
    found = []
    for record in records:
        subject = (record.contact_id, record.channel, record.purpose)
        if record.action == ConsentAction.REQUESTED:
            requested[subject] = record.recorded_at
        is_typed = record.address_digest in tried
        asked = requested.pop(subject, None) if record.action == ConsentAction.GRANTED else None
        found.append(
            ProvedRecord(
                record, channel_name(record.channel), asked,
                typed if is_typed else known.get(record.address_digest, ""), is_typed,
            )
        )  # fmt: skip
    return found


def _kind(address: str) -> str:
    return "email" if "@" in address else "phone"
