"""Is the project's configuration whole? Ids E0xx and W0xx."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured
from django.urls import NoReverseMatch, reverse

from cart_recovery.conf import conf

POSITIVE_DURATIONS = (
    "ABANDONED_AFTER", "CHECKOUT_ABANDONED_AFTER", "MAX_CART_AGE", "LEASE", "UNKNOWN_AFTER",
    "TASK_BUDGET", "RESTORE_LINK_LIFETIME", "ATTRIBUTION_WINDOW", "MISSED_AFTER",
    "OPT_IN_LIFETIME",
)  # fmt: skip
POSITIVE_NUMBERS = ("BATCH_SIZE", "DELIVERY_TASKS", "MAX_ATTEMPTS", "SMS_MAX_PARTS")


def check_project(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Everything that a shop has to write, and that would otherwise fail at the first send."""
    try:
        messages = list(_unknown_keys())
        messages += _values()
    except ImproperlyConfigured as error:
        return [
            Error(str(error), hint="See the settings page of the docs.", id="cart_recovery.E001")
        ]
    return [*messages, *_public_url(), *_legal(), *_hash_key(), *_urls()]


def _unknown_keys() -> Iterator[CheckMessage]:
    for key in sorted(set(conf.raw()) - conf.known_keys()):
        yield Error(
            f'CART_RECOVERY["{key}"] is not a setting.',
            hint=f"Settings are: {', '.join(sorted(conf.known_keys()))}.",
            id="cart_recovery.E002",
        )


def _values() -> Iterator[CheckMessage]:
    for key in sorted(conf.known_keys()):
        value = getattr(conf, key)
        too_small = (key in POSITIVE_DURATIONS and value.total_seconds() <= 0) or (
            key in POSITIVE_NUMBERS and value < 1
        )
        if too_small:
            yield Error(
                f'CART_RECOVERY["{key}"] must be more than zero.',
                hint="Remove the entry to use the default.",
                id="cart_recovery.E003",
            )


def _public_url() -> Iterator[CheckMessage]:
    url = conf.PUBLIC_BASE_URL
    if not url:
        yield Warning(
            'CART_RECOVERY["PUBLIC_BASE_URL"] is not set; links are made from the current Site.',
            hint='Write "PUBLIC_BASE_URL": "https://shop.example". Webhooks are verified with it.',
            id="cart_recovery.W001",
        )
        return
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        yield Error(
            f'CART_RECOVERY["PUBLIC_BASE_URL"] = "{url}" is not the address of a shop.',
            hint='Write scheme and host, without a path: "https://shop.example".',
            id="cart_recovery.E004",
        )
    elif parts.scheme == "http" and not settings.DEBUG and not _is_loopback(parts.hostname or ""):
        yield Warning(
            'CART_RECOVERY["PUBLIC_BASE_URL"] is not https.',
            hint="One-click unsubscribe (RFC 8058) and Gmail ask for https.",
            id="cart_recovery.W002",
        )


def _legal() -> Iterator[CheckMessage]:
    if not conf.IMPRINT:
        yield Warning(
            'CART_RECOVERY["IMPRINT"] is empty: no e-mail will leave.',
            hint="Write the shop's legal footer: name, legal form, address, register, e-mail.",
            id="cart_recovery.W003",
        )
    if not re.search(r"@[^@\s]+\.[^@\s]+|@localhost", conf.FROM_EMAIL) or (
        "webmaster@localhost" in conf.FROM_EMAIL and not settings.DEBUG
    ):
        yield Warning(
            f'The sender "{conf.FROM_EMAIL}" is not an address of the shop.',
            hint='Write "FROM_EMAIL": "Shop <shop@shop.example>" or DEFAULT_FROM_EMAIL.',
            id="cart_recovery.W004",
        )


def _hash_key() -> Iterator[CheckMessage]:
    if not conf.raw().get("ADDRESS_HASH_KEY") and not settings.DEBUG:
        yield Warning(
            "The suppression list hangs on SECRET_KEY: changing that key would forget it.",
            hint='Write a key of its own, once and for all: "ADDRESS_HASH_KEY": "...".',
            id="cart_recovery.W005",
        )


def _urls() -> Iterator[CheckMessage]:
    try:
        reverse("cart_recovery:restore", kwargs={"token": "a" * 12})
    except NoReverseMatch:
        yield Error(
            "The URLs of cart_recovery are not in the project's URLconf.",
            hint='Add path("recovery/", include("cart_recovery.urls")) to ROOT_URLCONF.',
            id="cart_recovery.E005",
        )


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "::1"} or host.startswith("127.")
