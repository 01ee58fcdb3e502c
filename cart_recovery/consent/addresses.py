"""Which of a contact's addresses a channel uses, as the digest that consents are bound to."""

from __future__ import annotations

from cart_recovery.channels.registry import get_channel
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.models import Contact


def address_kind_of(channel: str) -> str:
    """`email` or `phone`. Raises ChannelConfigurationError for a channel that is not set up."""
    return get_channel(channel).address_kind


def digest_for(contact: Contact, address_kind: str) -> str:
    """Digest of the contact's address of this kind, or "" where there is none."""
    address = contact.address_for(address_kind)
    return address_digest(address_kind, address) if address else ""


def digest_on(contact: Contact, channel: str) -> str:
    """Digest of the address that the channel would use; "" without one or without the channel.

    Someone may say no to a channel that the shop has meanwhile removed from its settings.
    """
    try:
        return digest_for(contact, address_kind_of(channel))
    except ChannelConfigurationError:
        return ""
