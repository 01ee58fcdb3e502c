"""The append-only ledger of what people said yes and no to, and the state that follows from it."""

from __future__ import annotations

import datetime as dt
import functools
import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db import IntegrityError, OperationalError, connections, router, transaction
from django.db.models import F
from django.utils import timezone

from cart_recovery import signals
from cart_recovery.consent.addresses import digest_on
from cart_recovery.consent.chain import head_seal, record_hash
from cart_recovery.consent.persons import current_id, owners_of
from cart_recovery.exceptions import InvalidAddressError
from cart_recovery.models import (
    ConsentAction,
    ConsentChain,
    ConsentMethod,
    ConsentRecord,
    ConsentState,
    ConsentWording,
    Contact,
    Purpose,
)

logger = logging.getLogger(__name__)

#: (channel, purpose)
Subject = tuple[str, str]
_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds for one channel and purpose: the last word, and for which address it was meant."""

    action: str
    address_digest: str
    since: dt.datetime
    record_id: int
    method: str = ""


def record(  # noqa: PLR0913 what a proof consists of, all by keyword
    contact: Contact,
    *,
    channel: str,
    purposes: Iterable[str],
    action: str,
    source: str,
    method: str = "",
    wording: ConsentWording | None = None,
    source_url: str = "",
    evidence: str = "",
    now: dt.datetime | None = None,
) -> list[ConsentRecord]:
    """Write one record per purpose and bring the state up to date, in one transaction.

    A yes is bound to the address that `contact` carries as given: a stale object can only lead to
    no permission. A contact that was merged into another one is followed to that one. Sends
    `consent_changed` per record once committed. `method` says how a yes came about
    (ConsentMethod); whether that is a permission is the market's to say. `REQUESTED` is kept as
    proof and changes no state. Raises InvalidAddressError for a yes without an address, ValueError
    for an unknown purpose, action or method.
    """
    digest = digest_on(contact, channel)
    if action != ConsentAction.WITHDRAWN and not digest:
        raise InvalidAddressError(f"No address to bind a consent for channel {channel} to.")
    drafts = [
        ConsentRecord(
            channel=channel, purpose=Purpose(purpose), action=ConsentAction(action),
            method=ConsentMethod(method) if method else "", evidence=evidence,
            wording=wording, address_digest=digest, source=source[:64], source_url=source_url[:500],
            recorded_at=now or timezone.now(),
        )
        for purpose in dict.fromkeys(purposes)
    ]  # fmt: skip
    return _append_safely(current_id(contact.pk), drafts) if drafts else []


def fold(contact: Contact) -> dict[Subject, Standing]:
    """What the records of this person add up to, those of merged contacts included.

    The truth of which the `ConsentState` rows are the copy. Where merged contacts agreed at two
    addresses, what was said at the contact's present one goes first.
    """
    ids = owners_of([contact.pk])
    records = ConsentRecord.objects.filter(contact_id__in=ids).order_by("sequence")
    return {
        subject: choose(standing, digest_on(contact, subject[0]))
        for subject, standing in candidates(records).items()
    }


def fold_records(records: Iterable[ConsentRecord]) -> dict[Subject, Standing]:
    """Per channel and purpose the last word. Pure; wants the records of each chain in its order."""
    return {subject: choose(standing) for subject, standing in candidates(records).items()}


def candidates(records: Iterable[ConsentRecord]) -> dict[Subject, list[Standing]]:
    """Per channel and purpose what may stand, the latest last. Pure.

    Within a chain its order counts, not the clock. Between the chains of merged contacts nothing
    but the clock is left: a no holds against each yes up to its moment. More than one yes is left
    only where the contacts had different addresses: a later one takes nothing back.
    """
    chains: dict[tuple[int, Subject], Standing] = {}
    for r in records:
        if r.action == ConsentAction.REQUESTED:
            continue
        subject = (r.channel, r.purpose)
        held = Standing(str(r.action), r.address_digest, r.recorded_at, r.pk, str(r.method))
        chains[r.contact_id, subject] = held
    standing: dict[Subject, list[Standing]] = defaultdict(list)
    for (_, subject), held in sorted(chains.items(), key=lambda item: _rank(item[1])):
        if held.action == ConsentAction.WITHDRAWN:
            standing[subject] = [held]
        else:
            yeses = [h for h in standing[subject] if h.action == ConsentAction.GRANTED]
            standing[subject] = [*yeses, held]
    return dict(standing)


def choose(standing: Sequence[Standing], digest: str = "") -> Standing:
    """Of what may stand the latest at this address, else the latest."""
    here = [held for held in standing if digest and held.address_digest == digest]
    return (here or standing)[-1]


def rebuild(contact: Contact) -> None:
    """Make the person's `ConsentState` rows anew from the records."""
    contact_id = current_id(contact.pk)
    with transaction.atomic():
        _lock_chain(contact_id)
        standing = fold(Contact.objects.get(pk=contact_id))
        ConsentState.objects.filter(contact_id__in=owners_of([contact_id])).delete()
        _write_states(contact_id, standing, {})


