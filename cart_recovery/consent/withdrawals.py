"""Taking a permission back: at once, in the transaction at hand, and never refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from django.db import transaction

from cart_recovery.conf import conf
from cart_recovery.consent import opt_ins, permissions
from cart_recovery.consent.ledger import record
from cart_recovery.consent.persons import current_id, lock_person
from cart_recovery.consent.suppression import suppress
from cart_recovery.contacts.identities import find_by_address
from cart_recovery.models import ConsentAction, ConsentRecord, Contact, Purpose
from cart_recovery.provider_events import SuppressionReason

#: what needs a yes; messages about an order are owed, not advertised
ADVERTISING: Final[tuple[str, ...]] = tuple(p for p in Purpose if p != Purpose.ORDER_STATUS)


def withdraw(
    contact: Contact,
    *,
    channel: str,
    purposes: Iterable[str] | None = None,
    source: str,
    source_url: str = "",
) -> list[ConsentRecord]:
    """Record the no for these purposes (None: all) and return the new records.

    Saying no again writes nothing. A double opt-in that waits to be confirmed ends with it.
    Delivery reads permissions again right before the provider call, so this holds for messages
    that are already claimed, too.
    """
    wanted = tuple(Purpose) if purposes is None else tuple(purposes)
    with transaction.atomic():
        person = lock_person(contact.pk)
        opt_ins.cancel(person, channel=channel, purposes=wanted)
        standing = permissions.load([person])
        return record(
            contact,
            channel=channel,
            purposes=[p for p in wanted if not standing.is_withdrawn(person, channel, p)],
            action=ConsentAction.WITHDRAWN,
            source=source,
            source_url=source_url,
        )


def withdraw_everywhere(
    contact: Contact,
    *,
    purposes: Iterable[str] | None = None,
    source: str,
    source_url: str = "",
) -> list[ConsentRecord]:
    """`withdraw` on every channel that is set up or that the person ever had a say on."""
    wanted = None if purposes is None else tuple(purposes)
    written: list[ConsentRecord] = []
    with transaction.atomic():
        for channel in _channels_of(contact):
            written += withdraw(
                contact, channel=channel, purposes=wanted, source=source, source_url=source_url
            )
    return written


def withdraw_by_address(
    channel: str,
    address_kind: str,
    address: str,
    *,
    source: str,
    reason: SuppressionReason = SuppressionReason.STOP_REPLY,
) -> list[ConsentRecord]:
    """Block the address on the channel and withdraw whoever has it, known or not.

    Raises InvalidAddressError for what is no address.
    """
    with transaction.atomic():
        suppress(channel, address_kind, address, reason=reason, source=source)
        contact = find_by_address(address_kind, address)
        return [] if contact is None else withdraw(contact, channel=channel, source=source)


def _channels_of(contact: Contact) -> list[str]:
    standing = permissions.load([current_id(contact.pk)])
    return sorted({*conf.CHANNELS, *(channel for _, channel, _ in standing.positions)})
