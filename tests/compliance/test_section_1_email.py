"""PROVIDERS.md §1: one-click unsubscribe, bulk-sender rules, CAN-SPAM. The table: docs/compliance.md."""

from __future__ import annotations

import datetime as dt
import re
import time

import pytest
from django.test import Client
from django.utils import timezone

from cart_recovery.consent import permissions
from cart_recovery.consent.unsubscribe import unsubscribe_url
from cart_recovery.models import ConsentRecord, Contact
from tests.factories import make_contact

pytestmark = pytest.mark.django_db(transaction=True)

BODIES = {
    "multipart": (
        '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
        "multipart/form-data; boundary=b",
    ),
    "urlencoded": ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
}


def https_link(sent) -> str:
    (url,) = re.findall(r"<(https://[^>]+)>", sent.headers["List-Unsubscribe"])
    return url


def path(url: str) -> str:
    return url.removeprefix("https://shop.example")


def may_write_to(email: str) -> bool:
    contact = Contact.objects.get(email=email)
    return permissions.load([contact.pk]).is_granted(contact, "email", "cart_reminder", "email")


def test_1_1_one_header_each_with_one_https_link(send):
    sent = send()
    assert sent.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert https_link(sent).startswith("https://shop.example/")
    assert [name.lower() for name in sent.headers].count("list-unsubscribe") == 1


def test_1_1_the_link_names_person_and_list_and_cannot_be_made_up(send):
    one, two = https_link(send()), https_link(send(email="eva@example.de", phone=None))
    assert one != two
    token = path(one).split("?")[0].rsplit("/", 1)[-1]
    assert len(token) >= 24
    assert "max" not in one.replace(token, "").replace(token, "")
    forged = one.replace(token, token[:-1] + ("A" if token[-1] != "A" else "B"))
    assert Client().post(path(forged)).status_code == 404
    assert may_write_to("max@example.de")


@pytest.mark.parametrize("encoding", BODIES)
def test_1_1_a_post_without_cookies_ends_it_without_a_redirect(send, encoding):
    url = https_link(send())
    body, content_type = BODIES[encoding]
    answer = Client(enforce_csrf_checks=True).post(path(url), body, content_type=content_type)
    assert answer.status_code == 200
    assert not answer.cookies
    assert not may_write_to("max@example.de")


def test_1_1_looking_at_the_page_ends_nothing(send):
    url = path(https_link(send()))
    for method in ("get", "head", "get", "head"):
        assert getattr(Client(), method)(url).status_code == 200
    assert may_write_to("max@example.de")
    assert not ConsentRecord.objects.filter(action="withdrawn").exists()


def test_1_2_a_visible_link_stands_in_the_body_as_well(send):
    sent = send()
    assert https_link(sent).replace("&", "&amp;") in sent.html
    assert https_link(sent) in sent.text
    assert "abbestellen" in re.sub(r"<[^>]+>", "", sent.html)


def test_1_2_the_address_is_confirmed_before_it_is_used(send):
    assert send(consent="single") is None
    assert send(consent="double", email="eva@example.de", phone=None) is not None


def test_1_2_an_unsubscription_counts_at_once(send):
    Client().post(path(https_link(send())), "anything", content_type="text/plain")
    assert not may_write_to("max@example.de")


def test_1_2_each_list_has_an_id_of_its_own(send):
    assert re.fullmatch(r".*<cart-reminder\.shop\.example>", send().headers["List-Id"])


def test_1_3_postal_address_and_real_sender_stand_in_each_mail(send, settings):
    sent = send()
    for row in settings.CART_RECOVERY["IMPRINT"].splitlines():
        assert row in sent.text


def test_1_3_no_mail_leaves_without_a_postal_address(send, settings):
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "IMPRINT": ""}
    assert send() is None


def test_1_3_the_link_works_for_years_and_without_a_log_in(send, monkeypatch):
    url = path(https_link(send()))
    later = timezone.now() + dt.timedelta(days=3 * 365)
    monkeypatch.setattr(timezone, "now", lambda: later)
    monkeypatch.setattr(time, "time", later.timestamp)
    assert Client().post(url).status_code == 200
    assert not may_write_to("max@example.de")


def test_1_3_the_link_still_answers_when_the_person_is_gone(send):
    url = path(https_link(send()))
    contact = make_contact("weg@example.de")
    gone = path(unsubscribe_url(contact.pk, "email", "cart_reminder", "de"))
    contact.delete()
    assert Client().post(gone).status_code == 200
    assert Client().post(url).status_code == 200


def test_1_3_nothing_but_the_link_is_asked_for(send):
    page = Client().get(path(https_link(send()))).content.decode()
    assert not re.search(r'<input[^>]+type="(text|email|password|tel)"', page)
