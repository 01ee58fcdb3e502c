"""Can people say yes and no as the law and the carriers want it? Ids W3xx."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.core.exceptions import ImproperlyConfigured

from cart_recovery.channels.base import Channel
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.conf import conf
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.markets.profiles import market_for

MIDDLEWARE: Final = "cart_recovery.consent.middleware.ConsentMiddleware"
#: where carriers want a double opt-in by text for reminders of carts (PROVIDERS: T-Mobile, toll-free)
CARRIER_MARKETS: Final = ("US",)


def check_consent(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """What would keep a consent from being taken or an opt-out from arriving."""
    try:
        channels = list(_channels())
        phones = [channel for channel in channels if channel.address_kind == "phone"]
        return [*_forms(phones), *_ways_out(channels, phones), *_carriers(phones), *_soft_opt_in()]
    except ImproperlyConfigured:
        # told by the checks of the project and of the channels
        return []


def _channels() -> Iterator[Channel]:
    for alias in configured_aliases():
        try:
            yield get_channel(alias)
        except ChannelConfigurationError:
            continue


def _forms(phones: list[Channel]) -> Iterator[CheckMessage]:
    if (phones or conf.SOFT_OPT_IN) and MIDDLEWARE not in settings.MIDDLEWARE:
        yield Warning(
            "Consent boxes on the checkout's forms are not read.",
            hint=f'Add "{MIDDLEWARE}" to MIDDLEWARE, after session, locale and authentication, or '
            "silence this check if you call consent.capture yourself.",
            id="cart_recovery.W301",
        )


def _ways_out(channels: list[Channel], phones: list[Channel]) -> Iterator[CheckMessage]:
    url = urlsplit(conf.PUBLIC_BASE_URL)
    is_redirected = url.scheme == "http" and getattr(settings, "SECURE_SSL_REDIRECT", False)
    lacks_www = settings.PREPEND_WWW and not (url.hostname or "www.").startswith("www.")
    if channels and (is_redirected or lacks_www):
        yield Warning(
            f'Links with PUBLIC_BASE_URL "{conf.PUBLIC_BASE_URL}" are redirected: one click on '
            '"unsubscribe" in a mail program would get lost.',
            hint="Write the address that answers itself, with https and, for PREPEND_WWW, with www.",
            id="cart_recovery.W302",
        )
    for channel in phones:
        if not channel.supports_reply and url.scheme != "https" and not settings.DEBUG:
            yield Warning(
                f'Channel "{channel.alias}" sends from a name, which nobody can answer with STOP: '
                "the link is the only way out, and it is not a public https address.",
                hint='Set CART_RECOVERY["PUBLIC_BASE_URL"] to "https://shop.example".',
                id="cart_recovery.W303",
            )


def _carriers(phones: list[Channel]) -> Iterator[CheckMessage]:
    for code in CARRIER_MARKETS if phones else ():
        market = market_for(code)
        if "phone" not in market.double_opt_in:
            yield Warning(
                f"SMS go to {code} without double opt-in: carriers there block reminders of carts.",
                hint=f'Remove "double_opt_in" from CART_RECOVERY["MARKETS"]["{market.code}"].',
                id="cart_recovery.W304",
            )


def _soft_opt_in() -> Iterator[CheckMessage]:
    if conf.SOFT_OPT_IN and not market_for(conf.DEFAULT_COUNTRY).allows_soft_opt_in:
        yield Warning(
            f"SOFT_OPT_IN is on, but the market of {conf.DEFAULT_COUNTRY} does not know it.",
            hint="Switch it off, or say otherwise in MARKETS after asking a lawyer.",
            id="cart_recovery.W305",
        )
