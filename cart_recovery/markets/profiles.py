"""What the law and the carriers ask for, market by market: data, never a condition in the code.

Facts and sources: docs/owners/compliance.md. A shop changes a market, or adds one, in its settings:
`CART_RECOVERY["MARKETS"] = {"GB": {"double_opt_in": ("phone",)}}`. What may be written there, and how
it is checked: `markets.changes`.
"""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import phonenumbers

from cart_recovery.conf import conf
from cart_recovery.markets.calendars import is_known
from cart_recovery.markets.changes import EVERY_MARKET, Windows, read_all, read_windows
from cart_recovery.markets.windows import Week
from cart_recovery.models import ConsentMethod, Contact

#: no law of the home markets, but what nobody complains about; inside the Italian ban (22 to 8)
DAYTIME: Final = read_windows({"phone": {"mon-sat": "08:00-20:00"}})
#: inside the law of every state that has one
US_HOURS: Final = read_windows({"phone": {"mon-fri": "10:00-18:00", "sat": "10:00-17:00"}})


@dataclass(frozen=True, slots=True)
class Market:
    """The rules for people of some countries. The defaults are the strictest: German law."""

    code: str
    #: ISO codes; every country that no market names belongs to the strictest one
    countries: tuple[str, ...]
    #: kinds of address (`email`, `phone`) at which a box alone is no permission
    double_opt_in: tuple[str, ...] = ("email", "phone")
    #: whether existing customers may be written to without consent, where the shop switches it on
    allows_soft_opt_in: bool = False
    #: whether START brings back what the person had agreed to; else it leads to a new opt-in
    start_restores: bool = False
    #: whether a service message (an order confirmation, news of an order) may advertise as well
    advertising_in_service: bool = False
    #: SMS per cart, and for how long after it was left; None: no such rule
    sms_per_cart: int | None = None
    sms_within: dt.timedelta | None = None
    #: kind of address -> when messages may arrive, local time; a kind without one has no quiet hours
    windows: Windows = DAYTIME
    #: calendars of the `holidays` library that count; None: that of the person's country
    holidays: tuple[str, ...] | None = None

    def week(self, address_kind: str) -> Week | None:
        """When messages to this kind of address may arrive; None: at any hour."""
        return dict(self.windows).get(address_kind)

    @property
    def calendars(self) -> tuple[str, ...]:
        """The calendars whose days are holidays here."""
        return self.holidays or ()

    def accepts(self, method: str, address_kind: str) -> bool:
        """Whether a yes that came about like this is a permission for this kind of address."""
        if method in (ConsentMethod.DOUBLE, ConsentMethod.IMPORTED):
            return True
        if method == ConsentMethod.KEYWORD:
            return self.start_restores and address_kind == "phone"
        if method == ConsentMethod.SOFT:
            return conf.SOFT_OPT_IN and self.allows_soft_opt_in and address_kind == "email"
        return address_kind not in self.double_opt_in


#: the member states of the European Union and of the EEA without a profile of their own
EU_COUNTRIES: Final = (
    "BE", "BG", "HR", "CY", "CZ", "DK", "EE", "ES", "FI", "FR", "GR", "HU", "IE", "IS", "IT", "LI",
    "LT", "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
)  # fmt: skip
PROFILES: Final[tuple[Market, ...]] = (
    Market("DE", countries=("DE",), allows_soft_opt_in=True),
    Market("AT", countries=("AT",), allows_soft_opt_in=True),
    Market("CH", countries=("CH",), allows_soft_opt_in=True),
    Market("EU", countries=EU_COUNTRIES, allows_soft_opt_in=True),
    Market("GB", countries=("GB", "GG", "IM", "JE"), double_opt_in=(), allows_soft_opt_in=True),
    Market(
        "US", countries=("US", "PR"), double_opt_in=("phone",), start_restores=True,
        # what decides is the primary purpose of the mail (16 CFR 316.3)
        advertising_in_service=True,
        sms_per_cart=1, sms_within=dt.timedelta(hours=48), windows=US_HOURS,
    ),
)  # fmt: skip
STRICTEST: Final = Market("", countries=())


def market_of(contact: Contact) -> Market:
    """The market of a person: by the address, else by the number's prefix, else the shop's own."""
    return market_for(country_of(contact))


def country_of(contact: Contact) -> str:
    """ISO code: of the address, else of the number, else DEFAULT_COUNTRY."""
    if contact.country:
        return contact.country.upper()
    return _country_of_number(contact.address_for("phone")) or conf.DEFAULT_COUNTRY.upper()


def market_for(country: str) -> Market:
    """The profile of a country (ISO code), with what the shop changed about it.

    Raises ImproperlyConfigured where the settings cannot be read.
    """
    global _known  # noqa: PLW0603 replaced as a whole, so that threads see one or the other
    raw = conf.MARKETS
    known = _known
    if known.raw != raw:
        known = _Known(copy.deepcopy(raw), read_all(raw, {p.code for p in PROFILES}), {})
        _known = known
    if country not in known.markets:
        known.markets[country] = _build(country, known.changes)
    return known.markets[country]


@dataclass(frozen=True, slots=True)
class _Known:
    """Settings as they were read, and the markets made of them (as many as there are countries)."""

    raw: Mapping[str, Mapping[str, Any]]
    changes: Mapping[str, Mapping[str, Any]]
    markets: dict[str, Market]


_known = _Known({}, {}, {})


def _build(country: str, changes: Mapping[str, Mapping[str, Any]]) -> Market:
    profile = next((p for p in PROFILES if country in p.countries), STRICTEST)
    # a country without a profile, and one of a market of many, may have an entry of its own
    for entry in dict.fromkeys((EVERY_MARKET, profile.code, country)):
        profile = _changed(profile, changes.get(entry, {}))
    if profile.holidays is None and is_known(country):
        profile = dataclasses.replace(profile, holidays=(country,))
    return profile


def _changed(profile: Market, changes: Mapping[str, Any]) -> Market:
    values = dict(changes)
    if "windows" in values:
        # a kind that is not named stays as it was
        values["windows"] = tuple({**dict(profile.windows), **dict(values["windows"])}.items())
    return dataclasses.replace(profile, **values)


@lru_cache(maxsize=4096)
def _country_of_number(number: str) -> str:
    if not number:
        return ""
    region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    return str(region) if region and len(region) == 2 else ""
