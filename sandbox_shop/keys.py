"""Secrets of one sandbox: made once, kept beside its data."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from sandbox_shop.simulators.signing import ensure_key_file


def secret(var: Path, name: str) -> str:
    """The random secret of that name of the sandbox that lives in `var`."""
    path = var / name
    if not path.exists():
        var.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=var)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(50))
        _publish(Path(draft), path)
    return path.read_text()


def webhook_key_file(var: Path) -> Path:
    """PEM file that the simulated SendGrid signs its event webhooks with."""
    return var / "sendgrid_webhook_key.pem"


def webhook_public_key(var: Path) -> str:
    """The matching public key, as SendGrid's settings page shows it."""
    return ensure_key_file(webhook_key_file(var)).public_key


def _publish(draft: Path, path: Path) -> None:
    """Of several processes that start at once one wins; a rename would replace a key in use."""
    try:
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
