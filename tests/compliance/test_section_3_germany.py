"""PROVIDERS.md §3: UWG, DSGVO, TDDDG, DDG and the courts. The table: docs/compliance.md."""

from __future__ import annotations

import datetime as dt
import re
from functools import partial

import pytest
from django.template import Context, Template
from django.test import Client
from django.utils import timezone

from cart_recovery.channels.base import OutgoingMessage
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.consent import opt_ins, permissions
from cart_recovery.consent.ledger import record
from cart_recovery.consent.unsubscribe import unsubscribe_url
from cart_recovery.consent.verification import verify_chain
from cart_recovery.consent.wordings import current, install_defaults
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import (
    ConsentAction,
    ConsentRecord,
    Contact,
    Message,
    OptIn,
    Purpose,
    Suppression,
)
from cart_recovery.privacy import erasure, retention
from tests.factories import (
    make_basket,
    make_campaign,
    make_consent,
    make_contact,
    make_product,
)

pytestmark = pytest.mark.django_db(transaction=True)


def is_granted(contact: Contact, channel: str, purpose: str, kind: str, **kwargs: bool) -> bool:
    return permissions.load([contact.pk]).is_granted(contact, channel, purpose, kind, **kwargs)


# UWG §7(2) Nr. 2; cart reminders are advertising


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_3_uwg_7_2_nothing_leaves_without_prior_express_consent(send, channel):
    assert send(channel, consent=None) is None
    assert not Message.objects.exists()


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_3_uwg_7_2_a_confirmed_consent_is_enough(send, channel):
    assert send(channel) is not None


def test_3_uwg_7_2_a_box_alone_proves_nothing_in_germany(send):
    assert send(consent="single") is None


def test_3_uwg_7_2_nr_3_sender_and_address_for_objections_are_real(send, settings):
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "REPLY_TO": "service@shop.example"}
    assert settings.CART_RECOVERY["IMPRINT"].splitlines()[0] in send().text


# UWG §7(3), the existing customer


def test_3_uwg_7_3_is_off_until_the_shop_says_so(settings):
    contact = make_consent(make_contact(country="DE"), method="soft")
    assert not is_granted(contact, "email", "cart_reminder", "email", is_similar=True)
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "SOFT_OPT_IN": True}
    assert is_granted(contact, "email", "cart_reminder", "email", is_similar=True)
    assert not is_granted(contact, "email", "cart_reminder", "email")


def test_3_uwg_7_3_never_covers_a_phone_number(settings):
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "SOFT_OPT_IN": True}
    contact = make_contact(phone="+4915112345678", country="DE")
    make_consent(contact, "sms", method="soft")
    assert not is_granted(contact, "sms", "cart_reminder", "phone", is_similar=True)


# BGH I ZR 164/09: documented, stored, printable; a confirmed e-mail proves nothing for a number


def test_3_bgh_i_zr_164_09_a_confirmed_mail_address_proves_nothing_for_the_number():
    contact = make_consent(make_contact(phone="+4915112345678", country="DE"), "email")
    assert not is_granted(contact, "sms", "cart_reminder", "phone")


def test_3_bgh_i_zr_164_09_a_consent_does_not_move_to_another_address():
    contact = make_consent(make_contact(phone="+4915112345678", country="DE"), "sms")
    contact.phone = "+4915187654321"
    contact.save()
    assert not is_granted(Contact.objects.get(), "sms", "cart_reminder", "phone")


def test_3_bgh_i_zr_164_09_wording_page_time_and_address_are_kept():
    install_defaults()
    wording = current("checkout-email", "de")
    (proof,) = record(
        make_contact(), channel="email", purposes=wording.purposes, method="double",
        action=ConsentAction.GRANTED, source="checkout", wording=wording,
        source_url="https://shop.example/kasse/",
    )  # fmt: skip
    stored = ConsentRecord.objects.get(pk=proof.pk)
    assert stored.wording.text == wording.text
    assert stored.wording.version == wording.version
    assert stored.source_url == "https://shop.example/kasse/"
    assert stored.recorded_at
    assert len(stored.address_digest) == 64


# BGH VI ZR 225/17: asking for a review is advertising


def test_3_bgh_vi_zr_225_17_review_requests_go_through_the_same_gate():
    contact = make_consent(make_contact(), purpose=Purpose.CART_REMINDER)
    assert not is_granted(contact, "email", Purpose.REVIEW_REQUEST, "email")


def test_3_bgh_vi_zr_225_17_each_purpose_needs_its_own_yes(send):
    contact = make_consent(make_contact("eva@example.de"), purpose=Purpose.PROMOTION)
    make_campaign(purpose=Purpose.CART_REMINDER)
    assert not is_granted(contact, "email", Purpose.CART_REMINDER, "email")


# GDPR Art. 7


def test_3_art_7_boxes_are_not_ticked_and_no_condition():
    install_defaults()
    html = Template(
        '{% load cart_recovery %}{% recovery_consent where="checkout" channels="email,sms" %}'
    ).render(Context())
    assert html.count('type="checkbox"') == 2
    assert "checked" not in html
    assert "required" not in html
    assert html.count("keine Bedingung") == 2


def test_3_art_7_withdrawing_is_one_click_without_a_question():
    contact = make_consent(make_contact())
    url = unsubscribe_url(contact.pk, "email", "cart_reminder", "de")
    assert Client().post(url.removeprefix("https://shop.example")).status_code == 200
    assert not is_granted(contact, "email", "cart_reminder", "email")


