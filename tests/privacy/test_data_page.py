"""The page behind the link to one's own data: what it shows, to whom, and for how long."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cart_recovery import models
from cart_recovery.consent import data_links
from cart_recovery.privacy.erasure import erase
from tests.privacy.people import EMAIL, NAME, PHONE, SPELLINGS, make_known_person

pytestmark = pytest.mark.django_db


def make_path(contact: models.Contact, now: dt.datetime | None = None) -> str:
    token = data_links.create(contact.pk, now or timezone.now())
    return reverse("cart_recovery:data", kwargs={"token": token})


@pytest.mark.parametrize("method", ["get", "head"])
def test_scanner_sees_and_changes_nothing(client: Client, method: str) -> None:
    path = make_path(make_known_person())
    links = list(models.DataLink.objects.values())
    with CaptureQueriesContext(connection) as queries:
        for _ in range(2):
            page = getattr(client, method)(path)
            assert page.status_code == 200
            text = page.content.decode().casefold()
            assert [s for s in SPELLINGS if s.casefold() in text] == []
    verbs = {q["sql"].split()[0] for q in queries} - {"SAVEPOINT", "RELEASE"}
    assert verbs == {"SELECT"}
    assert list(models.DataLink.objects.values()) == links
    assert not page.cookies


def test_pressing_the_button_shows_everything(client: Client) -> None:
    page = client.post(make_path(make_known_person()))
    text = page.content.decode()
    for expected in (EMAIL, PHONE, NAME, "Lampe", "LAMPE-10", "checkout"):
        assert expected in text
    assert "fremd@example.de" not in text
    assert page["Cache-Control"] == "no-store"
    assert page["X-Robots-Tag"] == "noindex, nofollow"
    assert not page.cookies


def test_file_holds_everything(client: Client) -> None:
    answer: Any = client.post(make_path(make_known_person()), {"form": "json"})
    assert answer["Content-Disposition"] == 'attachment; filename="data.json"'
    assert answer["Cache-Control"] == "no-store"
    data = json.loads(b"".join(answer.streaming_content))
    assert data["contacts"][0]["email"] == EMAIL


def test_link_works_for_a_day(client: Client) -> None:
    now = timezone.now()
    contact = make_known_person()
    young = make_path(contact, now - dt.timedelta(hours=23))
    assert client.post(young).status_code == client.post(young).status_code == 200
    old = make_path(contact, now - dt.timedelta(hours=25))
    for answer in (client.get(old), client.post(old)):
        assert answer.status_code == 410
        assert EMAIL not in answer.content.decode()


def test_new_link_ends_the_older_one(client: Client) -> None:
    contact = make_known_person()
    first, second = make_path(contact), make_path(contact)
    assert client.get(first).status_code == 404
    assert client.get(second).status_code == 200


@pytest.mark.parametrize("token", ["falsch", "x" * 32, "", "é" * 32])
def test_what_is_no_link_is_not_found(client: Client, token: str) -> None:
    make_known_person()
    base = reverse("cart_recovery:data", kwargs={"token": "t"}).removesuffix("t")
    assert client.get(base + token).status_code == 404
    assert client.post(base + token).status_code == 404


def test_link_ends_with_the_erasure(client: Client) -> None:
    contact = make_known_person()
    path = make_path(contact)
    erase([contact], source="test", now=timezone.now())
    assert client.post(path).status_code == 404


def test_only_the_hash_of_the_token_is_kept() -> None:
    token = data_links.create(make_known_person().pk, timezone.now())
    assert token not in str(list(models.DataLink.objects.values()))


def test_page_costs_the_same_however_long_the_history(client: Client) -> None:
    contact = make_known_person()

    def cost() -> int:
        path = make_path(contact)
        with CaptureQueriesContext(connection) as queries:
            client.post(path)
        return len(queries)

    cost()
    before = cost()
    message = models.Message.objects.get(channel="email")
    for n in range(150):
        models.DeliveryEvent.objects.create(
            message=message, channel="email", kind="opened", occurred_at=timezone.now(),
            dedupe_key=f"x{n}",
        )  # fmt: skip
        models.Reply.objects.create(
            channel="sms", contact=contact, sender=PHONE, body="?", provider_message_id=f"r{n}"
        )
    assert cost() == before
    assert "100+" in client.post(make_path(contact)).content.decode()
