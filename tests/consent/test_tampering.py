"""The ledger detects any edited, removed or reordered row: also after merges and purges."""

from __future__ import annotations

import datetime as dt
import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import DatabaseError, connection, models, transaction
from django.test import override_settings

from cart_recovery.consent import purging
from cart_recovery.consent.chain import purge_seal, record_hash
from cart_recovery.consent.verification import verify_chain
from cart_recovery.consent.wordings import publish
from cart_recovery.contacts.identities import merge
from cart_recovery.models import (
    ConsentChain,
    ConsentMethod,
    ConsentRecord,
    ConsentState,
    ConsentWording,
    Contact,
)
from tests.consent.words import say
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

LONG_AGO = dt.datetime(2020, 1, 1, 12, tzinfo=dt.UTC)
NOW = dt.datetime(2026, 11, 20, 12, tzinfo=dt.UTC)
FIELDS = [f.attname for f in ConsentRecord._meta.concrete_fields if not f.primary_key]

#: the tables as someone with SQL rights sees them, past our own guards
records = models.QuerySet(ConsentRecord)
wordings = models.QuerySet(ConsentWording)


def make_history(phone: str = "+4915112345678") -> Contact:
    """Seven records: three that were superseded long ago, two yeses by e-mail, one by SMS with its
    first half."""
    contact = make_contact(phone=phone)
    wording = publish(
        f"box-{contact.pk}", "de", channel="email", purposes=["promotion"], text="Ja, gern."
    )
    for days, action, purposes in (
        (0, "granted", ("cart_reminder", "promotion")),
        (1, "withdrawn", ("cart_reminder",)),
        (2, "granted", ("cart_reminder",)),
        (3, "granted", ("promotion",)),
    ):
        say(
            contact, action, purposes=purposes, wording=wording, method=ConsentMethod.SINGLE,
            source_url="https://shop.example/", now=LONG_AGO + dt.timedelta(days=days),
        )  # fmt: skip
    say(contact, "requested", channel="sms", now=NOW)
    say(
        contact, "granted", channel="sms", method=ConsentMethod.DOUBLE, evidence="JA",
        now=NOW + dt.timedelta(minutes=1),
    )  # fmt: skip
    return contact


def plain() -> tuple[Contact, Contact]:
    contact = make_history()
    return contact, contact


def merged() -> tuple[Contact, Contact]:
    """The chain that is tampered with is a tombstone's; the living contact is the one verified."""
    winner, loser = make_contact(), make_history()
    say(winner, "granted", purposes=("promotion",), now=NOW)
    merge(winner, loser)
    return Contact.objects.get(pk=winner.pk), Contact.objects.get(pk=loser.pk)


def purged() -> tuple[Contact, Contact]:
    return _purge(plain())


def merged_and_purged() -> tuple[Contact, Contact]:
    return _purge(merged())


def _purge(pair: tuple[Contact, Contact]) -> tuple[Contact, Contact]:
    owners = {contact.pk for contact in pair}
    assert purging.purge(owners, NOW - dt.timedelta(days=3 * 365), NOW) == 3
    return pair


SETUPS = [plain, merged, purged, merged_and_purged]


def _other_value(field: str, record: ConsentRecord, other: Contact) -> Any:
    """Another value that the column takes."""
    value = getattr(record, field)
    if field == "contact_id":
        return other.pk
    if field == "wording_id":
        return None
    if field == "purpose":
        return "review_request"
    if field == "sequence":
        return 99
    if isinstance(value, dt.datetime):
        return value + dt.timedelta(microseconds=1)
    return "x" if value != "x" else "y"


def _chain(contact: Contact) -> list[ConsentRecord]:
    return list(records.filter(contact=contact).order_by("sequence"))


def _remove(record: ConsentRecord) -> None:
    models.QuerySet(ConsentState).filter(record=record).delete()
    row = records.filter(pk=record.pk)
    row._raw_delete(row.db)


def _head(contact: Contact, **values: Any) -> None:
    ConsentChain.objects.filter(contact=contact).update(**values)


def remove_one(contact: Contact) -> None:
    _remove(_chain(contact)[1])


def remove_the_first(contact: Contact) -> None:
    _remove(_chain(contact)[0])


def cut_the_end(contact: Contact) -> None:
    _remove(_chain(contact)[-1])


def cut_the_end_and_lower_the_head(contact: Contact) -> None:
    """All that is left shows nothing: but the state of the person, which is lost with its record."""
    *_, last = _chain(contact)
    _remove(last)
    _head(contact, length=last.sequence - 1)


def cut_the_end_without_a_trace(contact: Contact) -> None:
    """Record and state are gone, and the head says what it said before that record."""
    *_, before, last = _chain(contact)
    _remove(last)
    _head(contact, length=before.sequence, head_hash=before.hash)


def swap_two(contact: Contact) -> None:
    one, two = _chain(contact)[1:3]
    records.filter(pk=one.pk).update(sequence=99)
    records.filter(pk=two.pk).update(sequence=one.sequence)
    records.filter(pk=one.pk).update(sequence=two.sequence)


