"""What messages about orders are made of: the order as it stands, and where its links lead. In bulk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import TypeVar

from cart_recovery.campaigns.order_wants import AFTER_RETURN, KINDS
from cart_recovery.carts.guarding import log_failure
from cart_recovery.delivery.cart_requests import Subject
from cart_recovery.delivery.suggesting import (
    Approved,
    is_suggesting,
    may_advertise,
    may_suggest,
    suggestions_for_orders,
)
from cart_recovery.eligibility.facts import FollowUpFacts
from cart_recovery.eligibility.history import is_advertising
from cart_recovery.eligibility.order_rules import lines_left
from cart_recovery.eligibility.verdicts import Skip
from cart_recovery.incentives.granting import grant
from cart_recovery.models import Incentive, Milestone, Reason, Trigger
from cart_recovery.orders.refunds import refund_amounts
from cart_recovery.rendering.order_facts import order_view
from cart_recovery.rendering.requests import OrderView
from cart_recovery.reviews import links
from cart_recovery.reviews.thanks import still_promised
from cart_recovery.shop.order_views import OrderContents, load_order_contents
from cart_recovery.shop.parcels import tracking_urls
from cart_recovery.shop.payments import resume_url
from cart_recovery.shop.progress import OrderProgress
from cart_recovery.shop.site import absolute_url, web_address
from cart_recovery.shop.vouchers import VoucherFacts

#: an address, or several
_Link = TypeVar("_Link", str, tuple[str, ...])


def order_subjects(
    approved: Sequence[Approved], now: dt.datetime, *, suggesting: frozenset[tuple[str, str]]
) -> Mapping[int, Subject | Skip]:
    """By the follow-ups' keys; what has nothing to say is skipped with its reason."""
    if not approved:
        return {}
    contents = _contents(approved)
    suggested = suggestions_for_orders(
        [
            (facts, send)
            for facts, send in approved
            if _is_cross_sell(facts)
            or (is_suggesting(send, suggesting) and may_suggest(facts, send))
        ]
    )
    subjects: dict[int, Subject | Skip] = {}
    for facts, _send in approved:
        key = facts.followup.pk
        if key not in contents:
            subjects[key] = Skip(Reason.ORDER_GONE, ends_enrolment=True)
        elif _is_cross_sell(facts) and not suggested.get(key):
            subjects[key] = Skip(Reason.NOTHING_TO_SUGGEST)
    # vouchers and links are made for what is going to be sent alone
    staying = [item for item in approved if item[0].followup.pk not in subjects]
    followups = [facts.followup for facts, _send in staying]
    vouchers = grant(
        [f for f in followups if f.step.incentive_id and is_advertising(f.enrolment)],
        {pk: content.currency for pk, content in contents.items()},
        now,
    )
    tokens = _review_tokens(staying, now)
    thanks = still_promised(
        (f, f.enrolment.subject_order.order_id) for f in followups if f.pk in tokens
    )
    refunds = _refunds(staying)
    for facts, _send in staying:
        followup = facts.followup
        content = contents[followup.pk]
        subjects[followup.pk] = {
            "order": replace(
                _view(facts, content, tokens.get(followup.pk, ""), refunds),
                thanks=_thanks(thanks.get(followup.pk), content.currency, now),
            ),
            "voucher": vouchers.get(followup.pk),
            "recommendations": suggested.get(followup.pk, ()),
            "may_advertise": may_advertise(followup.enrolment, content.countries),
        }
    return subjects


def _is_cross_sell(facts: FollowUpFacts) -> bool:
    return bool(facts.followup.enrolment.campaign.trigger == Trigger.CROSS_SELL)


def _contents(approved: Sequence[Approved]) -> dict[int, OrderContents]:
    orders = {facts.followup.pk: facts.followup.enrolment.subject_order for facts, _s in approved}
    languages = {
        order_id: facts.followup.enrolment.language
        for facts, _send in approved
        if (order_id := orders[facts.followup.pk].order_id) is not None
    }
    found = load_order_contents(list(languages), languages)
    return {pk: found[order.order_id] for pk, order in orders.items() if order.order_id in found}


