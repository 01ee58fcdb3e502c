"""Two contacts that turned out to be one person become one."""

from __future__ import annotations

from typing import Any, Final

from django.db import router, transaction
from django.db.models import ManyToOneRel

from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import (
    ConsentAction,
    ConsentChain,
    ConsentRecord,
    ConsentState,
    Contact,
)

#: proofs stay with the contact that they were written for; states are weighed one by one
HANDLED_APART: Final = (ConsentRecord, ConsentChain, ConsentState)
#: what the person told us besides the addresses; the winner's own goes first
DETAILS: Final = ("language", "country", "time_zone", "preferred_channel")


def merge(winner: Contact, loser: Contact) -> Contact:
    """Give the winner all that is the loser's, and leave the loser as a tombstone.

    A constant number of statements, in one transaction. Carts, enrolments, messages, links and
    conversions move; of two consents for the same channel and purpose the later one holds (on the
    same moment the withdrawal); consent records stay where they are. An address or user that both
    have stays the winner's; the loser's is given up. Merging a contact with itself or with its own
    tombstone changes nothing. Raises ValueError where both belong to different users.
    """
    with transaction.atomic(using=router.db_for_write(Contact)):
        locked = lock(winner, loser)
        kept, gone = current(locked, winner.pk), current(locked, loser.pk)
        if kept.pk != gone.pk:
            if None not in (kept.user_id, gone.user_id) and kept.user_id != gone.user_id:
                raise ValueError("Contacts of two different users cannot be one person.")
            move_consent_states(kept, gone)
            move_rows(kept, gone)
            move_addresses(kept, gone)
    refresh(winner, kept)
    return winner if winner.pk == kept.pk else kept


def lock(*contacts: Contact) -> dict[int, Contact]:
    """Fresh rows by id, with those they were merged into; locked in the order of their ids."""
    ids = {contact.pk for contact in contacts}
    rows = Contact.objects.select_for_update().order_by("pk")
    locked = {row.pk: row for row in rows.filter(pk__in=ids)}
    further = {row.merged_into_id for row in locked.values() if row.merged_into_id} - ids
    if further:
        locked |= {row.pk: row for row in rows.filter(pk__in=further)}
    return locked


def current(locked: dict[int, Contact], pk: int) -> Contact:
    """The living contact behind an id: tombstones always point to one (see `move_rows`)."""
    contact = locked[pk]
    return locked.get(contact.merged_into_id or 0, contact)


def move_consent_states(kept: Contact, gone: Contact) -> None:
    """Of two last words the later one, on the same moment the no; of a yes at each of two addresses
    the one at the address that stays, since a later yes elsewhere takes nothing back."""
    states = ConsentState.objects.filter(contact_id__in=(kept.pk, gone.pk))
    latest: dict[tuple[str, str], ConsentState] = {}
    for state in sorted(states, key=lambda s: (s.since, s.action == ConsentAction.WITHDRAWN)):
        held = latest.get((state.channel, state.purpose))
        if held is None or not has_better_address(held, state, kept, gone):
            latest[state.channel, state.purpose] = state
    holding = {state.pk for state in latest.values()}
    ConsentState.objects.filter(pk__in={s.pk for s in states} - holding).delete()
    ConsentState.objects.filter(pk__in=holding, contact_id=gone.pk).update(contact=kept)


def has_better_address(
    held: ConsentState, later: ConsentState, kept: Contact, gone: Contact
) -> bool:
    """Whether the earlier of two yeses is the one for an address that the person keeps. Pure."""
    if {held.action, later.action} != {str(ConsentAction.GRANTED)}:
        return False
    digests = {
        address_digest(kind, address)
        for kind in ("email", "phone")
        if (address := kept.address_for(kind) or gone.address_for(kind))
    }
    return held.address_digest in digests and later.address_digest not in digests


def move_rows(kept: Contact, gone: Contact) -> None:
    """Re-point every foreign key to the loser, tombstones of earlier merges included.

    Reads the relations from the model, so that a row added later is not forgotten. None of them
    is unique by contact: an enrolment is unique by campaign and cart, which do not change.
    """
    for relation in Contact._meta.get_fields(include_hidden=True):
        if isinstance(relation, ManyToOneRel) and relation.related_model not in HANDLED_APART:
            name = relation.field.attname
            rows = relation.related_model._base_manager.filter(**{name: gone.pk})
            rows.update(**{name: kept.pk})


def move_addresses(kept: Contact, gone: Contact) -> None:
    moved: dict[str, Any] = {
        "user_id": kept.user_id or gone.user_id,
        "phone": kept.phone or gone.phone,
        **{name: getattr(kept, name) or getattr(gone, name) for name in DETAILS},
        # peace that the person asked for under either address
        "paused_until": max(filter(None, (kept.paused_until, gone.paused_until)), default=None),
    }
    if not kept.email_key:
        moved |= {"email": gone.email, "email_key": gone.email_key}
    # the loser goes first: the addresses are unique
    write(gone, user_id=None, email="", email_key=None, phone=None, merged_into_id=kept.pk)
    write(kept, **moved)


def write(contact: Contact, **values: Any) -> None:
    """Set and save fields by attribute name."""
    for name, value in values.items():
        setattr(contact, name, value)
    contact.save(update_fields=list(values))


def refresh(contact: Contact, source: Contact) -> None:
    """Bring the caller's object up to date without a query."""
    if contact.pk == source.pk:
        for field in Contact._meta.concrete_fields:
            setattr(contact, field.attname, getattr(source, field.attname))
