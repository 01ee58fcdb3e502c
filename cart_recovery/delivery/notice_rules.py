"""May a notice go out now? Facts loaded for a whole batch, then pure rules.

A notice answers what the person did themselves, so it passes some blocks that advertising does not:
who said no once must be able to confirm a new yes, and gets the data they ask for.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from cart_recovery.consent.suppression import reasons_of
from cart_recovery.consent.withdrawals import ADVERTISING
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.eligibility.facts import Reach, load_reach
from cart_recovery.eligibility.timing import opens_at
from cart_recovery.eligibility.verdicts import Skip, Wait
from cart_recovery.models import Notice, NoticeKind, OptInState, Reason
from cart_recovery.provider_events import SuppressionReason
from cart_recovery.shop.baskets import BasketFacts, load_baskets

#: nobody reads there what we send, or the carrier forbids it
UNREACHABLE: Final = frozenset({
    SuppressionReason.CARRIER_BLOCK, SuppressionReason.INVALID_ADDRESS,
})  # fmt: skip
#: nobody who said no needs these
OBEDIENT: Final = frozenset({
    NoticeKind.SAVED_BASKET, NoticeKind.TEST, NoticeKind.RATING_THANKS,
})  # fmt: skip
LOOK_AGAIN: Final = dt.timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """One notice (contact, opt-in loaded) and what was found."""

    notice: Notice
    reach: Reach
    #: why its address is blocked on its channel, or ""
    blocked_for: str
    #: what a SAVED_BASKET is about
    basket: BasketFacts | None


def load_facts(notices: Sequence[Notice], now: dt.datetime) -> list[NoticeFacts]:
    """Facts for a batch, in the order given. Constant queries."""
    blocks = reasons_of({(n.channel, n.address_digest) for n in notices})
    languages: dict[Any, str] = {n.basket_id: n.language for n in notices if n.basket_id}
    baskets = load_baskets(languages.keys(), languages=languages)
    reach = load_reach([n.contact for n in notices], now)
    return [
        NoticeFacts(
            notice=n, reach=reach, basket=baskets.get(n.basket_id or 0),
            blocked_for=blocks.get((n.channel, n.address_digest), ""),
        )
        for n in notices
    ]  # fmt: skip


def judge(facts: NoticeFacts, now: dt.datetime) -> Skip | Wait | None:
    """Why it may not go out, or not yet; None: it may."""
    channel = facts.reach.channels.get(facts.notice.channel)
    if now >= facts.notice.expires_at:
        return Skip(Reason.MISSED)
    if channel is None:
        return Skip(Reason.NO_CHANNEL)
    refusal = _reach_rule(facts, channel.address_kind) or _own_rule(
        facts, channel.address_kind, now
    )
    if refusal is not None:
        return Skip(refusal)
    if channel.is_paused:
        return Wait(channel.paused_until or now + LOOK_AGAIN, Reason.CHANNEL_PAUSED)
    return None


def _reach_rule(facts: NoticeFacts, address_kind: str) -> Reason | None:
    contact = facts.notice.contact
    if contact.erased_at:
        return Reason.ERASED
    address = contact.address_for(address_kind)
    if not address or address_digest(address_kind, address) != facts.notice.address_digest:
        return Reason.NO_ADDRESS
    if _is_blocked(NoticeKind(facts.notice.kind), facts.blocked_for):
        return Reason.SUPPRESSED
    return None


def _is_blocked(kind: NoticeKind, reason: str) -> bool:
    if not reason:
        return False
    if reason in UNREACHABLE or kind in OBEDIENT:
        return True
    # the one answer to a STOP goes to an address that this very STOP has blocked
    return kind is NoticeKind.STOP_CONFIRMED and reason != SuppressionReason.STOP_REPLY


def _own_rule(facts: NoticeFacts, address_kind: str, now: dt.datetime) -> Reason | None:
    notice = facts.notice
    if notice.kind == NoticeKind.OPT_IN:
        asked = notice.opt_in
        is_open = asked is not None and asked.state == OptInState.PENDING and asked.expires_at > now
        return None if is_open else Reason.SETTLED
    if notice.kind == NoticeKind.SAVED_BASKET:
        permitted = _has_agreed(facts, address_kind)
        return _basket_rule(facts.basket) if permitted else Reason.NO_CONSENT
    return _test_rule(facts, address_kind, now) if notice.kind == NoticeKind.TEST else None


def _has_agreed(facts: NoticeFacts, address_kind: str) -> bool:
    """To advertising of any kind on this channel."""
    notice = facts.notice
    return any(
        facts.reach.permissions.is_granted(notice.contact, notice.channel, purpose, address_kind)
        for purpose in ADVERTISING
    )


def _test_rule(facts: NoticeFacts, address_kind: str, now: dt.datetime) -> Reason | None:
    """Who tries a text out on their own mailbox has asked for it; a number may be anybody's, so it
    takes a consent. Nobody's phone rings at night, that of staff neither."""
    if address_kind == "phone" and not _has_agreed(facts, address_kind):
        return Reason.NO_CONSENT
    is_open = opens_at(facts.notice.contact, address_kind, now) == now
    return None if is_open else Reason.QUIET_HOURS


def _basket_rule(basket: BasketFacts | None) -> Reason | None:
    if basket is None:
        return Reason.BASKET_GONE
    if not basket.is_open:
        return Reason.BOUGHT if basket.status == "Submitted" else Reason.BASKET_GONE
    return Reason.EMPTIED if basket.is_empty else None