def insert_one(contact: Contact) -> None:
    """At the end, as the app would, but without its key."""
    last = _chain(contact)[-1]
    forged = ConsentRecord(
        contact=contact, sequence=last.sequence + 1, channel="email", purpose="review_request",
        action="granted", source="box", address_digest=last.address_digest, recorded_at=NOW,
        previous_hash=last.hash,
    )  # fmt: skip
    with override_settings(CART_RECOVERY={"ADDRESS_HASH_KEY": "a forger's guess"}):
        forged.hash = record_hash(forged)
    forged.save()
    _head(contact, length=forged.sequence, head_hash=forged.hash)


def hash_all_anew(contact: Contact) -> None:
    previous = _chain(contact)[0].previous_hash
    with override_settings(CART_RECOVERY={"ADDRESS_HASH_KEY": "a forger's guess"}):
        for record in _chain(contact):
            record.source, record.previous_hash = "elsewhere", previous
            previous = record_hash(record)
            records.filter(pk=record.pk).update(
                source="elsewhere", previous_hash=record.previous_hash, hash=previous
            )
    _head(contact, head_hash=previous)


def rewrite_the_wording(contact: Contact) -> None:
    wordings.filter(pk=_chain(contact)[0].wording_id).update(text="Ja, auch an alle Partner.")


def cut_the_beginning_as_if_purged(contact: Contact) -> None:
    """The head says that it was a purge; whoever cut cannot make the seal."""
    first = _chain(contact)[0]
    _head(
        contact, purged_length=first.sequence, purged_hash=first.hash, purged_at=NOW,
        purge_seal="f" * 64,
    )  # fmt: skip
    _remove(first)


def cut_the_beginning_with_the_wrong_key(contact: Contact) -> None:
    first = _chain(contact)[0]
    with override_settings(CART_RECOVERY={"ADDRESS_HASH_KEY": "a forger's guess"}):
        seal = purge_seal(contact.pk, first.sequence, first.hash, NOW)
    _head(
        contact, purged_length=first.sequence, purged_hash=first.hash, purged_at=NOW,
        purge_seal=seal,
    )  # fmt: skip
    _remove(first)


def date_the_purge_back(contact: Contact) -> None:
    """Where there was none: make one up."""
    _head(contact, purged_at=LONG_AGO)


def take_a_foreign_seal(contact: Contact) -> None:
    """A seal that the app did make: for another person."""
    other = make_history(phone="+4915112345679")
    purging.purge([other.pk], NOW - dt.timedelta(days=3 * 365), NOW)
    chain = ConsentChain.objects.get(contact=other)
    _head(
        contact, purged_length=chain.purged_length, purged_hash=chain.purged_hash,
        purged_at=chain.purged_at, purge_seal=chain.purge_seal,
    )  # fmt: skip


ATTACKS = [
    remove_one, remove_the_first, cut_the_end, cut_the_end_and_lower_the_head,
    cut_the_end_without_a_trace, swap_two, insert_one,
    hash_all_anew, rewrite_the_wording, cut_the_beginning_as_if_purged,
    cut_the_beginning_with_the_wrong_key, date_the_purge_back, take_a_foreign_seal,
]  # fmt: skip


@pytest.mark.parametrize("setup", SETUPS)
def test_an_untouched_chain_verifies(setup: Callable[[], tuple[Contact, Contact]]) -> None:
    for contact in setup():
        assert verify_chain(contact) == []


@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("field", FIELDS)
def test_an_edited_field_is_found(setup: Callable[[], tuple[Contact, Contact]], field: str) -> None:
    contact, owner = setup()
    record = _chain(owner)[-1 if field in ("evidence", "method") else 1]
    other = make_contact()
    records.filter(pk=record.pk).update(**{field: _other_value(field, record, other)})
    assert verify_chain(contact)


@pytest.mark.usefixtures("unguarded")
@pytest.mark.parametrize("setup", SETUPS)
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_found(
    setup: Callable[[], tuple[Contact, Contact]], attack: Callable[[Contact], None]
) -> None:
    contact, owner = setup()
    attack(owner)
    assert verify_chain(contact)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cart_recovery_consentrecord SET action = 'granted' WHERE id = %s",
        "UPDATE cart_recovery_consentrecord SET evidence = 'x' WHERE id = %s",
        "DELETE FROM cart_recovery_consentrecord WHERE id = %s",
    ],
)
def test_the_database_itself_refuses_to_change_a_record(statement: str) -> None:
    contact = make_history()
    ConsentState.objects.all().delete()
    key = _chain(contact)[3].pk
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement, [key])
    assert len(_chain(contact)) == 7


def test_the_database_lets_go_only_what_the_chain_says_was_purged() -> None:
    contact, _owner = purged()
    assert [r.sequence for r in _chain(contact)] == [4, 5, 6, 7]
    with pytest.raises(DatabaseError), transaction.atomic():
        _remove(_chain(contact)[1])


def test_chains_from_before_seals_get_one_when_the_app_is_updated() -> None:
    contact = make_history()
    _head(contact, head_seal="")
    assert verify_chain(contact)
    migration = importlib.import_module("cart_recovery.migrations.0003_append_only_ledger")
    migration.seal_heads(apps, SimpleNamespace(connection=connection))
    assert verify_chain(contact) == []
