"""One claim of notices on its way: judge, render, write, look once more."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from cart_recovery.channels.base import Channel
from cart_recovery.channels.registry import get_channel
from cart_recovery.conf import conf
from cart_recovery.consent import data_links, opt_ins, unsubscribe
from cart_recovery.consent.links import public_url
from cart_recovery.delivery import notices as transitions
from cart_recovery.delivery import outbox
from cart_recovery.delivery.claims import new_claim_token
from cart_recovery.delivery.notice_rules import LOOK_AGAIN, NoticeFacts, judge, load_facts
from cart_recovery.delivery.notices import NoticeCall
from cart_recovery.delivery.results import Clock, DeliveryResult
from cart_recovery.delivery.testing import setting_of
from cart_recovery.delivery.writing import Recipient, callback_url, fill, row_of
from cart_recovery.eligibility.verdicts import Skip, Wait
from cart_recovery.exceptions import RenderingError
from cart_recovery.incentives.thanking import thanks_of
from cart_recovery.models import (
    MessageState,
    Notice,
    NoticeKind,
    Purpose,
    Reason,
    ServiceRating,
    TrackedCart,
)
from cart_recovery.rendering.notices import NoticeRequest, render_notice
from cart_recovery.rendering.previews import TestText, render_test
from cart_recovery.rendering.requests import Rendered
from cart_recovery.restore_links.tokens import LinkRequest, create_tokens, restore_url
from cart_recovery.shop.vouchers import VoucherFacts

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Sorted:
    """Notices by verdict."""

    approved: list[NoticeFacts] = field(default_factory=list)
    refused: list[tuple[Notice, Skip]] = field(default_factory=list)
    waiting: list[tuple[Notice, Wait]] = field(default_factory=list)


class NoticeBatch:
    """What the app itself has to say, as far as it is due."""

    def __init__(self, result: DeliveryResult, clock: Clock) -> None:
        self.result = result
        self.clock = clock
        self.token = new_claim_token()
        self.calls: list[NoticeCall] = []

    def prepare(self) -> bool:
        ids = transitions.claim_due(self.clock(), limit=conf.BATCH_SIZE, token=self.token)
        self.result.claimed += len(ids)
        if not ids:
            return False
        now = self.clock()
        found = _judge_all(load_facts(transitions.with_relations(ids), now), now)
        transitions.postpone(found.waiting, token=self.token)
        self.result.waiting.update(str(verdict.reason) for _n, verdict in found.waiting)
        self.calls, failed = compose(found.approved, now)
        refused = [*found.refused, *failed]
        transitions.skip(refused, token=self.token, now=self.clock())
        self.result.skipped.update(str(verdict.reason) for _n, verdict in refused)
        return True

    def open(self) -> list[NoticeCall]:
        held = outbox.open_calls(self.calls, token=self.token, now=self.clock())
        return self._look(held) if held else []

    def _look(self, held: Sequence[NoticeCall]) -> list[NoticeCall]:
        """The last look: everything once more, as it is now that the outbox has committed."""
        now = self.clock()
        calls = {call.notice.pk: call for call in held}
        found = _judge_all(load_facts(transitions.with_relations(calls), now), now)
        gone = [(notice, verdict.reason) for notice, verdict in found.refused]
        outbox.withdraw([(calls[n.pk], why) for n, why in gone], MessageState.WITHDRAWN)
        transitions.withdraw(gone, now)
        later = [(calls[n.pk], verdict.reason) for n, verdict in found.waiting]
        outbox.withdraw(later, MessageState.RETRY)
        NoticeCall.hand_back(
            [call.notice.pk for call, _why in later], until=now + LOOK_AGAIN,
            reason=Reason.CHANNEL_PAUSED,
        )  # fmt: skip
        self.result.withdrawn.update(str(why) for _n, why in [*gone, *later])
        return [calls[facts.notice.pk] for facts in found.approved]


def _judge_all(all_facts: Sequence[NoticeFacts], now: dt.datetime) -> _Sorted:
    found = _Sorted()
    for facts in all_facts:
        try:
            verdict = judge(facts, now)
        except Exception:
            # one poisoned row must not hold up the others for ever (PAINS 22)
            logger.exception("Notice %s cannot be judged", facts.notice.pk)
            verdict = Skip(Reason.INTERNAL_ERROR)
        if verdict is None:
            found.approved.append(facts)
        elif isinstance(verdict, Wait):
            found.waiting.append((facts.notice, verdict))
        else:
            found.refused.append((facts.notice, verdict))
    return found


def compose(
    approved: Sequence[NoticeFacts], now: dt.datetime
) -> tuple[list[NoticeCall], list[tuple[Notice, Skip]]]:
    """Render a message for each notice; what cannot be rendered fails alone.

    Constant queries, save for links to one's own data and for the carts that staff try a text out
    with, which are made and loaded one by one.
    """
    calls: list[NoticeCall] = []
    failed: list[tuple[Notice, Skip]] = []
    links = _links(approved, now)
    callbacks = {alias: callback_url(alias) for alias in {f.notice.channel for f in approved}}
    thanked = _thanked([f.notice for f in approved], now)
    for facts in approved:
        notice = facts.notice
        if notice.pk not in links and notice.kind in LINKED:
            reason = Reason.SETTLED if notice.kind == NoticeKind.OPT_IN else Reason.BASKET_GONE
            failed.append((notice, Skip(reason)))
            continue
        try:
            link, callback = links.get(notice.pk, ""), callbacks[notice.channel]
            calls.append(_call(facts, link, callback, now, thanked.get(notice.pk)))
        except RenderingError as error:
            logger.error("Notice %s cannot be rendered: %s", notice.pk, error.reason)  # noqa: TRY400 it says all
            failed.append((notice, Skip(Reason.TEMPLATE_ERROR)))
        except Exception:
            logger.exception("Notice %s cannot be rendered", notice.pk)
            failed.append((notice, Skip(Reason.TEMPLATE_ERROR)))
    return calls, failed


#: say nothing without their link
LINKED = frozenset({NoticeKind.OPT_IN, NoticeKind.DATA_EXPORT, NoticeKind.SAVED_BASKET})


def _links(approved: Sequence[NoticeFacts], now: dt.datetime) -> dict[int, str]:
    """The link of each notice that has one, by the notice's key."""
    asked = {f.notice.opt_in_id: f.notice for f in approved if f.notice.kind == NoticeKind.OPT_IN}
    tokens = opt_ins.issue_tokens([pk for pk in asked if pk is not None])
    links = {
        asked[pk].pk: public_url("confirm", token, asked[pk].language)
        for pk, token in tokens.items()
    }
    for facts in approved:
        if facts.notice.kind == NoticeKind.DATA_EXPORT:
            token = data_links.create(facts.notice.contact_id, now)
            links[facts.notice.pk] = public_url("data", token, facts.notice.language)
    return links | _restore_links(approved, now)


