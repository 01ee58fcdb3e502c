"""What a person gets, channel by channel, for the page on which they change it. Writes nothing."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from django.db.models import Q
from django.utils import translation

from cart_recovery.channels.names import channel_name
from cart_recovery.channels.registry import configured_aliases
from cart_recovery.conf import conf
from cart_recovery.consent import permissions
from cart_recovery.consent.addresses import address_kind_of, digest_for
from cart_recovery.consent.permissions import Permissions
from cart_recovery.consent.suppression import suppressed
from cart_recovery.contacts.masking import masked
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.models import ConsentWording, Contact, OptIn, OptInState, Purpose

#: codes of the wordings by which something can be switched on again, the nearest first
OFFERS: Final = ("account-", "footer-")


class Answer(StrEnum):
    YES = "yes"
    WAITING = "waiting"
    NO = "no"


@dataclass(frozen=True, slots=True)
class Choice:
    """One purpose on one channel, and the wording by which it can be had again."""

    purpose: Purpose
    answer: Answer
    offer: ConsentWording | None

    @property
    def label(self) -> str:
        return str(self.purpose.label)

    @property
    def is_service(self) -> bool:
        """Owed with an order: needs no consent, and comes back without one."""
        return self.purpose is Purpose.ORDER_STATUS


@dataclass(frozen=True, slots=True)
class ChannelChoices:
    """A channel on which the person can be reached."""

    alias: str
    address_kind: str
    #: as the page may show it
    address: str
    #: messages come back from there, or the person or staff had it blocked
    is_blocked: bool
    choices: tuple[Choice, ...]

    @property
    def name(self) -> str:
        return channel_name(self.alias)


@dataclass(frozen=True, slots=True)
class Overview:
    """All of the page. `languages` are (code, own name)."""

    channels: tuple[ChannelChoices, ...]
    preferred: str
    language: str
    languages: tuple[tuple[str, str], ...]
    paused_until: dt.datetime | None
    #: in which the page itself is
    page_language: str

    @property
    def pause_days(self) -> int:
        return conf.PAUSE.days

    @property
    def has_any(self) -> bool:
        """Whether something could still be switched off."""
        return any(
            choice.answer is not Answer.NO
            for channel in self.channels
            for choice in channel.choices
        )

    def channel(self, alias: str) -> ChannelChoices | None:
        return next((channel for channel in self.channels if channel.alias == alias), None)


def overview(
    contact: Contact, *, language: str, now: dt.datetime, about: Collection[str] = ()
) -> Overview:
    """The page of a contact that is nobody's tombstone. At most six queries, whatever the history.

    `about` are purposes to show in any case: what the message was about whose link was followed.
    A contact that is not saved yet has said nothing.
    """
    kinds = _reachable(contact)
    digests = {alias: digest_for(contact, kind) for alias, kind in kinds.items()}
    standing = permissions.load([contact.pk]) if contact.pk else Permissions({})
    waiting = _waiting(digests, now) if contact.pk else {}
    blocked = suppressed(digests.items())
    offers = _offers(kinds, language)
    channels = tuple(
        ChannelChoices(
            alias, kind, masked(kind, contact.address_for(kind)), (alias, digests[alias]) in blocked,
            _choices(
                contact, alias, kind, standing, offers=offers[alias], about=about,
                waiting=waiting.get(alias, frozenset()),
                is_blocked=(alias, digests[alias]) in blocked,
            ),
        )
        for alias, kind in kinds.items()
    )  # fmt: skip
    is_paused = contact.paused_until is not None and contact.paused_until > now
    return Overview(
        channels=channels,
        preferred=contact.preferred_channel,
        language=contact.language,
        languages=_languages(),
        paused_until=contact.paused_until if is_paused else None,
        page_language=language,
    )


def _reachable(contact: Contact) -> dict[str, str]:
    """Kind of address by channel, where the contact has one."""
    kinds = {}
    for alias in configured_aliases():
        try:
            kind = address_kind_of(alias)
        except ChannelConfigurationError:
            continue
        if contact.address_for(kind):
            kinds[alias] = kind
    return kinds


def _choices(  # noqa: PLR0913 one argument per thing that was loaded, all by name
    contact: Contact, alias: str, kind: str, standing: Permissions, *,
    offers: Mapping[str, ConsentWording], about: Collection[str], waiting: Collection[str],
    is_blocked: bool,
) -> tuple[Choice, ...]:  # fmt: skip
    shown = []
    for purpose in Purpose:
        has_spoken = (contact.pk, alias, purpose.value) in standing.positions
        if not (has_spoken or purpose in offers or purpose in waiting or purpose in about):
            continue
        if purpose is Purpose.ORDER_STATUS:
            is_on = not standing.is_withdrawn(contact.pk, alias, purpose)
        else:
            is_on = standing.is_granted(contact, alias, purpose, kind)
        answer = Answer.NO
        if is_on and not is_blocked:
            answer = Answer.YES
        elif purpose in waiting:
            answer = Answer.WAITING
        shown.append(Choice(purpose, answer, offers.get(purpose)))
    return tuple(shown)


def _waiting(digests: Mapping[str, str], now: dt.datetime) -> dict[str, set[str]]:
    """Channel -> purposes that wait for a confirmation from the address."""
    rows = OptIn.objects.filter(
        address_digest__in=set(digests.values()), state=OptInState.PENDING, expires_at__gt=now
    ).values_list("channel", "address_digest", "purposes")
    found: dict[str, set[str]] = defaultdict(set)
    for channel, digest, purposes in rows:
        if digests.get(channel) == digest:
            found[channel].update(purposes)
    return found


def _offers(channels: Iterable[str], language: str) -> dict[str, dict[str, ConsentWording]]:
    """Channel -> purpose -> the newest wording in the language, else in the shop's. One query."""
    by_code: dict[str, dict[str, dict[str, ConsentWording]]] = defaultdict(
        lambda: defaultdict(dict)
    )
    prefixes = Q()
    for prefix in OFFERS:
        prefixes |= Q(code__startswith=prefix)
    wordings = ConsentWording.objects.filter(prefixes, channel__in=list(channels))
    for wording in wordings.order_by("version"):
        by_code[wording.channel][wording.code][wording.language.lower()] = wording
    offers: dict[str, dict[str, ConsentWording]] = defaultdict(dict)
    for channel, codes in by_code.items():
        for code in sorted(codes, key=_rank):
            wording = _in_language(codes[code], language)
            for purpose in wording.purposes:
                offers[channel].setdefault(purpose, wording)
    return offers


def _rank(code: str) -> tuple[int, str]:
    return next(n for n, prefix in enumerate(OFFERS) if code.startswith(prefix)), code


def _in_language(found: Mapping[str, ConsentWording], language: str) -> ConsentWording:
    language = language.lower()
    candidates: Sequence[str] = (
        language, language.split("-")[0], *conf.LANGUAGES, *sorted(found),
    )  # fmt: skip
    return next(found[name] for name in candidates if name in found)


def _languages() -> tuple[tuple[str, str], ...]:
    names = []
    for code in conf.LANGUAGES:
        try:
            names.append((code, str(translation.get_language_info(code)["name_local"])))
        except KeyError:
            names.append((code, code))
    return tuple(names)
