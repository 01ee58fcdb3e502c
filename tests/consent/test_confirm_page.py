"""The page behind a confirmation link. PAINS 7: looking changes nothing."""

from __future__ import annotations

import datetime as dt

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cart_recovery.consent import opt_ins
from cart_recovery.consent.permissions import load
from cart_recovery.consent.withdrawals import withdraw
from cart_recovery.consent.wordings import current
from cart_recovery.models import ConsentRecord, Contact, OptIn
from tests.factories import make_contact
from tests.pages import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shipped_wordings")]


@pytest.fixture
def client() -> Client:
    """Without cookies, and CSRF protection fully on."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def opt_in() -> OptIn:
    contact = make_contact("mensch@example.de", phone="+4915123456789")
    asked = opt_ins.ask(
        contact, channel="email", wording=current("checkout-email", "de"), source="checkout"
    )
    assert asked is not None
    return asked


def url(opt_in: OptIn, language: str = "de") -> str:
    token = opt_ins.issue_tokens([opt_in.pk])[opt_in.pk]
    return reverse("cart_recovery:confirm", kwargs={"token": token}) + f"?l={language}"


def may(contact: Contact) -> bool:
    return load([contact.pk]).is_granted(contact, "email", "cart_reminder", "email")


def test_a_scanner_changes_nothing(client, opt_in, assert_rows_unchanged):
    link = url(opt_in)
    with assert_rows_unchanged():
        for method in (client.get, client.head, client.options, client.get, client.head):
            assert method(link).status_code == 200


def test_it_shows_what_is_agreed_to_and_gives_nothing_else_away(client, opt_in):
    response = client.get(url(opt_in))
    body = response.content.decode()
    assert opt_in.wording.text in body
    assert "m•••@e•••.de" in body
    assert "mensch@" not in body
    assert "89" not in words(response)
    assert response["X-Robots-Tag"] == "noindex, nofollow"
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["Content-Language"] == "de"
    assert not response.cookies


def test_one_press_confirms(client, opt_in):
    link = url(opt_in)
    response = client.post(link)
    assert response.status_code == 200
    assert not response.cookies
    assert may(opt_in.contact)
    granted = ConsentRecord.objects.get(action="granted")
    assert granted.source_url == "https://shop.example/recovery/c/"
    assert link.split("/")[-1][:22] not in granted.source_url


def test_the_address_is_not_needed_whole_for_a_number(client, opt_in):
    asked = opt_ins.ask(
        opt_in.contact, channel="sms", wording=current("checkout-sms", "de"), source="checkout"
    )
    read = words(client.get(url(asked)))
    assert "+49 ••• 89" in read
    assert "789" not in read


def test_a_second_press_says_that_it_is_done(client, opt_in):
    link = url(opt_in)
    for _ in range(3):
        assert client.post(link).status_code == 200
        assert client.get(link).status_code == 200
    assert ConsentRecord.objects.count() == 2


@pytest.mark.parametrize("why", ["expired", "cancelled", "withdrawn", "address"])
def test_what_is_over_is_gone_and_says_how_to_ask_again(client, opt_in, why):
    link = url(opt_in)
    if why == "expired":
        OptIn.objects.update(expires_at=timezone.now() - dt.timedelta(seconds=1))
    elif why == "cancelled":
        withdraw(opt_in.contact, channel="email", source="test")
    elif why == "withdrawn":
        client.post(link)
        withdraw(opt_in.contact, channel="email", source="test")
    else:
        Contact.objects.update(email="neu@example.de", email_key="neu@example.de")
    for method in (client.get, client.post):
        response = method(link)
        assert response.status_code == 410
        assert "<form" not in response.content.decode()
    assert not may(Contact.objects.get())


@pytest.mark.parametrize("token", ["x", "A" * 22, "A" * 300, "%F0%9F%92%A9", "..%2F", "a.b"])
def test_unknown_tokens_give_nothing(client, opt_in, token, assert_rows_unchanged):
    with assert_rows_unchanged():
        for method in (client.get, client.post):
            assert method(f"/recovery/c/{token}").status_code == 404


@pytest.mark.parametrize("suffix", ["/", ".", ")", "%20", "…"])
def test_what_phones_glue_to_a_link_is_overlooked(client, opt_in, suffix):
    link = url(opt_in).partition("?")[0]
    assert client.get(link + suffix).status_code == 200


def test_the_language_is_that_of_the_request_for_consent(client, opt_in):
    OptIn.objects.update(language="en")
    link = url(opt_in).partition("?")[0]
    assert client.get(link)["Content-Language"] == "en"
    assert client.get(f"{link}?l=de")["Content-Language"] == "de"