def _restore_links(approved: Sequence[NoticeFacts], now: dt.datetime) -> dict[int, str]:
    wanted = [f for f in approved if f.notice.kind == NoticeKind.SAVED_BASKET]
    rows = TrackedCart.objects.filter(basket_id__in={f.notice.basket_id for f in wanted})
    carts: dict[int | None, int] = dict(rows.values_list("basket_id", "pk")) if wanted else {}
    found = [f for f in wanted if f.notice.basket_id in carts]
    if not found:
        return {}
    requests = [
        LinkRequest(None, f.notice.contact_id, carts[f.notice.basket_id], f.basket) for f in found
    ]
    return {
        f.notice.pk: restore_url(token, f.notice.language)
        for f, token in zip(found, create_tokens(requests, now), strict=True)
    }


#: the rating that a notice thanks for, and the voucher that comes with it
Thanked = tuple[ServiceRating, VoucherFacts | None]


def _thanked(notices: Sequence[Notice], now: dt.datetime) -> dict[int, Thanked]:
    """What RATING_THANKS say, by the notice's key. Five queries, none without any."""
    asked = {
        n.pk: (n.content or {}).get("rating") for n in notices
        if n.kind == NoticeKind.RATING_THANKS
    }  # fmt: skip
    if not asked:
        return {}
    ratings = ServiceRating.objects.in_bulk([pk for pk in asked.values() if pk is not None])
    vouchers = thanks_of([r.order_id for r in ratings.values() if r.order_id is not None], now)
    return {
        pk: (ratings[key], vouchers.get(ratings[key].order_id))
        for pk, key in asked.items()
        if key in ratings
    }


def _call(
    facts: NoticeFacts, link: str, callback: str, now: dt.datetime, thanked: Thanked | None
) -> NoticeCall:
    notice, contact = facts.notice, facts.notice.contact
    channel = get_channel(notice.channel)
    unsubscribe_url = unsubscribe.unsubscribe_url(
        contact.pk, notice.channel, Purpose.CART_REMINDER, notice.language
    )
    rendered = _rendered(
        facts, channel, link=link, unsubscribe_url=unsubscribe_url, thanked=thanked
    )
    # a mail that is no advertising offers no mail program's button: whoever presses it would take
    # back a consent that nobody has given yet, or means something else
    is_advertising = notice.kind == NoticeKind.SAVED_BASKET and channel.address_kind == "email"
    message = row_of(notice, contact.pk, now)
    to = Recipient(
        notice.channel, channel.address_kind, contact.address_for(channel.address_kind)
    )  # fmt: skip
    outgoing = fill(
        message, rendered, to, callback=callback,
        headers=unsubscribe.headers(unsubscribe_url) if is_advertising else {},
    )  # fmt: skip
    return NoticeCall(message=message, outgoing=outgoing, notice=notice)


def _rendered(
    facts: NoticeFacts, channel: Channel, *, link: str, unsubscribe_url: str,
    thanked: Thanked | None,
) -> Rendered:  # fmt: skip
    notice = facts.notice
    rating, voucher = thanked or (None, None)
    if notice.kind == NoticeKind.TEST:
        kept = TestText.from_json(notice.content, notice.language)
        setting = setting_of(
            channel, notice.language, kept.shows_persons, may_advertise=kept.may_advertise
        )  # fmt: skip
        return render_test(kept, setting)
    return render_notice(
        NoticeRequest(
            kind=NoticeKind(notice.kind), channel=notice.channel, address_kind=channel.address_kind,
            language=notice.language, link=link, unsubscribe_url=unsubscribe_url,
            supports_reply=channel.supports_reply, opt_in=notice.opt_in, basket=facts.basket,
            rating=rating, voucher=voucher,
        )
    )  # fmt: skip
