"""Is it settled when messages may go out, and how many? Ids go on from those in `project`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import ImproperlyConfigured

from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.conf import conf
from cart_recovery.eligibility.caps import read_caps
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.markets.changes import EVERY_MARKET
from cart_recovery.markets.profiles import market_for

HINT = "See the page on sending times in the docs."


def check_sending_times(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Mistakes in MARKETS and FREQUENCY_CAPS, and a market in use that has no quiet hours."""
    return [*_markets(), *_caps()]


def _markets() -> Iterator[CheckMessage]:
    try:
        restless = [code for code in _in_use() if market_for(code).week("phone") is None]
    except ImproperlyConfigured as error:
        yield Error(str(error), hint=HINT, id="cart_recovery.E006")
        return
    if restless and _sends_sms():
        yield Warning(
            f"There are no quiet hours for SMS in: {', '.join(restless)}.",
            hint='Take "windows" out of CART_RECOVERY["MARKETS"] to have the usual ones again, or '
            'write "windows": {"phone": {"mon-sat": "08:00-20:00"}}.',
            id="cart_recovery.W006",
        )


def _in_use() -> list[str]:
    """The countries and markets that the settings name."""
    named = {str(code) for code in conf.MARKETS if code != EVERY_MARKET}
    return sorted({conf.DEFAULT_COUNTRY.upper(), *named})


def _sends_sms() -> bool:
    try:
        return any(get_channel(alias).address_kind == "phone" for alias in configured_aliases())
    except (ChannelConfigurationError, ImproperlyConfigured):
        # another check says so
        return False


def _caps() -> Iterator[CheckMessage]:
    try:
        read_caps()
    except ImproperlyConfigured as error:
        yield Error(str(error), hint=HINT, id="cart_recovery.E007")
