"""Deleting what is known of a person: GDPR Art. 17 and 21, PROVIDERS.md §3."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cart_recovery import models
from cart_recovery.consent.suppression import suppressed
from cart_recovery.consent.verification import verify_chain
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.contacts.identities import merge
from cart_recovery.privacy.erasure import erase
from tests.factories import make_consent, make_contact
from tests.privacy.people import EMAIL, PHONE, SPELLINGS, make_known_person, traces

pytestmark = pytest.mark.django_db


def test_nothing_can_be_found_of_the_person_afterwards() -> None:
    contact = make_known_person()
    assert traces()
    report = erase([contact], source="test", now=timezone.now())
    assert traces() == []
    assert (report.contacts, report.messages, report.carts, report.conversions) == (1, 2, 1, 1)
    assert (report.webhooks, report.replies, report.links) == (1, 2, 1)


def test_proof_stays_and_ends_with_a_withdrawal() -> None:
    contact = make_known_person()
    erase([contact], source="test", now=timezone.now())
    contact.refresh_from_db()
    records = list(contact.consent_records.order_by("sequence"))
    assert [(r.channel, r.action, r.source) for r in records] == [
        ("email", "granted", "test"), ("sms", "granted", "test"),
        ("email", "withdrawn", "erasure_test"), ("sms", "withdrawn", "erasure_test"),
    ]  # fmt: skip
    assert verify_chain(contact) == []


def test_addresses_stay_blocked() -> None:
    erase([make_known_person()], source="test", now=timezone.now())
    email = ("email", address_digest("email", EMAIL))
    phone = ("sms", address_digest("phone", PHONE))
    assert suppressed([email, phone]) == {email, phone}
    assert set(models.Suppression.objects.values_list("reason", flat=True)) == {"erased"}


def test_erasing_again_changes_nothing() -> None:
    contact = make_known_person()
    erase([contact], source="test", now=timezone.now())
    before = _rows()
    report = erase([contact], source="test", now=timezone.now())
    assert report.contacts == 0
    assert _rows() == before


def test_strangers_rows_stay_as_they_are() -> None:
    other = make_consent(make_contact("anders@example.de", phone="+4915187654321"), "email")
    stranger = make_known_person(email="fremd@example.de", phone="+4915112121212")
    before = _rows(contact=stranger)
    erase([make_known_person()], source="test", now=timezone.now())
    assert _rows(contact=stranger) == before
    other.refresh_from_db()
    assert other.email == "anders@example.de"


def _rows(contact: Any = None) -> dict[str, list[Any]]:
    found = {}
    for model in (models.Contact, models.Message, models.RestoreLink, models.TrackedCart,
                  models.ConsentRecord, models.ConsentState, models.Notice, models.OptIn):  # fmt: skip
        rows = model._base_manager.order_by("pk")
        if contact is not None:
            rows = rows.filter(**{"pk" if model is models.Contact else "contact": contact.pk})
        found[model.__name__] = [
            {k: v for k, v in row.items() if not k.endswith("_at")} for row in rows.values()
        ]
    return found


def test_batch_costs_the_same_however_many_people_it_holds() -> None:
    def cost(people: int, first: int) -> int:
        contacts = [
            make_known_person(email=f"m{n}@example.de", phone=f"+49151123{n:05}")
            for n in range(first, first + people)
        ]
        with CaptureQueriesContext(connection) as queries:
            assert erase(contacts, source="test", now=timezone.now()).contacts == people
        return len(queries)

    assert cost(1, 10) == cost(5, 20)


def test_all_rows_of_a_merged_person_are_emptied() -> None:
    contact = make_known_person()
    loser = make_consent(make_contact("frueher@example.de"))
    merge(contact, loser)
    erase([models.Contact.objects.get(pk=loser.pk)], source="test", now=timezone.now())
    assert traces((*SPELLINGS, "frueher@example.de")) == []
    assert set(models.Contact.objects.values_list("erased_at", flat=True)) != {None}
    contact.refresh_from_db()
    assert contact.erased_at is not None
    assert verify_chain(contact) == []
    # also the address that was given up in the merge
    pair = ("email", address_digest("email", "frueher@example.de"))
    assert suppressed([pair]) == {pair}


def test_what_the_shop_deletes_by_itself_blocks_nothing() -> None:
    erase([make_known_person()], source="retention", now=timezone.now(), is_asked_for=False)
    assert traces() == []
    assert not models.Suppression.objects.exists()


def test_what_was_said_stays_without_who_said_it(
    django_capture_on_commit_callbacks: Any,
) -> None:
    contact = make_known_person()
    row = models.LineReview.objects.get()
    storage, photo = row.photo.storage, row.photo.name
    assert storage.exists(photo)
    with django_capture_on_commit_callbacks(execute=True):
        report = erase([contact], source="test", now=timezone.now())
    assert (report.reviews, report.ratings) == (1, 1)
    row.refresh_from_db()
    assert row.review is not None
    assert (row.review.body, row.review.score) == ("Geht so.", 2)
    assert (row.review.email, row.photo.name) == ("", "")
    assert not storage.exists(photo)
    assert models.ServiceRating.objects.get().score == 5
    assert models.StaffTask.objects.get().closed_at is not None
