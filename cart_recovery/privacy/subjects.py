"""Whom a request is about: one person over all contacts that were merged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from cart_recovery.consent.persons import current_id, owners_of
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import Contact, Message, WebhookMention


@dataclass(frozen=True, slots=True)
class Subject:
    """The rows of one person. `digests` are of the addresses that they have or were written to."""

    ids: tuple[int, ...]
    addresses: frozenset[str]
    phones: frozenset[str]
    digests: frozenset[str]

    def webhook_ids(self) -> QuerySet[Any, Any]:
        mentions = WebhookMention.objects.filter(address_digest__in=self.digests)
        return mentions.values("webhook_id")


def subject_of(contact: Contact) -> Subject:
    """The person behind a contact or its tombstone. Five queries, one more per level of merges."""
    ids = tuple(sorted(owners_of([current_id(contact.pk)])))
    contacts = list(Contact.objects.filter(pk__in=ids))
    emails = {c.email for c in contacts} - {""}
    phones = {c.address_for("phone") for c in contacts} - {""}
    written = Message.objects.filter(contact__in=ids).exclude(address_digest="").order_by()
    digests = set(written.values_list("address_digest", flat=True).distinct())
    digests |= {address_digest("email", address) for address in emails}
    digests |= {address_digest("phone", number) for number in phones}
    return Subject(ids, frozenset(emails | phones), frozenset(phones), frozenset(digests))
