"""Where the shop stands on the web, seen from outside a request."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sites.models import Site
from django.urls import get_script_prefix, get_urlconf, reverse
from django.utils import translation

from cart_recovery.conf import conf

#: an absolute address as it may stand in a message
ADDRESS: Final = re.compile(r"https?://[^\s<>\"'`{}|\\^\x00-\x1f\x7f]+\Z", re.IGNORECASE)
MAX_URL: Final = 2000
#: stands where a token goes, while the rest of the path is asked for
_PLACE: Final = "0123456789abcdef0123"


def absolute_url(path: str) -> str:
    """The full URL of a path of this shop, for messages and providers.

    A URL that is absolute already (media on another host) comes back as it is. A path on another
    host without scheme (`//cdn.example/x.png`) gets the shop's scheme.
    """
    if path[:8].lower().startswith(("http://", "https://")):
        return path
    base = base_url()
    if path.startswith("//"):
        return f"{base.partition('://')[0]}:{path}"
    return f"{base}/{path.removeprefix('/')}"


def web_address(text: str) -> str:
    """The full URL that somebody of the shop wrote down, an address or a path of this shop; "" for
    what is neither: a message with such a link could not be sent."""
    url = text.strip().replace(" ", "%20").replace("'", "%27")
    if url.startswith("/"):
        url = absolute_url(url)
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    has_host = any(map(str.isalnum, host))
    return url if has_host and len(url) <= MAX_URL and ADDRESS.match(url) else ""


def base_url() -> str:
    """`https://shop.example`, without a slash at the end.

    From PUBLIC_BASE_URL, else from the current Site and OSCAR_URL_SCHEMA. Raises
    ImproperlyConfigured where there is neither the setting nor a SITE_ID.
    """
    if conf.PUBLIC_BASE_URL:
        return conf.PUBLIC_BASE_URL
    scheme = getattr(settings, "OSCAR_URL_SCHEMA", "https")
    return f"{scheme}://{Site.objects.get_current().domain}"


def token_path(page: str, token: str, language: str) -> str:
    """Path of one of our pages that a token opens (name of its URL), in a language's own URLs.

    The token must need no quoting. Django takes longer to find a path than we take to render a
    message, so only the first link of a kind is asked for.
    """
    head, tail = _around_token(
        page, language, str(get_urlconf() or settings.ROOT_URLCONF), get_script_prefix(),
        settings.LANGUAGE_CODE,
    )  # fmt: skip
    return f"{head}{token}{tail}"


@lru_cache(maxsize=128)
def _around_token(
    page: str, language: str, _urlconf: str, _prefix: str, _default_language: str
) -> tuple[str, str]:
    """What stands before and behind the token; depends on nothing but the arguments."""
    with translation.override(language or None):
        path = reverse(f"cart_recovery:{page}", kwargs={"token": _PLACE})
    head, _place, tail = path.partition(_PLACE)
    return head, tail
