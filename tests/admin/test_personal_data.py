"""What staff do with a person's data: only with the permission for it, and never in silence."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cart_recovery.consent import purging
from cart_recovery.consent.suppression import suppress
from cart_recovery.models import ConsentState, Contact, Suppression, SuppressionChange
from tests.consent.words import say
from tests.factories import make_consent, make_contact, make_user
from tests.privacy.people import EMAIL, make_known_person, traces

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _in_english(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"


def log_in(client: Client, *permissions: str) -> Any:
    user = make_user(is_staff=True)
    user.user_permissions.add(
        *Permission.objects.filter(
            content_type__app_label="cart_recovery", codename__in=permissions
        )
    )
    client.force_login(user)
    return user


def url(name: str, contact: Contact) -> str:
    return reverse(f"admin:cart_recovery_contact_{name}", args=[contact.pk])


@pytest.mark.parametrize("name", ["data", "data_json", "proof", "erase"])
def test_page_is_refused_without_its_permission(client: Client, name: str) -> None:
    contact = make_known_person()
    log_in(client, "view_contact", "change_contact")
    assert client.get(url(name, contact)).status_code == 403
    assert client.post(url(name, contact)).status_code == 403
    client.logout()
    assert client.get(url(name, contact)).status_code == 302
    assert Contact.objects.get(pk=contact.pk).erased_at is None


def test_contact_page_offers_what_is_allowed(client: Client) -> None:
    contact = make_known_person()
    log_in(client, "view_contact")
    assert b"/erase/" not in client.get(url("change", contact)).content
    log_in(client, "view_contact", "erase_contact", "export_contact")
    page = client.get(url("change", contact)).content.decode()
    for name in ("data", "data_json", "proof", "erase"):
        assert url(name, contact) in page


def test_staff_read_and_download_everything(client: Client) -> None:
    contact = make_known_person()
    log_in(client, "export_contact")
    assert EMAIL in client.get(url("data", contact)).content.decode()
    answer: Any = client.get(url("data_json", contact))
    data = json.loads(b"".join(answer.streaming_content))
    assert data["contacts"][0]["email"] == EMAIL


def test_erasing_is_asked_twice_done_by_post_and_logged(client: Client) -> None:
    contact = make_known_person()
    user = log_in(client, "erase_contact", "view_contact")
    assert client.get(url("erase", contact)).status_code == 200
    assert traces()
    client.post(url("erase", contact))
    assert traces() == []
    entry = LogEntry.objects.get(user=user)
    assert (entry.object_id, entry.object_repr) == (str(contact.pk), str(contact))


def test_unknown_contact_is_not_found(client: Client) -> None:
    log_in(client, "erase_contact", "export_contact")
    for name in ("data", "data_json", "proof", "erase"):
        assert client.get(url(name, Contact(pk=999))).status_code == 404


# --- proof ----------------------------------------------------------------------------------------


def test_proof_says_what_was_agreed_to_where_and_when(client: Client) -> None:
    contact = make_contact("grete@example.de")
    now = timezone.now()
    page_url = "https://shop.example/kasse"
    say(contact, "requested", source="checkout", source_url=page_url, now=now)
    say(contact, "granted", source="link", evidence="Bestätigt", now=now)
    log_in(client, "export_contact")
    page = client.get(url("proof", contact))
    text = page.content.decode()
    for expected in (page_url, "grete@example.de", "Bestätigt", "double opt-in"):
        assert expected in text
    assert "All records are as they were written" in text
    (asked, given) = page.context["proof"].records
    assert given.requested_at == asked.record.recorded_at


def test_proof_compares_a_typed_address_with_the_checksums(client: Client) -> None:
    contact = make_consent(make_contact("alt@example.de"))
    Contact.objects.filter(pk=contact.pk).update(email="neu@example.de", email_key="neu@example.de")
    log_in(client, "export_contact")
    assert "known by its checksum only" in client.get(url("proof", contact)).content.decode()
    page = client.post(url("proof", contact), {"address": " Alt@Example.DE "})
    assert "at least one record is about this address" in page.content.decode()
    page = client.post(url("proof", contact), {"address": "fremd@example.de"})
    assert "No record is about this address" in page.content.decode()


def test_proof_shows_damage_and_purges(client: Client) -> None:
    contact = make_contact()
    say(contact, "granted", now=timezone.now() - dt.timedelta(days=3000))
    say(contact, "granted", now=timezone.now() - dt.timedelta(days=2000))
    purging.purge([contact.pk], timezone.now() - dt.timedelta(days=1095), timezone.now())
    log_in(client, "export_contact")
    text = client.get(url("proof", contact)).content.decode()
    assert "The first 1 records were deleted" in text
    ConsentState.objects.update(action="withdrawn")
    assert "is not what the records add up to" in client.get(url("proof", contact)).content.decode()


# --- suppressions ---------------------------------------------------------------------------------

ADD = "admin:cart_recovery_suppression_add"


def block(client: Client, **changed: str) -> Any:
    data = {"channel": "email", "address": "Grete@Example.de", "note": "rief an", **changed}
    return client.post(reverse(ADD), data)


def test_staff_block_an_address_with_a_reason(client: Client) -> None:
    user = log_in(client, "add_suppression", "view_suppression")
    assert block(client).status_code == 302
    row, change = Suppression.objects.get(), SuppressionChange.objects.get()
    assert (row.reason, row.source) == ("staff", "admin")
    assert (change.change, change.note, change.user) == ("added", "rief an", user)
    assert "grete@example.de" not in f"{LogEntry.objects.values()} {row} {change}".casefold()


@pytest.mark.parametrize(
    ("changed", "complaint"),
    [
        ({"note": ""}, "This field is required"),
        ({"address": "niemand"}, "no address that the channel could use"),
        ({"channel": "pigeon"}, "Select a valid choice"),
    ],
)
def test_block_that_makes_no_sense_is_refused(
    client: Client, changed: dict[str, str], complaint: str
) -> None:
    log_in(client, "add_suppression", "view_suppression")
    assert complaint in block(client, **changed).content.decode()
    assert not Suppression.objects.exists()


def test_block_twice_is_refused(client: Client) -> None:
    log_in(client, "add_suppression", "view_suppression")
    block(client)
    assert "blocked on this channel already" in block(client).content.decode()


def test_address_is_freed_only_with_a_reason_and_the_permission(client: Client) -> None:
    suppress("email", "email", "a@example.de", reason="complaint", source="test")
    row = Suppression.objects.get()
    path = reverse("admin:cart_recovery_suppression_lift", args=[row.pk])
    log_in(client, "add_suppression", "view_suppression", "delete_suppression")
    assert client.post(path, {"note": "Irrtum"}).status_code == 403
    user = log_in(client, "view_suppression", "lift_suppression")
    assert client.get(path).status_code == 200
    assert client.post(path, {"note": " "}).status_code == 200
    assert Suppression.objects.exists()
    client.post(path, {"note": "Irrtum"})
    assert not Suppression.objects.exists()
    change = SuppressionChange.objects.get(change="lifted")
    assert (change.reason, change.note, change.user) == ("complaint", "Irrtum", user)
    assert LogEntry.objects.filter(user=user).count() == 1


def test_nobody_deletes_a_block_in_silence(client: Client) -> None:
    suppress("email", "email", "a@example.de", reason="complaint", source="test")
    client.force_login(make_user(is_staff=True, is_superuser=True))
    row = Suppression.objects.get()
    name = "admin:cart_recovery_suppression"
    assert client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    data = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
    client.post(reverse(f"{name}_changelist"), data)
    assert Suppression.objects.exists()
