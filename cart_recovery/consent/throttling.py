"""How often a public form may be used: counted in Django's cache, by hashes, per window of time.

With several web processes the cache has to be one that they share (Redis, Memcached, the
database): Django's default counts in each process for itself.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
from typing import Final

from django.core.cache import cache
from django.http import HttpRequest
from django.utils import timezone

from cart_recovery.conf import conf

logger = logging.getLogger(__name__)

#: one household or server rents at least so much of IPv6
_IPV6_PREFIX: Final = 64


def seconds_to_wait(form: str, whom: str, identity: str) -> int:
    """Count one use of a form, and say for how many seconds it must not be used again; 0: go on.

    `whom` is `client` or `address`, `identity` whatever tells one of them from another ("": nobody
    knows, nothing is counted). A cache that fails stands in nobody's way.
    """
    limit = conf.FORM_RATE_LIMITS.get(form, {}).get(whom)
    if limit is None or not identity:
        return 0
    allowed, within = limit
    window = max(1, int(within.total_seconds()))
    now = int(timezone.now().timestamp())
    left = window - now % window
    key = _key(f"{form}:{whom}:{now // window}:{identity}")
    try:
        return left if _count(key, left) > allowed else 0
    except Exception as error:
        # whatever the backend raises when its server is gone
        logger.error("forms are not limited: %s", type(error).__name__)  # noqa: TRY400 the text may hold keys
        return 0


def client_of(request: HttpRequest) -> str:
    """The network address of whoever sent the request, IPv6 by its /64; "" where it is unknown."""
    header = conf.CLIENT_IP_HEADER
    # the last entry is the one that the nearest proxy, ours, has seen itself
    handed_on = request.headers.get(header, "").rpartition(",")[2] if header else ""
    for text in (handed_on, str(request.META.get("REMOTE_ADDR") or "")):
        try:
            address = ipaddress.ip_address(text.strip())
        except ValueError:
            continue
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        network = ipaddress.ip_network((int(address), _IPV6_PREFIX), strict=False)
        return str(network)
    return ""


def _count(key: str, seconds: int) -> int:
    """One more under this key; the number of all so far. Both calls are atomic."""
    if cache.add(key, 1, timeout=seconds):
        return 1
    try:
        return int(cache.incr(key))
    except ValueError:
        # thrown out between the two calls
        return 1


def _key(text: str) -> str:
    digest = hmac.new(conf.ADDRESS_HASH_KEY.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"cart_recovery:form:{digest}"
