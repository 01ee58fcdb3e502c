"""Who can be reached today, counted by the database however many contacts there are.

The gate before each send asks the same questions person by person (`eligibility.facts.Reach`) and
has the last word. What cannot be asked in SQL: whether a consent is for the address that a contact has
now, since only its keyed hash is kept. Whoever changed their address since they agreed is counted here.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import phonenumbers
from django.db.models import CharField, Count, Exists, Min, OuterRef, Q, QuerySet
from django.db.models.functions import Substr

from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.conf import conf
from cart_recovery.markets.profiles import Market, country_of, market_for
from cart_recovery.models import (
    ConsentAction,
    ConsentMethod,
    ConsentState,
    Contact,
    Purpose,
    Suppression,
)
from cart_recovery.reports.keeping import kept
from cart_recovery.reports.sampling import one_in, sample

#: yes that every market takes for a permission
ALWAYS: Final = (ConsentMethod.DOUBLE, ConsentMethod.IMPORTED)
#: yes that depends on the market
SOMETIMES: Final = (ConsentMethod.SINGLE, ConsentMethod.KEYWORD, "")
#: what is about the very goods that were sold, so that a soft opt-in suffices where the market knows it;
#: elsewhere it also depends on what is offered, and counts nobody
ABOUT_SALES: Final = (Purpose.REVIEW_REQUEST,)


def reach(purpose: str) -> dict[str, dict[str, int]]:
    """Channel -> how many contacts may be written to today for this purpose, and what keeps others out.

    `{"sms": {"reached": 120, "unconfirmed": 30, "blocked": 2, "addresses": 400, "one_in": 1}}`; where
    `one_in` is more than 1, one contact in so many was looked at. One query, and one per channel.
    """
    addresses = Contact.objects.filter(_is_alive()).aggregate(
        email=Count("pk", filter=has_address("email")),
        phone=Count("pk", filter=has_address("phone")),
    )
    return {alias: _reach_on(alias, purpose, addresses) for alias in configured_aliases()}


def kept_reach(purpose: str, *, fresh: bool = False) -> Any:
    """The same from the cache where it was counted minutes ago: (moment, reach)."""
    return kept(f"reach.{purpose}", lambda: reach(purpose), fresh=fresh)


def permitted(channel: str, purpose: str, contact: str = "pk") -> Q:
    """A condition that holds where the contact (path `contact`) may be reached on the channel."""
    if purpose == Purpose.ORDER_STATUS:
        # no yes is needed, but a no is obeyed
        refused = states(channel, purpose).filter(action=ConsentAction.WITHDRAWN)
        return ~Q(Exists(refused.filter(contact=OuterRef(contact))))
    return Q(Exists(granted(channel, purpose).filter(contact=OuterRef(contact))))


def granted(channel: str, purpose: str) -> QuerySet[ConsentState]:
    """Permissions that hold, of contacts that have an address for the channel."""
    kind = get_channel(channel).address_kind
    rows = (
        states(channel, purpose)
        .filter(action=ConsentAction.GRANTED)
        .filter(accepted(kind, purpose))
    )
    return rows.filter(_is_alive("contact__"), has_address(kind, "contact__")).exclude(
        _blocked(channel)
    )


def states(channel: str, purpose: str) -> QuerySet[ConsentState]:
    return ConsentState.objects.filter(channel=channel, purpose=purpose).order_by()


def accepted(kind: str, purpose: str) -> Q:
    """Consents (`ConsentState`) whose method the market of their contact takes for a permission."""
    condition = Q(method__in=ALWAYS)
    soft = (ConsentMethod.SOFT,) if purpose in ABOUT_SALES else ()
    for method in (*SOMETIMES, *soft):
        if everywhere := _countries(method, kind):
            condition |= Q(method=method) & _lives_in(everywhere)
    return condition


def has_address(kind: str, prefix: str = "") -> Q:
    """Contacts (path `prefix`) with an address of this kind."""
    if kind == "phone":
        return Q(**{f"{prefix}phone__isnull": False})
    return ~Q(**{f"{prefix}email": ""})


def contacts_by_country() -> dict[str, int]:
    """ISO code -> contacts with a phone number there, more or less. Two queries.

    Where a contact has no country, numbers that begin alike are told by one of them.
    """
    people = Contact.objects.filter(_is_alive(), has_address("phone"))
    number = one_in(people.count())
    rows = (
        sample(people, number)
        .annotate(begins=Substr("phone", 1, 4, output_field=CharField()))
        .order_by()
        .values_list("country", "begins")
        .annotate(example=Min("phone"), n=Count("pk"))
    )
    found: dict[str, int] = {}
    for country, _begins, example, count in rows:
        code = country_of(Contact(country=country, phone=example))
        found[code] = found.get(code, 0) + count * number
    return found


def markets(counts: Mapping[str, int]) -> list[tuple[Market, int]]:
    """The shop's own market, then those in which contacts have numbers: (market, how many)."""
    found: dict[str, tuple[Market, int]] = {}
    for country in (conf.DEFAULT_COUNTRY.upper(), *sorted(counts)):
        market = market_for(country)
        _market, before = found.get(market.code, (market, 0))
        found[market.code] = (market, before + counts.get(country, 0))
    return list(found.values())


