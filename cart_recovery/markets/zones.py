"""The time zones a person may be in: what is known about them, from the surest fact down.

A person's own time zone; else all zones of the country of their address; else those of the number
(the zones of an area code, though people keep numbers when they move); else those of
DEFAULT_COUNTRY, the strictest market. A message waits until it is allowed in every one of them.
"""

from __future__ import annotations

import zoneinfo
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final

import phonenumbers
from babel.core import get_global
from django.conf import settings
from phonenumbers import timezone as number_zones

from cart_recovery.conf import conf

if TYPE_CHECKING:
    from cart_recovery.models import Contact

UNKNOWN: Final = "Etc/Unknown"


def zones_of(contact: Contact) -> tuple[str, ...]:
    """Names of all zones that this person may be in; never empty."""
    return candidate_zones(contact.time_zone, contact.country, contact.address_for("phone"))


def candidate_zones(time_zone: str, country: str, number: str) -> tuple[str, ...]:
    """The same by its facts: name of a zone, ISO code, number in E.164; each may be empty."""
    if time_zone and time_zone in _known_zones():
        return (time_zone,)
    return (
        zones_of_country(country.upper())
        or zones_of_number(number)
        or zones_of_country(conf.DEFAULT_COUNTRY.upper())
        or _shop_zone()
    )


@lru_cache(maxsize=512)
def zones_of_country(country: str) -> tuple[str, ...]:
    """All zones of a country (ISO code) that this machine's time zone data knows, or none."""
    names: list[str] = get_global("territory_zones").get(country, [])
    return tuple(sorted(set(names) & _known_zones()))


@lru_cache(maxsize=4096)
def zones_of_number(number: str) -> tuple[str, ...]:
    """The zones of a number (E.164) within its own country, or none: +1 is a dozen countries."""
    if not number:
        return ()
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return ()
    country = phonenumbers.region_code_for_number(parsed)
    territories = get_global("zone_territories")
    names = {
        name
        for name in number_zones.time_zones_for_number(parsed)
        if name != UNKNOWN and territories.get(name, country) == country
    }
    return tuple(sorted(names & _known_zones()))


def _shop_zone() -> tuple[str, ...]:
    return (settings.TIME_ZONE if settings.TIME_ZONE in _known_zones() else "UTC",)


@cache
def _known_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
