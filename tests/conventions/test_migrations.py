from __future__ import annotations

import pytest
from django.core.management import call_command


@pytest.mark.django_db
def test_models_and_migrations_agree(capsys: pytest.CaptureFixture[str]) -> None:
    """Raises SystemExit with what is missing otherwise."""
    call_command("makemigrations", "cart_recovery", check=True, dry_run=True)
    assert "No changes detected" in capsys.readouterr().out
