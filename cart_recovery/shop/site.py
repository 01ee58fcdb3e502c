"""Where the shop stands on the web, seen from outside a request."""

from __future__ import annotations

from django.conf import settings
from django.contrib.sites.models import Site

from cart_recovery.conf import conf


def absolute_url(path: str) -> str:
    """The full URL of a path of this shop, for messages and providers.

    A URL that is absolute already (media on another host) comes back as it is. A path on another
    host without scheme (`//cdn.example/x.png`) gets the shop's scheme.
    """
    if path.startswith(("http://", "https://")):
        return path
    base = base_url()
    if path.startswith("//"):
        return f"{base.partition('://')[0]}:{path}"
    return f"{base}/{path.removeprefix('/')}"


def base_url() -> str:
    """`https://shop.example`, without a slash at the end.

    From PUBLIC_BASE_URL, else from the current Site and OSCAR_URL_SCHEMA. Raises
    ImproperlyConfigured where there is neither the setting nor a SITE_ID.
    """
    if conf.PUBLIC_BASE_URL:
        return conf.PUBLIC_BASE_URL
    scheme = getattr(settings, "OSCAR_URL_SCHEMA", "https")
    return f"{scheme}://{Site.objects.get_current().domain}"