def test_3_art_7_withdrawing_one_channel_leaves_the_other():
    contact = make_consent(make_contact(phone="+4915112345678"), "email", "sms")
    url = unsubscribe_url(contact.pk, "email", "cart_reminder", "de")
    Client().post(url.removeprefix("https://shop.example"))
    assert is_granted(contact, "sms", "cart_reminder", "phone")


# GDPR Art. 21


def test_3_art_21_an_objection_ends_every_kind_of_advertising_at_once():
    contact = make_contact()
    for purpose in Purpose.values:
        make_consent(contact, purpose=purpose)
    url = unsubscribe_url(contact.pk, "email", "cart_reminder", "de")
    Client().post(url.removeprefix("https://shop.example"))
    standing = permissions.load([contact.pk])
    refused = {p for p in Purpose.values if standing.is_withdrawn(contact.pk, "email", p)}
    assert refused == set(Purpose.values) - {Purpose.ORDER_STATUS}


# TDDDG §25


def test_3_tdddg_25_no_pixel_and_no_link_through_a_third_party(send):
    html = send().html
    hosts = set(re.findall(r'(?:src|href)="https?://([^/"]+)', html))
    assert hosts <= {"shop.example"}
    assert not re.search(r'<img[^>]+(width|height)="1"', html)


# Impressum, §5 DDG


def test_3_ddg_5_the_imprint_is_in_the_message_itself(send, settings):
    sent = send()
    for row in settings.CART_RECOVERY["IMPRINT"].splitlines():
        assert row in sent.html
        assert row in sent.text


# UK PECR reg. 22


def test_3_pecr_22_a_british_soft_opt_in_is_a_matter_of_the_profile(settings):
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "SOFT_OPT_IN": True}
    contact = make_consent(make_contact(country="GB"), method="soft")
    assert is_granted(contact, "email", "cart_reminder", "email", is_similar=True)
    settings.CART_RECOVERY |= {"MARKETS": {"GB": {"allows_soft_opt_in": False}}}
    assert not is_granted(contact, "email", "cart_reminder", "email", is_similar=True)


# BayVGH 5 CS 18.1157


def test_3_bayvgh_audiences_need_a_consent_of_their_own():
    contact = make_consent(make_contact(), purpose=Purpose.PROMOTION)
    assert not is_granted(contact, "email", Purpose.AUDIENCE, "email")


# OLG Düsseldorf, OLG Celle, OLG München: the opt-in mail


@pytest.fixture
def asked():
    """Somebody has ticked the box for reminders by e-mail, with a full basket."""
    install_defaults()
    contact = make_contact("eva@example.de", country="DE")
    basket = make_basket(make_product("Kaffeemühle"))
    wording = current("checkout-email", "de")
    return partial(
        opt_ins.ask, contact, channel="email", wording=wording, source="checkout", language="de",
        basket_id=basket.pk,
    )  # fmt: skip


def delivered() -> list[OutgoingMessage]:
    deliver_due()
    sent = list(LocmemChannel.outbox)
    LocmemChannel.reset()
    return sent


def test_3_opt_in_mail_holds_the_question_and_no_advertising(asked):
    asked()
    (sent,) = delivered()
    assert current("checkout-email", "de").text in sent.text
    for advertised in ("Kaffeemühle", "19,99", "/r/", "<img"):
        assert advertised not in sent.html
        assert advertised not in sent.text
    hosts = re.findall(r"https?://([^/\s\"]+)", sent.text)
    assert set(hosts) == {"shop.example"}


def test_3_opt_in_mail_goes_out_once_however_often_the_form_is_sent(asked):
    for _time in range(3):
        asked()
        deliver_due()
    assert len(LocmemChannel.outbox) == 1


def test_3_opt_in_mail_is_not_followed_by_anything_until_it_is_confirmed(asked):
    opt_in = asked()
    delivered()
    contact = opt_in.contact
    assert not is_granted(contact, "email", "cart_reminder", "email")
    opt_ins.confirm(opt_in, by="link")
    assert is_granted(contact, "email", "cart_reminder", "email")


def test_3_opt_in_that_nobody_confirmed_can_no_longer_be_and_goes(asked):
    opt_in = asked()
    later = timezone.now() + dt.timedelta(days=15)
    assert opt_ins.confirm(opt_in, by="link", now=later) == []
    retention.run(later, limit=100)
    assert not OptIn.objects.exists()


# GDPR Art. 17


def test_3_art_17_erasing_keeps_the_block_and_the_proof_and_nothing_else(send):
    sent = send()
    assert sent is not None
    contact = Contact.objects.get()
    erasure.erase([contact], source="test", now=timezone.now())

    contact.refresh_from_db()
    assert (contact.email, contact.phone, contact.user_id) == ("", None, None)
    message = Message.objects.get()
    assert (message.to_address, message.subject, message.html, message.text) == ("", "", "", "")
    assert verify_chain(contact) == []
    assert ConsentRecord.objects.filter(action="granted").exists()
    assert Suppression.objects.filter(channel="email").exists()


def test_3_art_17_nothing_reaches_an_erased_address_without_a_fresh_double_opt_in(send):
    assert send() is not None
    erasure.erase([Contact.objects.get()], source="test", now=timezone.now())
    LocmemChannel.reset()
    # the same person, known again by a form alone
    assert send(consent="single") is None
