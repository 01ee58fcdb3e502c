"""What people's answers do: confirm, end, come back, ask for help. PROVIDERS.md §2.1, §2.3; PAINS 10."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import pytest

from cart_recovery.consent import ledger, opt_ins
from cart_recovery.consent.permissions import load
from cart_recovery.consent.suppression import suppress
from cart_recovery.consent.withdrawals import withdraw
from cart_recovery.consent.wordings import current, install_defaults
from cart_recovery.models import (
    ConsentRecord,
    Contact,
    Notice,
    NoticeKind,
    OptIn,
    Reply,
    Suppression,
)
from cart_recovery.provider_events import SuppressionReason as Why
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

GERMAN = "+4915123456789"
AMERICAN = "+12065550123"


@pytest.fixture(autouse=True)
def _wordings(db: None) -> None:
    install_defaults()


@pytest.fixture
def say(twilio: Any) -> Callable[..., Any]:
    """The person with this number answers."""
    numbers = itertools.count(1)

    def answer(text: str, sender: str = GERMAN, **extra: str) -> Any:
        return twilio.text(text, sender=sender, sid=f"SM{next(numbers):032}", **extra)

    return answer


def ask(contact: Contact, **kwargs: Any) -> OptIn:
    opt_in = opt_ins.ask(
        contact, channel="sms", wording=current("checkout-sms", "de"), source="checkout", **kwargs
    )
    assert opt_in is not None
    return opt_in


def agreed(contact: Contact, *, method: str = "double", source: str = "test") -> Contact:
    """Someone who agreed to SMS."""
    ledger.record(
        contact, channel="sms", purposes=["cart_reminder"], action="granted", method=method,
        source=source, wording=current("checkout-sms", "de"),
    )  # fmt: skip
    return contact


def may(contact: Contact) -> bool:
    return load([contact.pk]).is_granted(contact, "sms", "cart_reminder", "phone")


def kinds() -> list[str]:
    return list(Notice.objects.order_by("pk").values_list("kind", flat=True))


class TestYes:
    @pytest.mark.parametrize("text", ["JA", "ja!", "Yes", "y", "OK", "Einverstanden", "START"])
    def test_it_confirms_what_was_asked_of_this_number(self, say, text):
        contact = make_contact(phone=GERMAN)
        opt_in = ask(contact)
        say(text)
        opt_in.refresh_from_db()
        assert (opt_in.state, opt_in.confirmed_by) == ("confirmed", "reply")
        assert may(contact)
        assert ConsentRecord.objects.get(action="granted").evidence == f"reply: {text}"

    @pytest.mark.parametrize("text", ["ja?", "vielleicht", "Ja, aber wann kommt mein Paket"])
    def test_what_is_no_plain_yes_does_not(self, say, text):
        contact = make_contact(phone=GERMAN)
        ask(contact)
        say(text)
        assert not may(contact)

    def test_it_confirms_nothing_for_another_number(self, say):
        contact = make_contact(phone=GERMAN)
        ask(contact)
        say("JA", sender="+4915100000000")
        assert not may(contact)

    def test_without_a_question_it_is_just_a_word(self, say):
        contact = make_contact(phone=GERMAN)
        say("Ja")
        assert Reply.objects.get().keyword == "YES"
        assert not ConsentRecord.objects.exists()
        assert kinds() == []
        assert not may(contact)

    def test_again_it_changes_nothing(self, say):
        contact = make_contact(phone=GERMAN)
        ask(contact)
        say("JA")
        say("JA")
        assert ConsentRecord.objects.count() == 2

    def test_a_carriers_block_is_lifted_by_an_answer_that_came_through(self, say):
        contact = make_contact(phone=GERMAN)
        suppress("sms", "phone", GERMAN, reason=Why.CARRIER_BLOCK, source="provider")
        ask(contact)
        say("JA")
        assert not Suppression.objects.exists()


class TestStop:
    def test_it_ends_a_question_that_waits(self, say):
        contact = make_contact(phone=GERMAN)
        opt_in = ask(contact)
        say("Nein danke")
        opt_in.refresh_from_db()
        assert opt_in.state == "cancelled"
        say("JA")
        assert not may(contact)

    def test_words_of_ones_own_are_obeyed_and_answered_once(self, say):
        """47 CFR 64.1200(a)(12): one confirmation at most."""
        contact = agreed(make_contact(phone=GERMAN))
        for text in ("bitte keine SMS mehr", "hört auf!", "STOPP"):
            say(text)
        assert not may(contact)
        assert kinds() == [NoticeKind.STOP_CONFIRMED]

    @pytest.mark.parametrize("text", ["STOP", " stop ", "Unsubscribe", "REVOKE"])
    def test_twilios_own_answer_is_enough(self, say, text):
        contact = agreed(make_contact(phone=GERMAN))
        say(text)
        assert not may(contact)
        assert kinds() == []

    def test_what_the_provider_read_as_a_stop_it_has_answered(self, say):
        agreed(make_contact(phone=GERMAN))
        say("Basta così", OptOutType="STOP")
        assert Suppression.objects.exists()
        assert kinds() == []

    def test_we_answer_where_the_provider_does_not(self, say, settings):
        sms = settings.CART_RECOVERY["CHANNELS"]["sms"]
        sms["OPTIONS"]["PROVIDER_ANSWERS_KEYWORDS"] = False
        agreed(make_contact(phone=GERMAN))
        say("STOP")
        assert kinds() == [NoticeKind.STOP_CONFIRMED]

    def test_nobody_we_know_is_blocked_and_not_written_to(self, say):
        say("Lasst mich in Ruhe")
        assert Suppression.objects.filter(reason=Why.STOP_REPLY).exists()
        assert kinds() == []


class TestStart:
    def test_it_brings_back_what_was_agreed_to_where_the_market_says_so(self, say):
        contact = agreed(make_contact(phone=AMERICAN, country="US"))
        say("STOP", AMERICAN)
        assert not may(contact)
        say("START", AMERICAN)
        assert may(contact)
        assert not Suppression.objects.filter(channel="sms").exists()
        last = ConsentRecord.objects.order_by("-sequence").first()
        assert last is not None
        assert (last.method, last.source, last.evidence) == ("keyword", "sms_start", "START")
        assert last.wording == current("checkout-sms", "de")

    def test_it_does_so_each_time(self, say):
        contact = agreed(make_contact(phone=AMERICAN, country="US"))
        for _ in range(2):
            say("STOP", AMERICAN)
            assert not may(contact)
            say("UNSTOP", AMERICAN)
            assert may(contact)

    def test_it_gives_nothing_that_was_not_there(self, say):
        contact = make_contact(phone=AMERICAN, country="US")
        say("STOP", AMERICAN)
        say("START", AMERICAN)
        assert not may(contact)

    def test_a_box_alone_is_not_brought_back_as_more(self, say):
        contact = agreed(make_contact(phone=AMERICAN, country="US"), method="single")
        say("STOP", AMERICAN)
        say("START", AMERICAN)
        assert not may(contact)

    def test_a_page_is_not_undone_by_it(self, say):
        contact = agreed(make_contact(phone=AMERICAN, country="US"))
        withdraw(contact, channel="sms", source="unsubscribe")
        say("START", AMERICAN)
        assert not may(contact)

    def test_it_leads_to_a_new_question_elsewhere(self, say):
        """PROVIDERS.md §2.3: START must not recreate a consent in Germany."""
        contact = agreed(make_contact(phone=GERMAN, country="DE"))
        say("STOP")
        say("START")
        assert not may(contact)
        assert Suppression.objects.filter(channel="sms").exists()
        opt_in = OptIn.objects.get()
        assert (opt_in.source, opt_in.wording) == ("sms_start", current("checkout-sms", "de"))
        assert kinds() == [NoticeKind.OPT_IN]
        say("JA")
        assert may(contact)
        assert not Suppression.objects.filter(channel="sms").exists()

    def test_the_question_is_throttled(self, say):
        contact = agreed(make_contact(phone=GERMAN, country="DE"))
        for _ in range(6):
            say("STOPP")
            say("START")
        assert OptIn.objects.count() <= 3
        assert not may(contact)

    def test_someone_who_never_agreed_is_not_asked(self, say):
        make_contact(phone=GERMAN)
        say("START")
        assert not OptIn.objects.exists()


class TestHelp:
    def test_hilfe_is_answered_once_an_hour(self, say):
        make_contact(phone=GERMAN)
        for _ in range(3):
            say("HILFE")
        assert kinds() == [NoticeKind.HELP]

    def test_twilio_answers_help_itself(self, say):
        make_contact(phone=GERMAN)
        say("HELP")
        say("info")
        assert kinds() == []

    def test_nobody_we_know_gets_no_answer(self, say):
        say("HILFE")
        assert kinds() == []


def test_a_forged_yes_confirms_nothing(twilio):
    contact = make_contact(phone=GERMAN)
    ask(contact)
    form = {"MessageSid": "SM" + "9" * 32, "From": GERMAN, "To": "+15005550006", "Body": "JA"}
    response = twilio.post("/recovery/hooks/sms/inbound", form, signature="falsch")
    assert response.status_code == 403
    assert not may(contact)
    assert not Reply.objects.exists()
