"""From an address that somebody left to a contact, its cart, and the question for consent."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from django.contrib.auth import get_user_model

from cart_recovery.carts.tracking import touch
from cart_recovery.consent.addresses import address_kind_of
from cart_recovery.consent.opt_ins import ask
from cart_recovery.consent.throttling import seconds_to_wait
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.contacts.identities import resolve
from cart_recovery.exceptions import InvalidAddressError
from cart_recovery.models import ConsentWording, Contact
from cart_recovery.shop.customers import email_field_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Submission:
    """What somebody agreed to at a form, and where. `address` is in its one spelling."""

    form: str
    channel: str
    address: str
    wording: ConsentWording
    source: str
    source_url: str
    language: str
    country: str = ""
    user: Any = None
    basket_id: Any = None


def submit(submission: Submission) -> None:
    """Ask the address, unless it was asked too often of late. Tells nobody which it was: the same
    happens outwardly for an address that is known, unknown, blocked or tired of being asked."""
    kind = address_kind_of(submission.channel)
    digest = address_digest(kind, submission.address)
    if seconds_to_wait(submission.form, "address", digest):
        logger.info("An address was entered too often on %s.", submission.channel)
        return
    contact = _contact(submission, kind)
    if contact is None:
        logger.info("An address entered on %s belongs to nobody we may ask.", submission.channel)
        return
    touch(submission.basket_id, contact_id=contact.pk)
    try:
        ask(
            contact, channel=submission.channel, wording=submission.wording,
            source=submission.source, source_url=submission.source_url,
            language=submission.language, basket_id=submission.basket_id,
        )  # fmt: skip
    except InvalidAddressError:
        # another request took the address away in between
        logger.info("An address entered on %s is gone.", submission.channel)


def _contact(submission: Submission, kind: str) -> Contact | None:
    """The contact that has the typed address: the customer's own, else that of the address.

    A customer who types somebody else's address, or a second one of their own, does not get it
    tied to the account: only the address itself can say whose it is.
    """
    facts: dict[str, Any] = {
        "country": submission.country, "language": submission.language,
        "basket_id": submission.basket_id,
    }  # fmt: skip
    # a number may join the account; its e-mail address comes from the account alone
    phone = submission.address if kind == "phone" else ""
    user = submission.user
    if user is not None:
        email = str(getattr(user, email_field_of(get_user_model()), "") or "")
        own = resolve(user_id=user.pk, email=email, phone=phone, **facts)
        if own is not None and _has(own, kind, submission.address):
            return own
    email = "" if phone else submission.address
    contact = resolve(email=email, phone=phone, **facts)
    return contact if contact is not None and _has(contact, kind, submission.address) else None


def _has(contact: Contact, kind: str, address: str) -> bool:
    own = contact.address_for(kind)
    return bool(own) and address_digest(kind, own) == address_digest(kind, address)
