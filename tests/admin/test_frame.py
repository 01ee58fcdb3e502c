"""What every screen of ours shares: who gets in, and that looking changes nothing."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, reverse

from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import Message
from tests.factories import make_consent, make_contact, make_followup, make_user

pytestmark = pytest.mark.django_db
WRITES = ("INSERT", "UPDATE", "DELETE")


def our_urls() -> list[URLPattern]:
    """Every URL of admin whose name begins with our label: new ones are in without being listed."""
    found = [
        pattern
        for model_admin in admin.site._registry.values()
        if model_admin.opts.app_label == "cart_recovery"
        for pattern in model_admin.get_urls()
        if isinstance(pattern, URLPattern) and pattern.name
    ]
    return sorted(found, key=lambda pattern: str(pattern.name))


def path_of(pattern: URLPattern, rows: dict[str, Any]) -> str:
    """The path with keys of rows that are there, so that a refusal is about rights and nothing else."""
    model_name = str(pattern.name).split("_")[2]
    row = rows.get(model_name)
    key = row.pk if row is not None else 1
    wanted = pattern.pattern.converters
    parts: dict[str, Any] = dict.fromkeys(wanted, key)
    for name in wanted:
        if name in rows:
            parts[name] = rows[name]
    return reverse(f"admin:{pattern.name}", kwargs=parts)


@pytest.fixture
def rows(db: None) -> dict[str, Any]:
    """One row of everything that the sending of a message leaves, by the model's name."""
    make_followup(contact=make_consent(make_contact("jemand@example.de")))
    deliver_due()
    assert Message.objects.exists()
    found: dict[str, Model | None] = {
        model_admin.opts.model_name or "": model_admin.model._default_manager.first()
        for model_admin in admin.site._registry.values()
        if model_admin.opts.app_label == "cart_recovery"
    }
    # what stands in URLs beside keys of rows
    return {**found, "channel": "email", "language": "de", "kind": "cart"}


def names() -> list[str]:
    return [str(pattern.name) for pattern in our_urls()]


def test_there_is_something_to_walk() -> None:
    assert len(names()) > 80


def test_the_anonymous_are_sent_to_the_log_in(rows: dict[str, Any]) -> None:
    for pattern in our_urls():
        path = path_of(pattern, rows)
        for method in ("get", "post"):
            answer = getattr(Client(), method)(path)
            assert (answer.status_code, "/login/" in answer.get("Location", "")) == (302, True), (
                f"{method} {path}"
            )


def test_staff_without_a_right_are_refused(rows: dict[str, Any], client: Client) -> None:
    client.force_login(make_user(is_staff=True))
    allowed = []
    for pattern in our_urls():
        path = path_of(pattern, rows)
        for method in ("get", "post"):
            answer = getattr(client, method)(path)
            # Django leads away from a row that is not there before it asks for rights
            is_led_away = answer.status_code == 302 and answer["Location"] == reverse("admin:index")
            if answer.status_code != 403 and not is_led_away:
                allowed.append(f"{method} {path} {answer.status_code}")
    assert allowed == []


def test_looking_changes_nothing(rows: dict[str, Any], client: Client) -> None:
    client.force_login(make_user(is_staff=True, is_superuser=True))
    client.get(reverse("admin:index"))
    for pattern in our_urls():
        path = path_of(pattern, rows)
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(path)
            if answer.streaming:
                b"".join(answer.streaming_content)
        assert answer.status_code in (200, 302, 403, 404, 405), path
        written = [q["sql"] for q in queries if q["sql"].lstrip().upper().startswith(WRITES)]
        # who is logged in and what they were told are Django's own rows
        assert [sql for sql in written if "django_session" not in sql] == [], path
