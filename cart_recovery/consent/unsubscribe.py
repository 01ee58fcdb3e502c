"""Unsubscribe links: a signed token that needs no row, says nothing and never expires."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from django.core.signing import BadSignature, Signer
from django.utils.crypto import salted_hmac
from django.utils.http import base36_to_int, int_to_base36

from cart_recovery.consent.links import public_path
from cart_recovery.exceptions import InvalidTokenError
from cart_recovery.models import Purpose
from cart_recovery.shop.site import absolute_url

# Sent links must work for ever: letters may be added here, never changed or used again.
_PURPOSES: Final = {
    Purpose.CART_REMINDER.value: "c",
    Purpose.ORDER_STATUS.value: "o",
    Purpose.REVIEW_REQUEST.value: "r",
    Purpose.PROMOTION.value: "p",
    Purpose.TRACKING.value: "t",
    Purpose.AUDIENCE.value: "a",
}
_CHANNELS: Final = {"email": "e", "sms": "s", "whatsapp": "w", "messenger": "m", "webpush": "p"}
_OTHER_CHANNEL: Final = "x"
_PURPOSE_OF: Final = {letter: purpose for purpose, letter in _PURPOSES.items()}
_CHANNEL_OF: Final = {letter: channel for channel, letter in _CHANNELS.items()}
_PAYLOAD: Final = re.compile(r"([a-z])([a-z])([0-9a-z]{1,13})(?:-(.{1,32}))?", re.ASCII)

_MAX_LENGTH: Final = 120
_SALT: Final = "cart_recovery.unsubscribe"


class CompactSigner(Signer):
    """Django's signer, SECRET_KEY_FALLBACKS included, with 128 bits of signature instead of 256.

    22 characters that nobody can guess, short enough for an SMS.
    """

    def signature(self, value: str | bytes, key: str | bytes | None = None) -> str:
        digest = salted_hmac(
            f"{_SALT}.compact", value, self.key if key is None else key, algorithm="sha256"
        ).digest()
        return base64.urlsafe_b64encode(digest[:16]).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class UnsubscribeTarget:
    """Whom a link belongs to, and what the message was about."""

    contact_id: int
    channel: str
    purpose: str


def unsubscribe_token(contact_id: int, channel: str, purpose: str) -> str:
    """A URL-safe token without personal data: 26 to 38 characters, more for a shop's own channels.

    Raises ValueError for an unknown purpose.
    """
    letter = _CHANNELS.get(channel, _OTHER_CHANNEL)
    rest = "" if channel in _CHANNELS else f"-{channel}"
    payload = f"{_PURPOSES[Purpose(purpose).value]}{letter}{int_to_base36(contact_id)}{rest}"
    return _signer().sign(payload)


def read_token(token: str) -> UnsubscribeTarget:
    """The target of a token that we made. Raises InvalidTokenError for any other text.

    What phones and mail programs glue to the end of a link (a bracket, a comma) is overlooked.
    """
    trimmed = re.sub(r"[^A-Za-z0-9_-]+$", "", token[:_MAX_LENGTH])
    try:
        payload = _signer().unsign(trimmed)
    except BadSignature:
        raise InvalidTokenError("not a token of ours") from None
    match = _PAYLOAD.fullmatch(payload)
    if match is None or match[1] not in _PURPOSE_OF:
        raise InvalidTokenError("a token of another version")
    channel = match[4] if match[2] == _OTHER_CHANNEL else _CHANNEL_OF.get(match[2])
    if not channel:
        raise InvalidTokenError("a token of another version")
    return UnsubscribeTarget(base36_to_int(match[3]), channel, _PURPOSE_OF[match[1]])


def unsubscribe_url(contact_id: int, channel: str, purpose: str, language: str) -> str:
    """The absolute link for a message; see `public_path`. No redirect stands between a mailbox
    provider's one-click POST and the view."""
    return absolute_url(link_path("unsubscribe", contact_id, channel, purpose, language))


def preferences_url(contact_id: int, channel: str, purpose: str, language: str) -> str:
    """The absolute link to the preference centre, by the same token."""
    return absolute_url(link_path("preferences", contact_id, channel, purpose, language))


def link_path(page: str, contact_id: int, channel: str, purpose: str, language: str) -> str:
    """Path and query of a page (name of its URL) that a token of ours opens."""
    return public_path(page, unsubscribe_token(contact_id, channel, purpose), language)


def mailto_url(mailbox: str, token: str) -> str:
    """`mailto:` for a mailbox that the shop receives by inbound parse: the token behind a plus sign
    says who writes, whatever address they write from. `mailbox` as `unsubscribe@parse.shop.example`.
    """
    local, _at, host = mailbox.rpartition("@")
    return f"mailto:{local}+{token}@{host}?subject=unsubscribe"


def headers(url: str, *, mailto: str = "") -> dict[str, str]:
    """The two headers of RFC 8058. `url` must be https where mailbox providers are to use it, and
    goes first; `mailto` (a URL) is for mail programs that know nothing but that."""
    addresses = f"<{url}>, <{mailto}>" if mailto else f"<{url}>"
    return {"List-Unsubscribe": addresses, "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def list_id(purpose: str) -> dict[str, str]:
    """The header of RFC 2919 by which mail programs and Gmail tell the shop's lists apart."""
    host = urlsplit(absolute_url("/")).hostname or "localhost"
    return {"List-Id": f"<{purpose.replace('_', '-')}.{host}>"}


def _signer() -> CompactSigner:
    # a dot is neither in the signature's alphabet nor in need of quoting
    return CompactSigner(sep=".", salt=_SALT)
