from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cart_recovery.consent import permissions, suppression
from cart_recovery.consent.verification import verify_chain
from cart_recovery.consent.withdrawals import withdraw, withdraw_by_address, withdraw_everywhere
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.contacts.identities import merge
from cart_recovery.models import ConsentRecord, ConsentState, Contact, Purpose, Suppression
from cart_recovery.provider_events import SuppressionReason
from tests.consent.words import say
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

PHONE = "+4915112345678"
ALL = tuple(Purpose.values)


def refused(contact: Contact) -> set[tuple[str, str]]:
    rows = ConsentState.objects.filter(contact=contact, action="withdrawn")
    return set(rows.values_list("channel", "purpose"))


def test_all_purposes_of_the_channel_end_when_none_is_named():
    contact = make_contact(phone=PHONE)
    say(contact, "granted", channel="sms")
    withdraw(contact, channel="sms", source="test")
    assert refused(contact) == {("sms", p) for p in ALL}


def test_one_purpose_ends_when_it_is_named():
    contact = make_contact()
    withdraw(contact, channel="email", purposes=["promotion"], source="test")
    assert refused(contact) == {("email", "promotion")}


def test_every_channel_ends_when_withdrawn_everywhere():
    """Also one that the shop has removed from its settings since."""
    contact = make_contact(phone=PHONE)
    say(contact, "withdrawn", channel="carrier-pigeon", purposes=("promotion",))
    withdraw_everywhere(contact, source="test")
    assert refused(contact) == {
        (channel, p) for channel in ("email", "sms", "carrier-pigeon") for p in ALL
    }


def test_nothing_is_written_when_the_answer_was_no_already():
    contact = make_contact()
    assert len(withdraw(contact, channel="email", source="test")) == len(ALL)
    assert withdraw(contact, channel="email", source="test") == []
    say(contact, "granted")
    assert [r.purpose for r in withdraw(contact, channel="email", source="test")] == [
        "cart_reminder"
    ]
    assert verify_chain(contact) == []


def test_a_no_is_taken_when_the_address_is_gone():
    contact = make_contact(None)
    withdraw(contact, channel="email", source="test")
    assert refused(contact) == {("email", p) for p in ALL}


def test_a_no_reaches_the_person_when_said_by_a_merged_contact():
    winner, loser = make_contact(), make_contact(None, phone=PHONE)
    say(winner, "granted")
    merge(winner, loser)
    withdraw(Contact.objects.get(pk=loser.pk), channel="email", source="test")
    assert ("email", "cart_reminder") in refused(winner)


@pytest.mark.parametrize("spelling", [PHONE, "0151 12345678", "+49 (0) 151 / 12 34 56 78"])
def test_number_and_person_are_blocked_when_a_reply_says_stop(spelling):
    contact = make_contact(phone=PHONE)
    say(contact, "granted", channel="sms")
    say(contact, "granted")
    withdraw_by_address("sms", "phone", spelling, source="reply")

    assert refused(contact) == {("sms", p) for p in ALL}
    pair = ("sms", address_digest("phone", PHONE))
    assert suppression.suppressed([pair]) == {pair}
    assert Suppression.objects.get().reason == SuppressionReason.STOP_REPLY
    loaded = permissions.load([contact.pk])
    assert loaded.is_granted(contact, "email", "cart_reminder", "email")


@pytest.mark.parametrize("address", ["+4915199999999", "+493012345678", "not a number"])
def test_the_number_is_blocked_when_nobody_is_known_by_it(address):
    withdraw_by_address("sms", "phone", address, source="reply")
    assert Suppression.objects.count() == 1
    assert not ConsentRecord.objects.exists()


def test_the_reason_is_kept_when_a_provider_reports_a_complaint():
    make_contact("Mensch@example.de")
    withdraw_by_address(
        "email", "email", "mensch@EXAMPLE.de", source="sendgrid", reason=SuppressionReason.COMPLAINT
    )
    assert Suppression.objects.get().reason == "complaint"
    assert ConsentRecord.objects.filter(action="withdrawn").count() == len(ALL)


def test_a_withdrawal_costs_the_same_when_the_history_is_long():
    counts = []
    for length in (1, 8):
        contact = make_contact()
        for _ in range(length):
            say(contact, "granted", purposes=ALL)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            withdraw(contact, channel="email", source="test")
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 19
