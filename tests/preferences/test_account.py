"""The preference centre inside the customer's Oscar account."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cart_recovery.consent import permissions
from cart_recovery.models import Contact, Notice, OptIn
from tests.factories import make_consent, make_contact, make_user
from tests.preferences.conftest import PHONE, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> Any:
    return make_user("kunde@example.de")


@pytest.fixture
def client(user: Any) -> Client:
    client = Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"})
    client.force_login(user)
    # signing in has made one
    Contact.objects.all().delete()
    return client


def send(client: Client, url: str = "", **data: str) -> Any:
    url = url or reverse("cart_recovery:account")
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', text_of(client.get(url)))
    assert token
    return client.post(url, {"csrfmiddlewaretoken": token[1], **data})


@pytest.mark.parametrize("page", ["account", "account_erase"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_whoever_is_not_signed_in_is_sent_to_the_log_in(page: str, method: str) -> None:
    url = reverse(f"cart_recovery:{page}")
    response = getattr(Client(), method)(url)
    assert response.status_code == 302
    assert response["Location"] == f"{reverse('customer:login')}?next={url}"


def test_the_page_stands_in_the_account_and_writes_nothing(
    client: Client, user: Any, assert_rows_unchanged: Any
) -> None:
    with assert_rows_unchanged():
        page = text_of(client.get(reverse("cart_recovery:account")))
    assert reverse("customer:order-list") in page
    assert "k•••@e•••.de" in page
    assert not Contact.objects.exists()


def test_a_customer_without_a_contact_gets_one_with_the_first_wish(
    client: Client, user: Any
) -> None:
    page = text_of(client.get(reverse("cart_recovery:account")))
    wording = re.search(r'name="wording" value="(\d+)"', page)
    assert wording
    response = send(client, action="ask", channel="email", wording=wording[1])
    assert response.status_code == 200
    assert OptIn.objects.get().contact == Contact.objects.get(user=user)


def test_a_customer_switches_off_what_is_agreed(client: Client, user: Any) -> None:
    contact = make_consent(make_contact("kunde@example.de", phone=PHONE, user=user), "email", "sms")
    send(client, action="off", channel="sms", purpose="cart_reminder")
    loaded = permissions.load([contact.pk])
    assert loaded.is_granted(contact, "email", "cart_reminder", "email")
    assert not loaded.is_granted(contact, "sms", "cart_reminder", "phone")


def test_a_customer_asks_for_the_data(client: Client, user: Any) -> None:
    make_contact("kunde@example.de", phone=PHONE, user=user)
    send(client, action="data")
    assert Notice.objects.get().channel == "email"


def test_a_customer_deletes_the_data_and_keeps_the_account(client: Client, user: Any) -> None:
    contact = make_consent(make_contact("kunde@example.de", user=user))
    response = send(client, reverse("cart_recovery:account_erase"))
    assert response.status_code == 200
    assert "What stays, and why" in text_of(response)
    contact.refresh_from_db()
    assert contact.erased_at is not None
    user.refresh_from_db()
    # the page still stands, for somebody new
    assert client.get(reverse("cart_recovery:account")).status_code == 200


def test_a_forged_wish_changes_nothing(
    client: Client, user: Any, assert_rows_unchanged: Any
) -> None:
    make_consent(make_contact("kunde@example.de", user=user))
    with assert_rows_unchanged():
        for page in ("account", "account_erase"):
            assert (
                client.post(reverse(f"cart_recovery:{page}"), {"action": "all_off"}).status_code
                == 403
            )


def test_nobody_elses_contact_is_shown(client: Client, user: Any) -> None:
    make_contact("anders@example.de", phone=PHONE)
    assert "a•••@" not in text_of(client.get(reverse("cart_recovery:account")))
