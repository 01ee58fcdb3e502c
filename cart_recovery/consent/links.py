"""Links in messages to this app's public pages."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from cart_recovery.shop.site import absolute_url, token_path

#: name of the query parameter with the language of the message
LANGUAGE_PARAMETER: Final = "l"


def public_path(name: str, token: str, language: str) -> str:
    """Path and query of the page `cart_recovery:<name>` of a token: as short as the shop's URLs
    allow, in the language of its message.

    The language is the path's prefix where the shop uses `i18n_patterns`, so that no redirect
    stands between the link and the page.
    """
    path = token_path(name, token, language)
    return f"{path}?{urlencode({LANGUAGE_PARAMETER: language})}" if language else path


def public_url(name: str, token: str, language: str) -> str:
    """The absolute link to it."""
    return absolute_url(public_path(name, token, language))
