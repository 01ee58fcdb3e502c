"""One-time links by which people get their own data: unguessable, short-lived, hashed at rest."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
import secrets
from typing import Final

from django.db import transaction

from cart_recovery.models import DataLink

#: 192 bits: behind this link lies everything that is known of a person
TOKEN_BYTES: Final = 24
TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{32}")
LIFETIME: Final = dt.timedelta(hours=24)


def create(contact_id: int, now: dt.datetime) -> str:
    """A new token for the contact, valid for a day. Links made before for it work no longer."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with transaction.atomic():
        DataLink.objects.filter(contact_id=contact_id).delete()
        DataLink.objects.create(
            contact_id=contact_id, token_hash=hash_token(token), created_at=now,
            expires_at=now + LIFETIME,
        )  # fmt: skip
    return token


def find(token: str, now: dt.datetime) -> DataLink | None:
    """The link of a token with its contact, while it is valid; None for any other text.

    The lookup goes by the hash, so how long it takes tells nothing about other tokens.
    """
    link = _known(token)
    return link if link is not None and link.expires_at > now else None


def has_expired(token: str, now: dt.datetime) -> bool:
    """Whether the token was that of a link once: whoever has it may be told that its time is over."""
    link = _known(token)
    return link is not None and link.expires_at <= now


def _known(token: str) -> DataLink | None:
    if not TOKEN.fullmatch(token):
        return None
    return DataLink.objects.select_related("contact").filter(token_hash=hash_token(token)).first()


def hash_token(token: str) -> str:
    """SHA-256 as hex. No key and no salt: 192 random bits leave nothing to try out."""
    return hashlib.sha256(f"cart_recovery.data:{token}".encode()).hexdigest()
