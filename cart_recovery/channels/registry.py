"""Alias -> channel, as `CART_RECOVERY["CHANNELS"]` says. Built on first use, once per process."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Mapping
from typing import Any, Final

from django.utils.module_loading import import_string

from cart_recovery.channels.base import Channel
from cart_recovery.conf import conf
from cart_recovery.exceptions import ChannelConfigurationError


class Registry:
    """The channels of one process. Changed settings make a new channel and close the old one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channels: dict[str, tuple[Mapping[str, Any], Channel]] = {}

    def get(self, alias: str) -> Channel:
        entry = conf.CHANNELS.get(alias)
        if entry is None:
            raise ChannelConfigurationError(
                f'There is no channel "{alias}": add it to CART_RECOVERY["CHANNELS"].'
            )
        known = self._channels.get(alias)
        if known is not None and known[0] == entry:
            return known[1]
        with self._lock:
            return self._build(alias, entry)

    def forget(self) -> None:
        """After a fork: the parent's connections, and its lock, are not ours."""
        self._lock = threading.Lock()
        self._channels = {}

    def _build(self, alias: str, entry: Mapping[str, Any]) -> Channel:
        known = self._channels.get(alias)
        if known is not None and known[0] == entry:
            return known[1]
        channel = build_channel(alias, entry)
        self._channels[alias] = (copy.deepcopy(entry), channel)
        if known is not None:
            known[1].close()
        return channel


def build_channel(alias: str, entry: Any) -> Channel:
    """A new channel. Raises ChannelConfigurationError that spells the setting to write."""
    where = f'CART_RECOVERY["CHANNELS"]["{alias}"]'
    if not isinstance(entry, Mapping):
        raise ChannelConfigurationError(f'{where} must be {{"BACKEND": ..., "OPTIONS": {{...}}}}.')
    path, options = entry.get("BACKEND"), entry.get("OPTIONS", {})
    if not isinstance(path, str) or not path:
        raise ChannelConfigurationError(f'{where}["BACKEND"] must be the path of a Channel class.')
    if not isinstance(options, Mapping):
        raise ChannelConfigurationError(f'{where}["OPTIONS"] must be a dict.')
    try:
        channel_class = import_string(path)
    except ImportError as error:
        raise ChannelConfigurationError(
            f'{where}["BACKEND"]: "{path}" cannot be imported: {error}'
        ) from error
    if not (isinstance(channel_class, type) and issubclass(channel_class, Channel)):
        raise ChannelConfigurationError(f'{where}["BACKEND"]: "{path}" is no Channel class.')
    return channel_class(alias, options)


def get_channel(alias: str) -> Channel:
    """The channel of an alias. Raises ChannelConfigurationError."""
    return _registry.get(alias)


def configured_aliases() -> tuple[str, ...]:
    """All aliases, in the order of the settings."""
    return tuple(conf.CHANNELS)


_registry: Final = Registry()
os.register_at_fork(after_in_child=_registry.forget)
