"""PROVIDERS.md §2: consent, revocation and hours of SMS; carriers; senders. The table: docs/compliance.md."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.conf import settings
from django.test import override_settings

from cart_recovery.channels.base import OutgoingMessage
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.conf import conf
from cart_recovery.consent import ledger, opt_ins, permissions
from cart_recovery.consent.wordings import current, install_defaults
from cart_recovery.contacts.addresses import parse_phone
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.exceptions import InvalidAddressError
from cart_recovery.markets.hours import is_open
from cart_recovery.markets.profiles import market_for
from cart_recovery.markets.zones import zones_of
from cart_recovery.models import (
    Contact,
    Enrolment,
    Notice,
    NoticeKind,
    OptIn,
    Purpose,
    Suppression,
    TrackedCart,
)
from tests.factories import make_campaign, make_consent, make_contact, make_followup

pytestmark = pytest.mark.django_db(transaction=True)

US_PHONE = "+12125551234"
#: a Tuesday, 13:00 in New York
WORKDAY = dt.datetime(2026, 6, 9, 17, 0, tzinfo=dt.UTC)


@pytest.fixture(autouse=True)
def _hours_as_in_a_shop():
    """The suite's settings leave quiet hours out; here they are what this is about."""
    with override_settings(CART_RECOVERY={**settings.CART_RECOVERY, "MARKETS": {}}):
        yield


def american(method: str = "double") -> Contact:
    contact = make_contact(phone=US_PHONE, country="US", time_zone="America/New_York")
    return make_consent(contact, "sms", method=method)


def text(contact: Contact, at: dt.datetime, *, left: dt.datetime | None = None) -> Any:
    """Let an SMS of one step become due at this moment; what reached the provider."""
    campaign = make_campaign(channels=("sms",))
    campaign.steps.get().variants.update(template_code="abandoned-basket-2")
    followup = make_followup(contact=contact, campaign=campaign, due_at=at)
    left = left or at - dt.timedelta(hours=1)
    TrackedCart.objects.update(created_at=left, last_activity_at=left)
    Enrolment.objects.filter(pk=followup.enrolment_id).update(clock_at=left)
    LocmemChannel.reset()
    deliver_due(clock=lambda: at)
    return LocmemChannel.outbox[0] if LocmemChannel.outbox else followup


# 2.1 hours


@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-06-09 09:59", False), ("2026-06-09 10:00", True), ("2026-06-09 17:59", True),
        ("2026-06-09 18:00", False), ("2026-06-13 16:59", True), ("2026-06-13 17:00", False),
        ("2026-06-14 12:00", False),
    ],
)  # fmt: skip
def test_2_1_american_hours(local, expected):
    moment = dt.datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("America/New_York"))
    zones = zones_of(american())
    assert is_open(market_for("US"), "phone", zones, moment) is expected


def test_2_1_a_text_at_night_waits_for_the_morning():
    night = dt.datetime(2026, 6, 10, 3, 0, tzinfo=dt.UTC)
    waiting = text(american(), night)
    assert not isinstance(waiting, OutgoingMessage)
    waiting.refresh_from_db()
    assert waiting.due_at == dt.datetime(2026, 6, 10, 14, 0, tzinfo=dt.UTC)


# 2.2 reminders of carts


def test_2_2_a_box_alone_permits_no_text():
    assert not isinstance(text(american("single"), WORKDAY), OutgoingMessage)
    assert isinstance(text(american_again(), WORKDAY), OutgoingMessage)


def american_again() -> Contact:
    contact = Contact.objects.get()
    return make_consent(contact, "sms")


def test_2_2_a_text_leaves_within_48_hours_only():
    late = WORKDAY - dt.timedelta(hours=49)
    assert not isinstance(text(american(), WORKDAY, left=late), OutgoingMessage)


def test_2_2_one_text_per_cart_and_no_second():
    contact = american()
    campaign = make_campaign(
        channels=("sms",), delays=(dt.timedelta(hours=1), dt.timedelta(hours=26))
    )
    for step in campaign.steps.all():
        step.variants.update(template_code="abandoned-basket-2")
    left = WORKDAY - dt.timedelta(hours=1)
    followup = make_followup(contact=contact, campaign=campaign, due_at=WORKDAY)
    TrackedCart.objects.update(created_at=left, last_activity_at=left)
    Enrolment.objects.filter(pk=followup.enrolment_id).update(clock_at=left)
    for hours in (0, 25, 26, 27):
        at = WORKDAY + dt.timedelta(hours=hours)
        deliver_due(clock=lambda at=at: at)
    assert len(LocmemChannel.outbox) == 1


# 2.4 senders and countries


@pytest.mark.parametrize("country", ["IT", "DE", "FR"])
@pytest.mark.parametrize(
    ("local", "expected"),
    [
        ("2026-06-09 07:59", False), ("2026-06-09 08:00", True), ("2026-06-09 19:59", True),
        ("2026-06-09 20:00", False), ("2026-06-09 23:00", False), ("2026-06-14 12:00", False),
    ],
)  # fmt: skip
def test_2_4_italian_hours_and_those_of_the_neighbours(country, local, expected):
    # one clock for all three; overseas territories are another matter
    zones = zones_of(make_contact(country=country, time_zone="Europe/Rome"))
    moment = dt.datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Rome"))
    assert is_open(market_for(country), "phone", zones, moment) is expected


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+44 20 7946 0018", "GB"),
        ("030 901820", "DE"),
        ("+1 800 555 1234", "US"),
        ("0900 1 234567", "DE"),
    ],
)
def test_2_4_landlines_and_premium_numbers_are_refused(number, country):
    with pytest.raises(InvalidAddressError):
        parse_phone(number, country)


