from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cart_recovery.consent import permissions
from cart_recovery.consent.permissions import Position
from cart_recovery.models import ConsentAction, Contact, Purpose
from tests.consent.words import say
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

NOW = dt.datetime(2026, 11, 20, 12, 0, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)


def may(contact: Contact, channel: str = "email", purpose: str = "cart_reminder") -> bool:
    fresh = Contact.objects.get(pk=contact.pk)
    kind = "phone" if channel == "sms" else "email"
    return permissions.load([contact.pk]).is_granted(fresh, channel, purpose, kind)


def test_nothing_may_be_sent_when_nobody_was_asked():
    assert not may(make_contact())


def test_sending_is_allowed_when_the_person_agreed():
    contact = make_contact()
    say(contact, "granted")
    assert may(contact)


@pytest.mark.parametrize(
    ("channel", "purpose"),
    [("sms", "cart_reminder"), *[("email", p) for p in Purpose.values if p != "cart_reminder"]],
)
def test_a_yes_covers_nothing_else_when_given_for_one_channel_and_purpose(channel, purpose):
    contact = make_contact(phone="+4915112345678")
    say(contact, "granted")
    assert not may(contact, channel, purpose)


def test_the_last_word_holds_when_someone_changes_their_mind():
    contact = make_contact()
    say(contact, "granted", now=NOW)
    say(contact, "withdrawn", now=LATER)
    assert not may(contact)
    say(contact, "granted", now=LATER + dt.timedelta(hours=1))
    assert may(contact)


def test_the_last_word_holds_when_the_clock_went_back_between():
    contact = make_contact()
    say(contact, "granted", now=LATER)
    say(contact, "withdrawn", now=NOW)
    assert not may(contact)


@pytest.mark.parametrize(
    ("channel", "values"),
    [
        ("email", {"email": "neu@example.de", "email_key": "neu@example.de"}),
        ("email", {"email": "", "email_key": None}),
        ("sms", {"phone": "+4915199999999"}),
        ("sms", {"phone": None}),
    ],
)
def test_a_yes_does_not_move_along_when_the_address_changes(channel, values):
    contact = make_contact(phone="+4915112345678")
    say(contact, "granted", channel=channel)
    assert may(contact, channel)
    Contact.objects.filter(pk=contact.pk).update(**values)
    assert not may(contact, channel)


def test_a_yes_still_holds_when_the_same_address_is_spelt_otherwise():
    contact = make_contact("Erika@Example.de")
    say(contact, "granted")
    Contact.objects.filter(pk=contact.pk).update(email="erika@example.de")
    assert may(contact)


def test_a_no_holds_for_every_address_when_it_was_said_at_another():
    contact = make_contact("alt@example.de")
    say(contact, "granted", now=NOW)
    Contact.objects.filter(pk=contact.pk).update(email="neu@example.de", email_key="neu@example.de")
    say(Contact.objects.get(pk=contact.pk), "withdrawn", now=LATER)
    Contact.objects.filter(pk=contact.pk).update(email="alt@example.de", email_key="alt@example.de")
    assert not may(contact)


def test_a_stale_object_gives_no_permission_when_consent_is_written_with_it():
    contact = make_contact("alt@example.de")
    Contact.objects.filter(pk=contact.pk).update(email="neu@example.de", email_key="neu@example.de")
    say(contact, "granted")
    assert not may(contact)


@pytest.mark.parametrize("field", ["erased_at", "merged_into"])
def test_nothing_may_be_sent_when_the_contact_is_a_shell(field):
    contact = make_contact()
    say(contact, "granted")
    value = NOW if field == "erased_at" else make_contact()
    Contact.objects.filter(pk=contact.pk).update(**{field: value})
    assert not may(contact)


def test_nothing_may_be_sent_when_the_contact_was_not_loaded():
    contact = make_contact()
    say(contact, "granted")
    assert not permissions.load([]).is_granted(contact, "email", "cart_reminder", "email")


def test_a_no_counts_when_it_was_written_to_a_contact_just_merged():
    """A withdrawal and a merge at the same moment: the state may be left at the tombstone."""
    winner, loser = make_contact(), make_contact()
    say(winner, "granted", now=NOW)
    say(loser, "withdrawn", now=LATER)
    Contact.objects.filter(pk=loser.pk).update(merged_into=winner, email="", email_key=None)
    assert not may(winner)
    assert permissions.load([winner.pk]).is_withdrawn(winner.pk, "email", "cart_reminder")


def test_service_messages_can_be_refused_when_no_yes_is_needed():
    contact = make_contact()
    assert not permissions.load([contact.pk]).is_withdrawn(contact.pk, "email", "order_status")
    say(contact, "withdrawn", purposes=("order_status",))
    assert permissions.load([contact.pk]).is_withdrawn(contact.pk, "email", "order_status")


@pytest.mark.parametrize("count", [1, 40])
def test_two_queries_are_enough_when_many_are_looked_up(count, django_assert_num_queries):
    contacts = [make_contact() for _ in range(count)]
    for contact in contacts:
        say(contact, "granted")
    with django_assert_num_queries(2):
        loaded = permissions.load([c.pk for c in contacts])
        assert all(loaded.is_granted(c, "email", "cart_reminder", "email") for c in contacts)


words = st.lists(
    st.tuples(
        st.sampled_from(ConsentAction.values), st.sampled_from("ABC"), st.integers(0, 5)
    )
)  # fmt: skip


@given(words=words)
def test_no_address_is_allowed_when_a_no_is_as_late_as_its_yes(words):
    position = Position()
    for action, digest, minute in words:
        at = NOW + dt.timedelta(minutes=minute)
        position.add(action, "double", digest, at)
    refused = max((m for a, _, m in words if a == "withdrawn"), default=-1)
    for digest in "ABC":
        agreed = max((m for a, d, m in words if a == "granted" and d == digest), default=-1)
        assert bool(position.methods(digest)) == (agreed > refused)
    assert position.is_withdrawn == (
        refused >= 0 and not any(bool(position.methods(digest)) for digest in "ABC")
    )
