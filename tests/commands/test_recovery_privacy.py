"""A person's data from the command line."""

from __future__ import annotations

import datetime as dt
import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from cart_recovery.models import WebhookPayload
from tests.privacy.people import EMAIL, make_known_person, traces

pytestmark = pytest.mark.django_db


def run(*args: Any) -> str:
    out = StringIO()
    call_command(*args, stdout=out)
    return out.getvalue()


def test_export_prints_json() -> None:
    make_known_person()
    data = json.loads(run("recovery_privacy", "export", "--address", EMAIL.upper()))
    assert data["contacts"][0]["email"] == EMAIL


def test_erase_asks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    contact = make_known_person()
    monkeypatch.setattr("builtins.input", lambda question: "no")
    assert "Nothing was changed" in run("recovery_privacy", "erase", "--contact", contact.pk)
    assert traces()
    assert "contacts 1\n" in run("recovery_privacy", "erase", "--contact", contact.pk, "--yes")
    assert traces() == []


def test_retention_says_first_and_then_does() -> None:
    WebhookPayload.objects.create(channel="email", body="[]")
    WebhookPayload.objects.update(received_at=timezone.now() - dt.timedelta(days=31))
    assert "webhooks               30 days           1" in run("recovery_retention", "--dry-run")
    assert WebhookPayload.objects.count() == 1
    assert "webhooks               30 days           1" in run("recovery_retention")
    assert WebhookPayload.objects.count() == 0
