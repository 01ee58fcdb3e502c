"""How much a person gets at the most: the settings FREQUENCY_CAPS and SERVICE_CAPS, and pure rules."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured

from cart_recovery.conf import conf

KEYS: Final = frozenset({"channels", "limit", "per"})


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that a provider has, or may have."""

    channel: str
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `limit` messages in any span of `per`, on these channels together (empty: on all)."""

    channels: frozenset[str]
    limit: int
    per: dt.timedelta

    def counts(self, channel: str) -> bool:
        return not self.channels or channel in self.channels


@dataclass(frozen=True, slots=True)
class Caps:
    """What a person gets at the most: of advertising, and of news of their orders."""

    advertising: tuple[Cap, ...]
    service: tuple[Cap, ...]

    def of(self, *, is_advertising: bool) -> tuple[Cap, ...]:
        return self.advertising if is_advertising else self.service

    @property
    def longest(self) -> dt.timedelta:
        """How far back the caps look."""
        both = (*self.advertising, *self.service)
        return max((cap.per for cap in both), default=dt.timedelta(0))


def read_caps() -> Caps:
    """The caps of the settings. Raises ImproperlyConfigured that says what to write."""
    return Caps(
        advertising=_read_all("FREQUENCY_CAPS", conf.FREQUENCY_CAPS),
        service=_read_all("SERVICE_CAPS", conf.SERVICE_CAPS),
    )


def free_at(
    caps: Sequence[Cap], sent: Sequence[Sent], channel: str, now: dt.datetime
) -> dt.datetime:
    """The first moment from now on at which one more message on this channel is within all caps."""
    moment = now
    for cap in caps:
        if not cap.counts(channel):
            continue
        latest = sorted((s.at for s in sent if cap.counts(s.channel)), reverse=True)
        if len(latest) >= cap.limit:
            moment = max(moment, latest[cap.limit - 1] + cap.per)
    return moment


def _read_all(setting: str, caps: Sequence[Any]) -> tuple[Cap, ...]:
    return tuple(
        _read(f'CART_RECOVERY["{setting}"][{number}]', raw) for number, raw in enumerate(caps)
    )


def _read(where: str, raw: Any) -> Cap:
    if not isinstance(raw, Mapping) or not set(raw) <= KEYS or not {"limit", "per"} <= set(raw):
        raise ImproperlyConfigured(
            f'{where} must be {{"channels": ["sms"], "limit": 1, "per": timedelta(days=1)}}; '
            "without channels it counts all of them."
        )
    channels, limit, per = raw.get("channels", ()), raw["limit"], raw["per"]
    if not isinstance(channels, (list, tuple)) or not all(isinstance(c, str) for c in channels):
        raise ImproperlyConfigured(f'{where}["channels"] must be a list such as ["sms"].')
    unknown = sorted(set(channels) - set(conf.CHANNELS) - {"sms", "email"})
    if unknown:
        raise ImproperlyConfigured(
            f'{where}["channels"]: there is no channel "{unknown[0]}". '
            f"Channels are: {', '.join(sorted(conf.CHANNELS))}."
        )
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
        raise ImproperlyConfigured(f'{where}["limit"] must be a number from 1 on, not {limit!r}.')
    if not isinstance(per, dt.timedelta) or per <= dt.timedelta(0):
        raise ImproperlyConfigured(f'{where}["per"] must be a timedelta above zero, not {per!r}.')
    return Cap(frozenset(channels), limit, per)
