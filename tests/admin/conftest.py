from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from cart_recovery.channels.locmem import LocmemChannel
from tests.admin.desk import Desk
from tests.factories import make_user


@pytest.fixture(autouse=True)
def _empty_outbox() -> None:
    LocmemChannel.reset()


@pytest.fixture
def in_english(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    """A superuser's log-in."""
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def editor(client: Client, db: None) -> Client:
    """A superuser's log-in in English, with an address to send tests to."""
    client.force_login(make_user("ich@shop.example", is_staff=True, is_superuser=True))
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def clerk(db: None) -> Client:
    """In English; may write templates and see nobody's address."""
    user = make_user(is_staff=True)
    for name in ("change_messagetemplate", "view_messagetemplate"):
        user.user_permissions.add(Permission.objects.get(codename=name))
    client = Client()
    client.force_login(user)
    client.cookies["django_language"] = "en"
    return client


@pytest.fixture
def desk(live_server: Any, new_profile: Callable[..., Any]) -> Iterator[Desk]:
    """Staff in Chromium; see `tests.admin.desk`."""
    seat = Desk(new_profile, live_server.url)
    yield seat
    seat.rise()
    assert seat.errors == [], "errors in the page's scripts"
