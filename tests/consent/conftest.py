from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection

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


@pytest.fixture
def unguarded(db: None) -> Iterator[None]:
    """Without the ledger's triggers: someone who may do everything in the database."""
    ledger_migration = importlib.import_module("cart_recovery.migrations.0003_append_only_ledger")
    editor = SimpleNamespace(connection=connection)
    ledger_migration.remove(apps, editor)
    yield
    ledger_migration.install(apps, editor)
