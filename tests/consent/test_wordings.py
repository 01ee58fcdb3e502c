from __future__ import annotations

import datetime as dt

import pytest
from django.conf import settings
from django.test import override_settings
from django.utils import timezone

from cart_recovery.consent.wordings import SHIPPED, current, install_defaults, publish, shown
from cart_recovery.models import ConsentWording
from tests.consent.words import say
from tests.factories import make_contact

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("no_wordings")]


@pytest.fixture
def no_wordings():
    ConsentWording.objects.all().delete()


def shop_named(name: str) -> override_settings:
    return override_settings(CART_RECOVERY={**settings.CART_RECOVERY, "SHOP_NAME": name})


# --- shipped --------------------------------------------------------------------------------------


def test_all_shipped_wordings_are_there_when_installed():
    install_defaults()
    found = set(ConsentWording.objects.values_list("code", "language", "version", "channel"))
    assert found == {
        (code, language, 1, channel)
        for code, channel in [
            ("registration-email", "email"), ("checkout-email", "email"), ("checkout-sms", "sms"),
            ("checkout-soft-email", "email"), ("account-email", "email"), ("account-sms", "sms"),
            ("capture-email", "email"), ("capture-sms", "sms"), ("footer-email", "email"),
        ]
        for language in ("de", "en")
    }  # fmt: skip


def test_each_text_names_shop_purpose_and_way_out_when_installed():
    install_defaults()
    for wording in ConsentWording.objects.exclude(code__contains="-soft-"):
        assert wording.text.count("Probeladen") >= 2
        assert "{" not in wording.text
        ways = {"de": "jederzeit widerrufen", "en": "withdraw this at any time"}
        assert ways[wording.language] in wording.text
        free = {"de": "keine Bedingung", "en": "not a condition"}
        assert free[wording.language] in wording.text
        named = {
            "cart_reminder": {"de": "Warenkorb-Erinnerungen", "en": "cart reminders"},
            "promotion": {"de": "Angebote und Neuigkeiten", "en": "offers and news"},
        }
        (purpose,) = wording.purposes
        assert named[purpose][wording.language] in wording.text
        assert (purpose == "promotion") == wording.code.startswith("footer-")


def test_the_notice_for_customers_names_what_the_law_wants_when_installed():
    install_defaults()
    wants = {
        "de": ["eigene", "ähnliche Waren", "jederzeit widersprechen", "Basistarifen"],
        "en": ["of its own", "similar goods", "object at any time", "basic rates"],
    }
    for language, words in wants.items():
        wording = ConsentWording.objects.get(code="checkout-soft-email", language=language)
        assert all(word in wording.text for word in words)
        assert wording.purposes == ["cart_reminder", "promotion", "review_request"]


def test_nothing_changes_when_installed_again():
    install_defaults()
    before = list(ConsentWording.objects.values())
    install_defaults()
    assert list(ConsentWording.objects.values()) == before


def test_a_new_version_is_made_when_the_shop_has_another_name():
    install_defaults()
    with shop_named("Neuer Laden (Köln)"):
        install_defaults()
        install_defaults()
        assert "Neuer Laden (Köln)" in current("checkout-sms", "de").text
    assert ConsentWording.objects.count() == 2 * len(SHIPPED)


def test_a_shops_own_text_stays_when_installed_again():
    install_defaults()
    own = publish("checkout-sms", "de", channel="sms", purposes=["promotion"], text="Ja, gern.")
    with shop_named("Anderer Name"):
        install_defaults()
        assert current("checkout-sms", "de") == own


# --- versions -------------------------------------------------------------------------------------


def test_a_changed_text_is_a_new_version_when_published():
    first = publish("box-email", "de", channel="email", purposes=["promotion"], text="Eins.")
    again = publish("box-email", "de", channel="email", purposes=["promotion"], text="Eins.")
    second = publish("box-email", "de", channel="email", purposes=["promotion"], text="Zwei.")
    assert (again, second.version) == (first, 2)
    assert ConsentWording.objects.get(pk=first.pk).text == "Eins."
    assert current("box-email", "de") == second


@pytest.mark.parametrize("change", [{"purposes": ["tracking"]}, {"channel": "sms"}])
def test_other_purposes_or_channels_are_a_new_version_when_published(change):
    first = {"channel": "email", "purposes": ["promotion"], "text": "Ja."}
    publish("box-email", "de", **first)
    assert publish("box-email", "de", **{**first, **change}).version == 2


def test_an_unknown_purpose_is_refused_when_published():
    with pytest.raises(ValueError, match="is not a valid"):
        publish("box-email", "de", channel="email", purposes=["anything"], text="Ja.")


@pytest.mark.parametrize(
    "rewrite",
    [
        lambda w: w.save(),
        lambda w: ConsentWording.objects.update(text="Ja, alles."),
        lambda w: ConsentWording.objects.bulk_update([w], ["text"]),
    ],
)
def test_a_text_stays_when_someone_tries_to_rewrite_it(rewrite):
    wording = publish("box-email", "de", channel="email", purposes=["promotion"], text="Ja.")
    wording.text = "Ja, alles."
    with pytest.raises(TypeError, match="never changes"):
        rewrite(wording)


# --- finding --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [("de", "de"), ("en", "en"), ("de-at", "de"), ("EN_us", "en"), ("fr", "de"), ("", "de")],
)
def test_the_nearest_language_is_taken_when_asked_for_any(asked, found):
    install_defaults()
    assert current("checkout-sms", asked).language == found


def test_what_there_is_is_taken_when_no_language_fits():
    only = publish("box-email", "fr", channel="email", purposes=["promotion"], text="Oui.")
    assert current("box-email", "de") == only


def test_a_code_without_wording_is_an_error_when_asked_for():
    with pytest.raises(ConsentWording.DoesNotExist):
        current("nothing-email", "de")


@pytest.mark.parametrize("wording_id", ["", "0", "-1", "1 OR 1=1", "9" * 40, "１", "1.0", "abc"])
def test_a_made_up_id_is_no_wording_when_a_form_sends_it(wording_id):
    assert shown(wording_id, channel="email") is None


def test_a_wording_of_another_channel_proves_nothing_when_a_form_sends_it():
    wording = publish("box-email", "de", channel="email", purposes=["promotion"], text="Ja.")
    assert shown(str(wording.pk), channel="email") == wording
    assert shown(str(wording.pk), channel="sms") is None


@pytest.mark.parametrize(
    ("hours", "counts"), [(1, True), (23, True), (25, False), (24 * 400, False)]
)
def test_a_replaced_wording_counts_for_a_day_when_a_form_was_open(hours, counts):
    old = publish("box-email", "de", channel="email", purposes=["promotion"], text="Alt.")
    publish("box-email", "de", channel="email", purposes=["promotion"], text="Neu.")
    later = timezone.now() + dt.timedelta(hours=hours)
    assert (shown(str(old.pk), channel="email", now=later) is not None) == counts


def test_a_wording_cannot_be_deleted_when_a_proof_rests_on_it():
    wording = publish("box-email", "de", channel="email", purposes=["promotion"], text="Ja.")
    say(make_contact(), "granted", wording=wording)
    with pytest.raises(Exception, match="protected"):
        wording.delete()
