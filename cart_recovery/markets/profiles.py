"""What the law and the carriers ask for, market by market: data, never a condition in the code.

Facts and sources: docs/owners/compliance.md. A shop changes a market, or adds one, in its settings:
`CART_RECOVERY["MARKETS"] = {"GB": {"double_opt_in": ("phone",)}}`.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import phonenumbers

from cart_recovery.conf import conf
from cart_recovery.models import ConsentMethod, Contact


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
    #: SMS per cart, and for how long after it was left; None: no such rule
    sms_per_cart: int | None = None
    sms_within: dt.timedelta | None = None

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
        sms_per_cart=1, sms_within=dt.timedelta(hours=48),
    ),
)  # fmt: skip
STRICTEST: Final = Market("", countries=())


def market_of(contact: Contact) -> Market:
    """The market of a person: by the address, else by the number's prefix, else the shop's own."""
    return market_for(country_of(contact))


def country_of(contact: Contact) -> str:
    """ISO code: of the address, else of the number, else DEFAULT_COUNTRY."""
    if contact.country:
        return contact.country
    number = contact.address_for("phone")
    if number:
        region = phonenumbers.region_code_for_number(phonenumbers.parse(number))
        if region and len(region) == 2:
            return str(region)
    return conf.DEFAULT_COUNTRY


def market_for(country: str) -> Market:
    """The profile of a country (ISO code), with what the shop changed about it."""
    profile = next((p for p in PROFILES if country in p.countries), STRICTEST)
    return _changed(profile, conf.MARKETS.get(profile.code or country, {}))


def _changed(profile: Market, changes: Mapping[str, Any]) -> Market:
    return dataclasses.replace(profile, **changes) if changes else profile