def _reach_on(channel: str, purpose: str, addresses: Mapping[str, int]) -> dict[str, int]:
    kind = get_channel(channel).address_kind
    number = one_in(max(addresses.values()))
    if purpose == Purpose.ORDER_STATUS:
        everybody = Contact.objects.filter(_is_alive(), has_address(kind)).order_by()
        counts = sample(everybody, number).aggregate(
            reached=Count("pk", filter=permitted(channel, purpose))
        )
    else:
        ok = accepted(kind, purpose)
        rows = (
            states(channel, purpose)
            .filter(_is_alive("contact__"), has_address(kind, "contact__"))
            .filter(action=ConsentAction.GRANTED)
        )
        counts = (
            sample(rows, number, "contact_id")
            .annotate(is_blocked=_blocked(channel))
            .aggregate(
                reached=Count("pk", filter=ok & Q(is_blocked=False)),
                unconfirmed=Count("pk", filter=~ok & ~Q(method=ConsentMethod.SOFT)),
                blocked=Count("pk", filter=ok & Q(is_blocked=True)),
            )
        )
    scaled = {name: min(count * number, addresses[kind]) for name, count in counts.items()}
    return {
        "unconfirmed": 0, "blocked": 0, **scaled, "addresses": addresses[kind], "one_in": number,
    }  # fmt: skip


def _is_alive(prefix: str = "") -> Q:
    return Q(**{f"{prefix}merged_into__isnull": True, f"{prefix}erased_at__isnull": True})


def _blocked(channel: str) -> Exists:
    return Exists(
        Suppression.objects.filter(channel=channel, address_digest=OuterRef("address_digest"))
    )


def _lives_in(countries: frozenset[str]) -> Q:
    """Contacts whose country, number or else the shop's own country is one of these."""
    codes = {f"+{phonenumbers.country_code_for_region(c)}" for c in countries}
    by_number = Q()
    for code in sorted(codes):
        by_number |= Q(contact__phone__startswith=code)
    is_unknown = Q(contact__country="")
    condition = Q(contact__country__in=countries) | (
        is_unknown & Q(contact__phone__isnull=False) & by_number
    )
    if conf.DEFAULT_COUNTRY.upper() in countries:
        condition |= is_unknown & Q(contact__phone__isnull=True)
    return condition


def _countries(method: str, kind: str) -> frozenset[str]:
    """Countries whose market takes a yes like this for a permission."""
    return frozenset(c for c in _all_countries() if market_for(c).accepts(method, kind))


@lru_cache(maxsize=1)
def _all_countries() -> tuple[str, ...]:
    return tuple(sorted(phonenumbers.SUPPORTED_REGIONS))
