"""Consent as JSON, for apps and headless shops."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from cart_recovery.consent.wordings import current
from cart_recovery.models import Contact, Notice, OptIn
from tests.factories import make_consent, make_contact, make_user
from tests.preferences.conftest import PHONE

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return Client(enforce_csrf_checks=True, headers={"Accept-Language": "en"})


def entry(channel: str = "email", **changes: Any) -> dict[str, Any]:
    values = {
        "channel": channel, "address": "neu@example.de" if channel == "email" else "0151 12345678",
        "country": "DE", "wording": current(f"capture-{channel}", "de").pk, "language": "de",
        "source_url": "shopapp://basket",
    }  # fmt: skip
    return values | changes


def post(client: Client, body: Any, **kwargs: Any) -> Any:
    data = body if isinstance(body, (bytes, str)) else json.dumps(body)
    kwargs.setdefault("content_type", "application/json")
    return client.generic("POST", reverse("cart_recovery:api_consent"), data, **kwargs)


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_wording_can_be_fetched(client: Client, language: str) -> None:
    query = {"form": "capture", "channel": "sms", "language": language}
    response = client.get(reverse("cart_recovery:api_wordings"), query)
    wording = current("capture-sms", language)
    assert response.json() == {
        "id": wording.pk, "form": "capture", "channel": "sms", "language": language,
        "version": 1, "text": wording.text, "purposes": ["cart_reminder"],
    }  # fmt: skip
    assert not response.cookies


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [({}, 400, "channel"), ({"channel": "fax"}, 400, "channel"),
     ({"channel": "email", "form": "nothing"}, 404, "form"),
     ({"channel": "email", "form": "x" * 500}, 404, "form")],
)  # fmt: skip
def test_a_wording_that_is_not_there_is_told(
    client: Client, query: dict[str, str], status: int, field: str
) -> None:
    response = client.get(reverse("cart_recovery:api_wordings"), query)
    assert response.status_code == status
    assert list(response.json()["errors"]) == [field]


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_an_entry_is_asked_at_its_address(client: Client, channel: str) -> None:
    response = post(client, entry(channel))
    assert (response.status_code, response.json()) == (202, {"status": "accepted"})
    contact = Contact.objects.get()
    assert contact.address_for("phone" if channel == "sms" else "email") in (
        "neu@example.de",
        PHONE,
    )
    opt_in = OptIn.objects.get()
    assert (opt_in.source, opt_in.source_url) == ("api_capture", "shopapp://basket")
    assert (opt_in.language, Notice.objects.get().language) == ("de", "de")


def test_the_answer_is_always_the_same(client: Client) -> None:
    make_consent(make_contact("bekannt@example.de"))
    answers = {
        (
            post(client, entry(address=address)).status_code,
            post(client, entry(address=address)).content,
        )
        for address in ("neu@example.de", "bekannt@example.de", "oft@example.de")
    }
    assert len(answers) == 1


def test_a_session_says_nothing(client: Client) -> None:
    user = make_user("kunde@example.de")
    client.force_login(user)
    post(client, entry("sms"))
    assert Contact.objects.get(user=user).phone is None
    assert OptIn.objects.get().contact.user is None


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"channel": "fax"}, {"channel"}), ({"channel": None}, {"channel"}),
        ({"address": "kein@"}, {"address"}), ({"address": None}, {"address"}),
        ({"address": ["a@b.de"]}, {"address"}), ({"address": True}, {"address"}),
        ({"address": "abuse@example.de"}, {"address"}), ({"address": "a\ud800@b.de"}, {"address"}),
        ({"country": "Deutschland"}, {"country"}), ({"wording": 999_999}, {"wording"}),
        ({"wording": None}, {"wording"}), ({"wording": 10**40}, {"wording"}),
        ({"source_url": "no address"}, {"source_url"}),
        ({"source_url": "https://x/" + "y" * 600}, {"source_url"}),
        ({"channel": "sms", "address": "030 123456"}, {"address", "wording"}),
        ({"address": "x", "country": "XX", "wording": 0}, {"address", "country", "wording"}),
    ],
)  # fmt: skip
def test_each_wrong_field_is_named(
    client: Client, changes: dict[str, Any], fields: set[str]
) -> None:
    response = post(client, entry() | changes)
    assert response.status_code == 400
    assert set(response.json()["errors"]) == fields
    assert not Contact.objects.exists()


@pytest.mark.parametrize(
    "body",
    [b" ", b"{", b"[]", b"null", b'"x"', b"[" * 10_000, b"\xff\xfe", b'{"nothing": 1}', b"NaN"],
)
def test_what_is_no_object_is_refused(client: Client, body: bytes) -> None:
    response = post(client, body)
    assert response.status_code == 400
    assert list(response.json()["errors"]) == [""]


def test_size_type_and_method_are_refused_with_reasons(client: Client) -> None:
    assert post(client, b" " * 20_000).status_code == 413
    for content_type in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
        "multipart/form-data",
    ):
        assert post(client, entry(), content_type=content_type).status_code == 415
    for method, name, allowed in (
        ("get", "api_consent", "POST"), ("put", "api_consent", "POST"),
        ("post", "api_wordings", "GET, HEAD"),
    ):  # fmt: skip
        response = getattr(client, method)(reverse(f"cart_recovery:{name}"))
        assert (response.status_code, response["Allow"]) == (405, allowed)
        assert response.json()["errors"]


def test_a_network_that_sends_too_often_has_to_wait(client: Client, settings: Any) -> None:
    settings.CART_RECOVERY = {
        **settings.CART_RECOVERY,
        "FORM_RATE_LIMITS": {"api": {"client": (2, dt.timedelta(hours=1))}},
    }
    assert [post(client, entry()).status_code for _n in range(3)] == [202, 202, 429]
    refused = post(client, entry())
    assert 0 < int(refused["Retry-After"]) <= 3600
    assert refused.json()["errors"]
