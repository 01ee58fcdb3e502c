"""Unsubscribing by mail, as SendGrid's inbound parse hands it on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.test import Client

from cart_recovery.consent import permissions
from cart_recovery.consent.unsubscribe import unsubscribe_token
from cart_recovery.inbound.mail_opt_outs import find_token
from cart_recovery.models import ConsentRecord, Contact, Suppression, WebhookPayload
from tests.factories import make_consent, make_contact

pytestmark = pytest.mark.django_db

KEY = "ein-langes-geheimnis-0815"
MAILBOX = "unsubscribe@parse.shop.example"
PATH = "/recovery/hooks/email/parse"


@pytest.fixture(autouse=True)
def sendgrid(settings: Any) -> None:
    settings.CART_RECOVERY = {
        **settings.CART_RECOVERY,
        "CHANNELS": {
            **settings.CART_RECOVERY["CHANNELS"],
            "email": {
                "BACKEND": "cart_recovery.channels.sendgrid.SendGridChannel",
                "OPTIONS": {
                    "API_KEY": "SG.x", "INBOUND_PARSE_KEY": KEY, "UNSUBSCRIBE_MAILBOX": MAILBOX,
                },
            },
        },
    }  # fmt: skip


@pytest.fixture
def contact() -> Contact:
    return make_consent(make_contact("mensch@example.de", phone="+4915112345678"), "email", "sms")


def mail(to: str = MAILBOX, **changes: Any) -> dict[str, Any]:
    """The fields that SendGrid sends for a mail of this person."""
    headers = changes.pop("headers", "")
    sender = changes.pop("envelope_from", "mensch@example.de")
    return {
        "headers": f"From: Mensch <mensch@example.de>\r\nTo: {to}\r\nSubject: unsubscribe\r\n{headers}",
        "dkim": "{@example.de : pass}", "SPF": "pass", "to": to, "subject": "unsubscribe",
        "from": "Mensch <mensch@example.de>", "text": "", "html": "", "sender_ip": "192.0.2.1",
        "envelope": json.dumps({"to": [to], "from": sender}), "charsets": '{"to":"UTF-8"}',
        **changes,
    }  # fmt: skip


def post(fields: dict[str, Any], key: str | None = KEY) -> Any:
    path = PATH if key is None else f"{PATH}?key={key}"
    return Client(enforce_csrf_checks=True).post(path, fields)


def plus(contact: Contact, channel: str = "email", purpose: str = "cart_reminder") -> str:
    local, _at, host = MAILBOX.partition("@")
    return f"{local}+{unsubscribe_token(contact.pk, channel, purpose)}@{host}"


def granted(contact: Contact) -> set[str]:
    loaded = permissions.load([contact.pk])
    kinds = {"email": "email", "sms": "phone"}
    return {
        channel
        for channel, kind in kinds.items()
        if loaded.is_granted(contact, channel, "cart_reminder", kind)
    }


# --- the door ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [None, "", "falsch", KEY[:-1], KEY + "x", "ä"])
def test_a_mail_without_the_key_is_refused_and_leaves_nothing(
    contact: Contact, key: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    assert post(mail(plus(contact)), key).status_code == 403
    assert not WebhookPayload.objects.exists()
    assert granted(contact) == {"email", "sms"}


def test_the_key_stays_out_of_logs_and_rows(
    contact: Contact, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    assert post(mail(plus(contact))).status_code == 200
    assert post(mail(plus(contact)), KEY + "x").status_code == 403
    assert KEY not in caplog.text
    assert KEY not in WebhookPayload.objects.get().body


def test_no_key_in_the_settings_refuses_everything(settings: Any, contact: Contact) -> None:
    channels = settings.CART_RECOVERY["CHANNELS"]
    email = {**channels["email"], "OPTIONS": {"API_KEY": "SG.x"}}
    settings.CART_RECOVERY = {
        **settings.CART_RECOVERY, "CHANNELS": {**channels, "email": email}
    }  # fmt: skip
    assert post(mail(plus(contact)), "").status_code == 503
    assert granted(contact) == {"email", "sms"}


def test_a_huge_mail_is_refused_unread(settings: Any, contact: Contact) -> None:
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "WEBHOOK_MAX_BYTES": 500}
    assert post(mail(plus(contact))).status_code == 413
    assert not WebhookPayload.objects.exists()


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b"", "multipart/form-data; boundary=x"), (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
     (b"x", "multipart/form-data"), (b"{}", "application/json"), (b"\xff" * 100, "text/plain")],
)  # fmt: skip
def test_what_is_no_form_is_kept_and_not_asked_for_again(body: bytes, content_type: str) -> None:
    response = Client().generic("POST", f"{PATH}?key={KEY}", body, content_type=content_type)
    assert response.status_code == 200
    assert not ConsentRecord.objects.exists()
    assert WebhookPayload.objects.get().accepted == 0


# --- by token -----------------------------------------------------------------------------------------


def test_the_token_says_who_writes_whatever_the_from(contact: Contact) -> None:
    fields = mail(plus(contact), **{"from": "anders@anderswo.de", "SPF": "fail", "dkim": "none"})
    assert post(fields).status_code == 200
    assert granted(contact) == {"sms"}
    assert not Suppression.objects.exists()
    last = ConsentRecord.objects.latest("pk")
    assert (last.action, last.source) == ("withdrawn", "mailto_unsubscribe")
    assert WebhookPayload.objects.get().accepted == 1


def test_nothing_more_is_written_when_the_mail_comes_again(contact: Contact) -> None:
    post(mail(plus(contact)))
    records = ConsentRecord.objects.count()
    for _n in range(3):
        assert post(mail(plus(contact))).status_code == 200
    assert ConsentRecord.objects.count() == records


def test_an_attachment_is_left_unread(contact: Contact) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    fields = mail(plus(contact), attachment1=SimpleUploadedFile("a.bin", b"\x00" * 100_000))
    assert post(fields).status_code == 200
    assert granted(contact) == {"sms"}


def test_a_token_that_is_not_ours_falls_back_to_the_from(contact: Contact) -> None:
    assert post(mail(plus(contact).replace("+", "+x"))).status_code == 200
    assert granted(contact) == {"sms"}
    assert Suppression.objects.get().reason == "unsubscribed"


# --- by From ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "is_believed"),
    [
        ({}, True),
        ({"SPF": "fail"}, True),
        ({"dkim": "none"}, True),
        ({"dkim": "{@mail.example.de : pass}", "SPF": "softfail"}, True),
        ({"dkim": "{@example.de : fail}", "SPF": "softfail"}, False),
        ({"dkim": "{@boese.example : pass}", "SPF": "none"}, False),
        ({"dkim": "{@boese.example : pass, @example.de : fail}", "SPF": "none"}, False),
        ({"dkim": "{@notexample.de : pass}", "SPF": "none"}, False),
        ({"dkim": "{@de : pass}", "SPF": "none"}, False),
        # SPF speaks for the envelope's sender, who may be somebody else
        ({"dkim": "none", "SPF": "pass", "envelope_from": "x@boese.example"}, False),
        ({"dkim": "", "SPF": ""}, False),
        ({"from": "", "dkim": "{@example.de : pass}"}, False),
    ],
)
def test_without_a_token_the_from_counts_only_where_it_was_checked(
    contact: Contact, changes: dict[str, str], is_believed: bool
) -> None:
    assert post(mail(**changes)).status_code == 200
    assert granted(contact) == ({"sms"} if is_believed else {"email", "sms"})
    assert Suppression.objects.exists() == is_believed


# --- what is no wish ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": "Auto-Submitted: auto-replied\r\n"},
        {"headers": "Auto-Submitted: auto-generated (failure)\r\n"},
        {"headers": "Precedence: bulk\r\n"},
        {"headers": "X-Autoreply: yes\r\n"},
        {"headers": "Content-Type: multipart/report; report-type=delivery-status\r\n"},
        {"envelope_from": ""},
        {"envelope_from": "MAILER-DAEMON@mail.example.de"},
        {"to": "hallo@parse.shop.example"},
        {"to": "unsubscribe@anderswo.example"},
        {"to": "unsubscribex@parse.shop.example"},
    ],
)
def test_answers_of_machines_and_other_mail_change_nothing(
    contact: Contact, changes: dict[str, str]
) -> None:
    to = changes.pop("to", None) or plus(contact)
    assert post(mail(to, **changes)).status_code == 200
    assert granted(contact) == {"email", "sms"}
    payload = WebhookPayload.objects.get()
    assert (payload.accepted, payload.rejected) == (0, 0)


def test_no_is_written_for_a_person_who_said_it_is_automatic_no(contact: Contact) -> None:
    assert post(mail(plus(contact), headers="Auto-Submitted: no\r\n")).status_code == 200
    assert granted(contact) == {"sms"}


@pytest.mark.parametrize(
    ("recipients", "token"),
    [
        ([MAILBOX], ""), (["Unsubscribe+AbC.d-_@PARSE.shop.example"], "AbC.d-_"),
        ([MAILBOX, "unsubscribe+t@parse.shop.example"], "t"), ([], None), (["x"], None),
        (["+t@parse.shop.example"], None), (["unsubscribe+t+u@parse.shop.example"], "t+u"),
    ],
)  # fmt: skip
def test_the_token_is_found_behind_the_plus_sign(recipients: list[str], token: str | None) -> None:
    assert find_token(recipients, MAILBOX) == token


def test_no_mailbox_finds_nothing() -> None:
    assert find_token([MAILBOX], "") is None
