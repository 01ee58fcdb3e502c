"""People as the shop's customers: accounts, addresses, contacts, and who agreed to what."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.db import transaction
from oscar.core.loading import get_model

from cart_recovery.consent import ledger, wordings
from cart_recovery.contacts import identities
from cart_recovery.models import ConsentAction, ConsentMethod, Contact
from sandbox_shop.people import SEED, Person, people

CUSTOMERS: Final = 200
PASSWORD: Final = "kunde-12345"
STAFF_EMAIL: Final = "admin@example.com"
STAFF_PASSWORD: Final = "admin"
#: of those who can be reached by a channel, how many said yes to it
EMAIL_CONSENT_SHARE: Final = 0.62
SMS_CONSENT_SHARE: Final = 0.4


def install_staff() -> None:
    """Create the account for the admin where it is missing."""
    model = get_user_model()
    if not model.objects.filter(email=STAFF_EMAIL).exists():
        model.objects.create_superuser("admin", STAFF_EMAIL, STAFF_PASSWORD)


@transaction.atomic
def install_customers(now: dt.datetime) -> bool:
    """Create the customers where there are none; whether it did."""
    model = get_user_model()
    if model.objects.filter(is_staff=False).exists():
        return False
    persons = list(people(CUSTOMERS))
    chance = random.Random(SEED)
    # one hash for all: two hundred of them would take a minute
    password = make_password(PASSWORD)
    users = model.objects.bulk_create(_account(person, password, now, chance) for person in persons)
    _add_addresses(users, persons)
    contacts = identities.resolve_users([user.pk for user in users])
    for user, person in zip(users, persons, strict=True):
        contact = contacts[user.pk]
        # they registered long ago, before languages were noted
        Contact.objects.filter(pk=contact.pk).update(
            language=person.language, created_at=user.date_joined
        )
        _agree(contact, person, chance, user.date_joined)
    return True


def _account(person: Person, password: str, now: dt.datetime, chance: random.Random) -> Any:
    joined = now - dt.timedelta(days=chance.randint(95, 700), minutes=chance.randint(0, 1440))
    return get_user_model()(
        username=person.email.partition("@")[0], email=person.email, password=password,
        first_name=person.first_name, last_name=person.last_name, date_joined=joined,
        last_login=now - dt.timedelta(days=chance.randint(1, 90)),
    )  # fmt: skip


def _add_addresses(users: Sequence[Any], persons: Sequence[Person]) -> None:
    model = get_model("address", "UserAddress")
    addresses = []
    for user, person in zip(users, persons, strict=True):
        address = model(
            user=user, first_name=person.first_name, last_name=person.last_name,
            line1=person.street, line4=person.city, postcode=person.postcode,
            country_id=person.country, phone_number=person.phone,
            is_default_for_shipping=True, is_default_for_billing=True,
        )  # fmt: skip
        # what save() would fill in
        address._update_search_text()
        address.hash = address.generate_hash()
        addresses.append(address)
    model.objects.bulk_create(addresses)


def _agree(contact: Contact, person: Person, chance: random.Random, at: dt.datetime) -> None:
    for channel, code, share, is_reachable in (
        ("email", "registration-email", EMAIL_CONSENT_SHARE, True),
        ("sms", "checkout-sms", SMS_CONSENT_SHARE, bool(person.phone)),
    ):
        if is_reachable and chance.random() < share:
            wording = wordings.current(code, person.language)
            ledger.record(
                contact, channel=channel, purposes=wording.purposes, action=ConsentAction.GRANTED,
                method=ConsentMethod.DOUBLE, source="sandbox", wording=wording, now=at,
            )  # fmt: skip
