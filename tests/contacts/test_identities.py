"""Who is who: users, guests and numbers that belong to one person, and those that do not."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cart_recovery.contacts.addresses import address_digest
from cart_recovery.contacts.identities import find_by_address, merge, resolve, resolve_users
from cart_recovery.models import (
    ConsentAction,
    ConsentRecord,
    ConsentState,
    Contact,
    Enrolment,
    TrackedCart,
)
from tests.factories import (
    make_basket,
    make_campaign,
    make_cart,
    make_contact,
    make_followup,
    make_user,
)

pytestmark = pytest.mark.django_db
MOBILE = "+4915123456789"
OTHER_MOBILE = "+4917012345678"


@pytest.fixture
def now():
    return timezone.now()


def make_state(contact: Contact, *, since, action=ConsentAction.GRANTED, channel="email"):
    kind = "phone" if channel == "sms" else "email"
    digest = address_digest(kind, contact.address_for(kind))
    record = ConsentRecord.objects.create(
        contact=contact, sequence=1, channel=channel, purpose="cart_reminder", action=action,
        address_digest=digest, source="test", recorded_at=since, hash="x",
    )  # fmt: skip
    return ConsentState.objects.create(
        contact=contact, channel=channel, purpose="cart_reminder", action=action,
        address_digest=digest, since=since, record=record,
    )  # fmt: skip


def test_guest_gets_one_contact_when_the_address_is_spelled_differently():
    first = resolve(email="Gast@Example.de")
    again = resolve(email=" gast@EXAMPLE.DE ")

    assert first == again
    assert first.email == "Gast@example.de"
    assert Contact.objects.count() == 1


@pytest.mark.parametrize(
    "email", ["", "no address", "a@", "@b.de", "x@y\r\nBcc: z@q.de", "a" * 300]
)
def test_nobody_is_made_when_nothing_usable_is_given(email):
    assert resolve(email=email, phone="12") is None
    assert not Contact.objects.exists()


def test_guest_is_completed_when_the_phone_comes_later_in_the_same_checkout():
    basket = make_basket()
    contact = resolve(email="gast@example.de", basket_id=basket.pk)
    make_cart(basket, contact)

    again = resolve(
        email="gast@example.de", phone="0151 23456789", country="DE", language="de",
        basket_id=basket.pk,
    )  # fmt: skip

    assert again == contact
    assert str(again.phone) == MOBILE
    assert (again.country, again.language) == ("DE", "de")


def test_stranger_adds_no_number_when_the_typed_address_has_another_cart():
    victim = resolve(email="opfer@example.de")
    make_cart(make_basket(), victim)

    found = resolve(email="opfer@example.de", phone=MOBILE, basket_id=make_basket().pk)

    assert found == victim
    assert Contact.objects.get(pk=victim.pk).phone is None


def test_stranger_adds_no_number_when_the_typed_address_is_a_members():
    user = make_user("mitglied@example.de")
    member = resolve_users([user.pk])[user.pk]

    found = resolve(email="mitglied@example.de", phone=MOBILE)

    assert found == member
    assert Contact.objects.get(pk=member.pk).phone is None


def test_stranger_takes_no_contact_when_the_typed_number_has_an_address():
    victim = make_contact("opfer@example.de", phone=MOBILE)

    found = resolve(email="angreifer@example.de", phone=MOBILE)

    assert found != victim
    assert found.email_key == "angreifer@example.de"
    assert found.phone is None
    victim.refresh_from_db()
    assert (victim.email, str(victim.phone)) == ("opfer@example.de", MOBILE)


def test_stranger_takes_no_contact_when_the_typed_number_has_a_cart_under_way():
    victim = make_contact(None, phone=MOBILE)
    make_cart(make_basket(), victim)

    found = resolve(email="angreifer@example.de", phone=MOBILE)

    assert found != victim
    assert Contact.objects.get(pk=victim.pk).email_key is None


def test_guest_contacts_are_merged_when_address_and_number_meet():
    by_email = make_contact("gast@example.de")
    by_phone = make_contact(None, phone=MOBILE)

    found = resolve(email="gast@example.de", phone=MOBILE)

    assert found == by_email
    assert (found.email_key, str(found.phone)) == ("gast@example.de", MOBILE)
    by_phone.refresh_from_db()
    assert by_phone.merged_into == by_email
    assert (by_phone.email, by_phone.email_key, by_phone.phone) == ("", None, None)


def test_agreed_number_stays_when_another_one_is_typed(now):
    contact = make_contact("gast@example.de", phone=MOBILE)
    make_state(contact, since=now, channel="sms")

    resolve(email="gast@example.de", phone=OTHER_MOBILE)

    assert str(Contact.objects.get(pk=contact.pk).phone) == MOBILE


def test_number_is_replaced_when_nobody_agreed_to_it():
    contact = make_contact("gast@example.de", phone=MOBILE)

    resolve(email="gast@example.de", phone=OTHER_MOBILE)

    assert str(Contact.objects.get(pk=contact.pk).phone) == OTHER_MOBILE


def test_guest_becomes_the_user_when_the_guest_registers():
    guest = make_contact("Erika@example.de")
    user = make_user("erika@example.de")

    contact = resolve(user_id=user.pk, email=user.email)

    assert contact == guest
    assert contact.user == user


def test_contacts_of_user_and_guest_are_merged_when_the_account_takes_the_guests_address():
    user = make_user("alt@example.de")
    member = resolve_users([user.pk])[user.pk]
    guest = make_contact("neu@example.de", phone=MOBILE)
    user.email = "neu@example.de"
    user.save()

    contact = resolve_users([user.pk])[user.pk]

    assert contact == member
    assert (contact.email_key, str(contact.phone)) == ("neu@example.de", MOBILE)
    guest.refresh_from_db()
    assert guest.merged_into == member


def test_address_stays_with_its_user_when_another_user_has_the_same():
    first, second = make_user("gleich@example.de"), make_user("gleich@example.de")

    contacts = resolve_users([first.pk, second.pk])
    again = resolve_users([first.pk, second.pk])

    assert contacts == again
    assert contacts[first.pk] != contacts[second.pk]
    assert {contacts[first.pk].email_key, contacts[second.pk].email_key} == {
        "gleich@example.de", None,
    }  # fmt: skip


def test_users_cost_a_constant_number_of_statements(django_assert_num_queries):
    few = [make_user().pk for _ in range(3)]
    many = [make_user().pk for _ in range(60)]

    with django_assert_num_queries(6):
        assert len(resolve_users(few)) == 3
    with django_assert_num_queries(6):
        assert len(resolve_users(many)) == 60
    with django_assert_num_queries(4):
        assert len(resolve_users(many)) == 60


def test_unknown_users_are_left_out():
    assert resolve_users([987654, None]) == {}


def test_merged_rows_move_when_two_contacts_are_one_person(now):
    winner, loser = make_contact(), make_contact(phone=MOBILE)
    followup = make_followup(contact=loser)
    earlier_tombstone = make_contact(None, merged_into=loser)

    merge(winner, loser)

    assert TrackedCart.objects.get().contact == winner
    assert Enrolment.objects.get().contact == winner
    assert followup.enrolment.pk
    assert str(winner.phone) == MOBILE
    earlier_tombstone.refresh_from_db()
    assert earlier_tombstone.merged_into == winner


@pytest.mark.parametrize(
    ("winner_action", "loser_action", "loser_is_later", "expected"),
    [
        ("granted", "withdrawn", True, "withdrawn"),
        ("granted", "withdrawn", False, "granted"),
        ("withdrawn", "granted", True, "granted"),
        ("withdrawn", "granted", False, "withdrawn"),
        ("granted", "withdrawn", None, "withdrawn"),
        ("withdrawn", "granted", None, "withdrawn"),
    ],
)
def test_later_consent_holds_when_contacts_are_merged(
    now, winner_action, loser_action, loser_is_later, expected
):
    shift = {True: dt.timedelta(hours=1), False: -dt.timedelta(hours=1), None: dt.timedelta(0)}
    winner, loser = make_contact(), make_contact()
    make_state(winner, since=now, action=winner_action)
    make_state(loser, since=now + shift[loser_is_later], action=loser_action)

    merge(winner, loser)

    state = ConsentState.objects.get()
    assert (state.contact, state.action) == (winner, expected)
    assert ConsentRecord.objects.filter(contact=loser).count() == 1


def test_merging_costs_a_constant_number_of_statements():
    counts = []
    for size in (1, 8):
        winner, loser = make_contact(), make_contact()
        for _ in range(size):
            make_followup(contact=loser, campaign=make_campaign())
        with CaptureQueriesContext(connection) as queries:
            merge(winner, loser)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_nothing_changes_when_a_merge_is_repeated():
    winner, loser = make_contact(), make_contact()
    merge(winner, loser)

    assert merge(winner, loser) == winner
    assert merge(loser, winner).pk == winner.pk
    assert merge(winner, winner) == winner
    winner.refresh_from_db()
    assert winner.merged_into is None


def test_merge_is_refused_when_both_have_users():
    first, second = make_contact(user=make_user()), make_contact(user=make_user())

    with pytest.raises(ValueError, match="two different users"):
        merge(first, second)


def test_contact_is_found_by_any_spelling_of_its_address():
    contact = make_contact("erika@example.de", phone=MOBILE)

    assert find_by_address("email", "ERIKA@Example.DE") == contact
    assert find_by_address("phone", "0151-23456789") == contact
    assert find_by_address("email", "kein") is None
    assert find_by_address("phone", "") is None
