"""Are the channels usable? Asked at start, so that nothing fails at the first send."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from django.apps import AppConfig
from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.exceptions import ChannelConfigurationError

#: what a webhook's URL and the rows can hold
ALIAS: Final = re.compile(r"[-a-zA-Z0-9_]{1,32}")


def check_channels(
    app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[checks.CheckMessage]:
    """All that is wrong with `CART_RECOVERY["CHANNELS"]`."""
    try:
        aliases = configured_aliases()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="cart_recovery.E100")]
    messages: list[checks.CheckMessage] = []
    if not aliases:
        messages.append(
            checks.Warning(
                "There is no channel: nothing will ever be sent.",
                hint='Add one to CART_RECOVERY["CHANNELS"].', id="cart_recovery.W100",
            )
        )  # fmt: skip
    for alias in aliases:
        messages += _check_alias(alias)
    return messages


def _check_alias(alias: Any) -> list[checks.CheckMessage]:
    if not isinstance(alias, str) or not ALIAS.fullmatch(alias):
        text = f'CART_RECOVERY["CHANNELS"] has the alias {alias!r}.'
        hint = "An alias is up to 32 letters, digits, hyphens and underscores."
        return [checks.Error(text, hint=hint, id="cart_recovery.E101")]
    try:
        return get_channel(alias).check()
    except ChannelConfigurationError as error:
        hint = f'Correct CART_RECOVERY["CHANNELS"]["{alias}"].'
        return [checks.Error(str(error), hint=hint, id="cart_recovery.E102")]