def test_2_4_links_are_the_shops_own():
    sent = text(_german(), _german_noon())
    assert set(re.findall(r"https?://([^/\s]+)", sent.text)) == {"shop.example"}


def test_2_4_a_name_as_sender_gets_a_link_into_each_text(monkeypatch):
    monkeypatch.setattr(LocmemChannel, "supports_reply", False)
    sent = text(_german(), _german_noon())
    assert re.search(r"https://shop\.example/\S*u/\S+", sent.text)


def _german() -> Contact:
    return make_consent(make_contact(phone="+4915112345678", country="DE"), "sms")


def _german_noon() -> dt.datetime:
    return dt.datetime(2026, 6, 9, 10, 0, tzinfo=dt.UTC)


# 2.1 revocation

PER_SE = ("stop", "quit", "end", "revoke", "opt out", "cancel", "unsubscribe")
REASONABLE = (
    "Please stop texting me", "remove me from your list", "no more texts!!", "Stop.", " STOPP ",
    "bitte keine SMS mehr", "Lasst mich in Ruhe", "STOP \U0001f621",
)  # fmt: skip


@pytest.fixture
def reader(twilio: Any) -> Contact:
    """Somebody who has agreed to every kind of SMS, and whose answers reach us."""
    install_defaults()
    contact = make_contact(phone="+4915112345678", country="DE")
    for purpose in Purpose.values:
        make_consent(contact, "sms", purpose=purpose)
    return contact


def is_permitted(contact: Contact, purpose: str = "cart_reminder") -> bool:
    return permissions.load([contact.pk]).is_granted(contact, "sms", purpose, "phone")


@pytest.mark.parametrize("words", [*PER_SE, *(w.upper() for w in PER_SE), *REASONABLE])
def test_2_1_revocation_in_any_reasonable_words(reader, twilio, words):
    twilio.text(words)
    assert not is_permitted(reader)
    assert Suppression.objects.filter(channel="sms").exists()


def test_2_1_a_stop_ends_every_topic(reader, twilio):
    twilio.text("stop")
    assert not any(is_permitted(reader, purpose) for purpose in Purpose.values)


def test_2_1_one_confirmation_within_five_minutes_and_no_second(reader, twilio):
    twilio.text("bitte keine SMS mehr", sid="SM" + "1" * 32)
    twilio.text("STOPP", sid="SM" + "2" * 32)
    notice = Notice.objects.get(kind=NoticeKind.STOP_CONFIRMED)
    assert notice.expires_at - notice.created_at <= dt.timedelta(minutes=5)


def test_2_1_no_confirmation_of_ours_where_twilio_has_answered(reader, twilio):
    answer = twilio.text("STOP", OptOutType="STOP")
    assert answer.content.endswith(b"<Response/>")
    assert not Notice.objects.exists()


# 2.2 the opt-in by text


@pytest.mark.parametrize(
    ("language", "needles"),
    [
        ("de", ["Warenkorb", "JA", "STOPP"]),
        ("en", ["cart reminders", "YES", "STOP", "HELP", "rates may apply"]),
    ],
)
def test_2_2_the_opt_in_text_names_what_carriers_want(language, needles):
    install_defaults()
    country, phone = ("DE", "+4915112345678") if language == "de" else ("US", US_PHONE)
    contact = make_contact(phone=phone, country=country, language=language)
    LocmemChannel.reset()
    opt_ins.ask(
        contact, channel="sms", wording=current("checkout-sms", language), source="checkout",
        language=language,
    )  # fmt: skip
    deliver_due()
    (sent,) = LocmemChannel.outbox
    assert settings.OSCAR_SHOP_NAME in sent.text or conf.SHOP_NAME in sent.text
    for needle in needles:
        assert needle.casefold() in sent.text.casefold()


# 2.3 keywords

GERMAN_WORDS = (
    "STOPP", "STOP", "STOPPEN", "ABMELDEN", "ABBESTELLEN", "AUSTRAGEN", "LÖSCHEN", "LOESCHEN",
    "KÜNDIGEN", "KUENDIGEN", "ENDE", "KEINE SMS", "KEINE WERBUNG", "ARRET", "BAJA",
)  # fmt: skip


@pytest.mark.parametrize("word", GERMAN_WORDS)
def test_2_3_german_words_that_twilio_does_not_know(reader, twilio, word):
    twilio.text(f" {word.lower()}! ")
    assert not is_permitted(reader)


def test_2_3_start_brings_nothing_back_in_germany_but_asks_anew(reader, twilio):
    make_consent_with_wording(reader)
    twilio.text("STOP", sid="SM" + "1" * 32)
    twilio.text("START", sid="SM" + "2" * 32)
    assert not is_permitted(reader)
    assert OptIn.objects.filter(contact=reader, channel="sms", state="pending").exists()


def make_consent_with_wording(contact: Contact) -> None:
    ledger.record(
        contact, channel="sms", purposes=["cart_reminder"], action="granted", method="double",
        source="test", wording=current("checkout-sms", "de"),
    )  # fmt: skip
