from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.apps import apps

from cart_recovery.consent.wordings import install_defaults


def snapshot() -> dict[str, list[Any]]:
    """All rows of the app and all sessions, as plain values."""
    models = [*apps.get_app_config("cart_recovery").get_models()]
    models.append(apps.get_model("sessions", "Session"))
    return {m._meta.label: list(m._base_manager.order_by("pk").values()) for m in models}


@pytest.fixture
def assert_rows_unchanged(db: None) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """`with assert_rows_unchanged():` fails if any row of the app changes within."""

    @contextlib.contextmanager
    def check() -> Iterator[None]:
        before = snapshot()
        yield
        assert snapshot() == before

    return check


@pytest.fixture
def shipped_wordings(db: None) -> None:
    install_defaults()
