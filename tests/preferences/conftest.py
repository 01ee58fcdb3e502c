from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache

from cart_recovery.consent.unsubscribe import preferences_url
from cart_recovery.consent.wordings import install_defaults
from cart_recovery.models import Contact
from tests.consent.conftest import assert_rows_unchanged  # noqa: F401 shared

PHONE = "+4915112345678"


@pytest.fixture(autouse=True)
def fresh_counters() -> Iterator[None]:
    """Nobody has used a form yet."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def shipped_wordings(db: None) -> None:
    install_defaults()


def centre(contact: Contact, channel: str = "email", purpose: str = "cart_reminder") -> str:
    """Path of the preference centre as a message of this contact links to it."""
    url = preferences_url(contact.pk, channel, purpose, "en")
    return url.removeprefix("https://shop.example")


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())