def _review_tokens(approved: Sequence[Approved], now: dt.datetime) -> dict[int, str]:
    wanted = {
        facts.followup.pk: links.ReviewRequest(
            contact_id=facts.followup.enrolment.contact_id,
            order_id=facts.order.progress.order.order_id,
            line_ids=tuple(lines_left(facts.followup.enrolment, facts.order)),
            followup_id=facts.followup.pk,
        )
        for facts, _send in approved
        if facts.followup.enrolment.campaign.trigger == Trigger.REVIEW_REQUEST
        and facts.order is not None
        and facts.order.progress is not None
    }
    if not wanted:
        return {}
    tokens = links.create_review_tokens(list(wanted.values()), now)
    return dict(zip(wanted, tokens, strict=True))


def _refunds(approved: Sequence[Approved]) -> Mapping[int, Decimal]:
    """By the enrolments' keys."""
    telling = {
        facts.followup.enrolment: facts.order.progress.refunded
        for facts, _send in approved
        if facts.followup.enrolment.campaign.trigger == Trigger.ORDER_REFUNDED
        and facts.order is not None
        and facts.order.progress is not None
    }
    return refund_amounts(telling, {e.pk: refunded for e, refunded in telling.items()})


def _view(
    facts: FollowUpFacts,
    content: OrderContents,
    token: str,
    refunds: Mapping[int, Decimal],
) -> OrderView:
    enrolment = facts.followup.enrolment
    if facts.order is None or facts.order.progress is None:
        raise LookupError("The rules let a follow-up without an order pass.")
    progress, language = facts.order.progress, enrolment.language
    trigger = enrolment.campaign.trigger
    about = lines_left(enrolment, facts.order)
    is_in_parts = bool(about) and trigger == Trigger.ORDER_PARTLY_SHIPPED
    coming = _still_to_come(progress) if is_in_parts else {}
    is_unpaid = trigger == Trigger.ORDER_UNPAID
    payment_url = _payment_url(progress, language) if is_unpaid else ""
    review_url = links.review_url(token, language) if token else ""
    parcel_urls = _said_by_the_shop(
        "TRACKING_URL",
        lambda: tracking_urls(progress.order.order_id, progress.parcels, about),
        nothing=(),
    )
    parcel_url, *further = parcel_urls or ("",)
    first = {
        Trigger.ORDER_UNPAID: payment_url,
        Trigger.REVIEW_REQUEST: review_url,
        Trigger.ORDER_SHIPPED: parcel_url,
        Trigger.ORDER_PARTLY_SHIPPED: parcel_url,
        Trigger.CROSS_SELL: absolute_url("/"),
    }.get(Trigger(trigger), "")
    # an enrolment without lines, such as a refund by its amount alone, is about the whole order
    return replace(
        order_view(content, about or None, others=coming, action_url=first),
        is_part=_is_part(trigger, progress),
        tracking_url=parcel_url, other_parcels=tuple(further), payment_url=payment_url,
        amount_due=progress.payment.amount_due if is_unpaid else None,
        refund=refunds.get(enrolment.pk),
        review_url=review_url, ratings=links.rating_urls(token, language) if token else (),
    )  # fmt: skip


def _is_part(trigger: str, progress: OrderProgress) -> bool:
    """Whether the news are not of the whole order as it stands now: not everything that is still
    wanted has got so far, or came back."""
    if trigger in AFTER_RETURN:
        return bool(progress.open_lines)
    return trigger in KINDS and not progress.is_at(KINDS[trigger])


def _still_to_come(progress: OrderProgress) -> dict[int, int]:
    """Pieces that have not left the shop yet."""
    coming = {
        line.line_id: line.leaving_quantity - line.at(Milestone.SHIPPED)
        for line in progress.open_lines
    }
    return {pk: pieces for pk, pieces in coming.items() if pieces > 0}


def _payment_url(progress: OrderProgress, language: str) -> str:
    url = _said_by_the_shop(
        "PAYMENT_RESUME_URL", lambda: resume_url(progress.order, language), nothing=""
    )
    return web_address(absolute_url(url)) if url else ""


def _said_by_the_shop(setting: str, ask: Callable[[], _Link], *, nothing: _Link) -> _Link:
    """Links that the shop's own code makes. Where it fails there is nothing: a message without them is
    better than none, for this and all other orders."""
    try:
        return ask()
    except Exception as error:
        log_failure(setting, error)
        return nothing


def _thanks(incentive: Incentive | None, currency: str, now: dt.datetime) -> VoucherFacts | None:
    """What the request may promise; the code comes with the answer."""
    if incentive is None:
        return None
    return VoucherFacts(
        code="", kind=incentive.kind, value=incentive.value, expires_at=now + incentive.valid_for,
        minimum_basket=incentive.minimum_basket, currency=currency,
    )  # fmt: skip