def _rank(held: Standing) -> tuple[dt.datetime, bool]:
    return held.since, held.action == ConsentAction.WITHDRAWN


def _append_safely(contact_id: int, drafts: Sequence[ConsentRecord]) -> list[ConsentRecord]:
    """Two writers at once meet at the chain's row; whoever still collides tries again."""
    connection = connections[router.db_for_write(ConsentRecord)]
    for attempt in range(1, _ATTEMPTS + 1):
        is_outermost = not connection.in_atomic_block
        try:
            with transaction.atomic():
                return _append(contact_id, drafts)
        except (IntegrityError, OperationalError) as error:
            # a deadlock ends the caller's transaction as well: not ours to repeat
            may_repeat = is_outermost or isinstance(error, IntegrityError)
            if attempt == _ATTEMPTS or not may_repeat:
                raise
            logger.info("consent record collided, attempt %s", attempt)
    raise AssertionError("unreachable")


def _append(contact_id: int, drafts: Sequence[ConsentRecord]) -> list[ConsentRecord]:
    sequence, previous_hash = _head(contact_id, _lock_chain(contact_id))
    for draft in drafts:
        sequence += 1
        draft.contact_id, draft.sequence = contact_id, sequence
        draft.previous_hash = previous_hash
        draft.hash = previous_hash = record_hash(draft)
    records = ConsentRecord.objects.bulk_create(drafts)
    ConsentChain.objects.filter(contact_id=contact_id).update(
        length=sequence,
        head_hash=previous_hash,
        head_seal=head_seal(contact_id, sequence, previous_hash),
    )
    standing = fold_records(records)
    existing = ConsentState.objects.filter(
        contact_id=contact_id, channel=drafts[0].channel, purpose__in=[d.purpose for d in drafts]
    )
    _write_states(contact_id, standing, {(s.channel, s.purpose): s for s in existing})
    for written in records:
        _announce(written)
    return records


def _lock_chain(contact_id: int) -> ConsentChain:
    """The contact's chain row, held until the transaction ends: UPDATE locks on every database."""
    chains = ConsentChain.objects.filter(contact_id=contact_id)
    if not chains.update(length=F("length")):
        ConsentChain.objects.get_or_create(contact_id=contact_id)
        chains.update(length=F("length"))
    return chains.get()


def _head(contact_id: int, chain: ConsentChain) -> tuple[int, str]:
    """Where the chain goes on. A chain that was tampered with must still take a withdrawal."""
    last = ConsentRecord.objects.filter(contact_id=contact_id).order_by("-sequence").first()
    if last is not None and last.sequence >= chain.length:
        return last.sequence, last.hash
    return chain.length, chain.head_hash


def _write_states(
    contact_id: int, standing: Mapping[Subject, Standing], existing: Mapping[Subject, ConsentState]
) -> None:
    states = []
    for (channel, purpose), held in standing.items():
        state = existing.get((channel, purpose)) or ConsentState(
            contact_id=contact_id, channel=channel, purpose=purpose
        )
        state.action, state.address_digest = held.action, held.address_digest
        state.since, state.record_id, state.method = held.since, held.record_id, held.method
        states.append(state)
    ConsentState.objects.bulk_create([s for s in states if s.pk is None])
    ConsentState.objects.bulk_update(
        [s for s in states if s.pk is not None],
        ["action", "method", "address_digest", "since", "record"],
    )


def _announce(written: ConsentRecord) -> None:
    transaction.on_commit(
        functools.partial(
            signals.consent_changed.send_robust, sender=ConsentRecord, record=written
        ),
        robust=True,
    )
