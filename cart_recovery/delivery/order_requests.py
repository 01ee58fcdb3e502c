"""What messages about orders are made of: the order as it stands, and where its links lead. In bulk."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from cart_recovery.carts.guarding import log_failure
from cart_recovery.delivery.cart_requests import Subject
from cart_recovery.delivery.suggesting import (
    is_suggesting,
    may_advertise,
    suggestions_for_orders,
)
from cart_recovery.eligibility.facts import FollowUpFacts
from cart_recovery.eligibility.history import is_advertising
from cart_recovery.eligibility.order_rules import lines_left
from cart_recovery.eligibility.verdicts import Send, Skip
from cart_recovery.incentives.granting import grant
from cart_recovery.models import Incentive, Milestone, Reason, Trigger
from cart_recovery.orders.refunds import refund_amounts
from cart_recovery.rendering.order_facts import order_view
from cart_recovery.rendering.requests import OrderView
from cart_recovery.reviews import links
from cart_recovery.shop.order_views import OrderContents, load_order_contents
from cart_recovery.shop.parcels import tracking_url
from cart_recovery.shop.payments import resume_url
from cart_recovery.shop.progress import OrderProgress
from cart_recovery.shop.site import absolute_url
from cart_recovery.shop.vouchers import VoucherFacts

Approved = tuple[FollowUpFacts, Send]


def order_subjects(
    approved: Sequence[Approved], now: dt.datetime, *, suggesting: frozenset[tuple[str, str]]
) -> Mapping[int, Subject | Skip]:
    """By the follow-ups' keys; what has nothing to say is skipped with its reason."""
    if not approved:
        return {}
    followups = [facts.followup for facts, _send in approved]
    contents = _contents(approved)
    vouchers = grant(
        [f for f in followups if f.step.incentive_id and is_advertising(f.enrolment)],
        {pk: content.currency for pk, content in contents.items()},
        now,
    )
    tokens = _review_tokens(approved, now)
    refunds = _refunds(approved)
    suggested = suggestions_for_orders(
        [
            facts
            for facts, send in approved
            if facts.followup.enrolment.campaign.trigger == Trigger.CROSS_SELL
            or is_suggesting(send, suggesting)
        ]
    )
    subjects: dict[int, Subject | Skip] = {}
    for facts, _send in approved:
        followup = facts.followup
        content = contents.get(followup.pk)
        products = suggested.get(followup.pk, ())
        if content is None:
            subjects[followup.pk] = Skip(Reason.ORDER_GONE, ends_enrolment=True)
        elif followup.enrolment.campaign.trigger == Trigger.CROSS_SELL and not products:
            subjects[followup.pk] = Skip(Reason.NOTHING_TO_SUGGEST)
        else:
            subjects[followup.pk] = {
                "order": _view(facts, content, tokens.get(followup.pk, ""), refunds, now),
                "voucher": vouchers.get(followup.pk),
                "recommendations": products,
                "may_advertise": may_advertise(followup.enrolment),
            }
    return subjects


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
    now: dt.datetime,
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
    parcel_url = _said_by_the_shop(
        "TRACKING_URL",
        lambda: tracking_url(progress.order.order_id, progress.parcels, about),
    )
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
        tracking_url=parcel_url, payment_url=payment_url,
        amount_due=progress.payment.amount_due if is_unpaid else None,
        refund=refunds.get(enrolment.pk),
        review_url=review_url, ratings=links.rating_urls(token, language) if token else (),
        thanks=_thanks(enrolment.campaign.thanks, content.currency, now) if token else None,
    )  # fmt: skip


def _still_to_come(progress: OrderProgress) -> dict[int, int]:
    """Pieces that have not left the shop yet."""
    coming = {
        line.line_id: line.open_quantity - line.at(Milestone.SHIPPED)
        for line in progress.open_lines
    }
    return {pk: pieces for pk, pieces in coming.items() if pieces > 0}


def _payment_url(progress: OrderProgress, language: str) -> str:
    url = _said_by_the_shop("PAYMENT_RESUME_URL", lambda: resume_url(progress.order, language))
    return absolute_url(url) if url else ""


def _said_by_the_shop(setting: str, ask: Callable[[], str]) -> str:
    """A link that the shop's own code makes. Where it fails there is none: a message without it is
    better than none, for this and all other orders."""
    try:
        return ask()
    except Exception as error:
        log_failure(setting, error)
        return ""


def _thanks(incentive: Incentive | None, currency: str, now: dt.datetime) -> VoucherFacts | None:
    """What the request may promise; the code comes with the answer."""
    if incentive is None:
        return None
    return VoucherFacts(
        code="", kind=incentive.kind, value=incentive.value, expires_at=now + incentive.valid_for,
        minimum_basket=incentive.minimum_basket, currency=currency,
    )  # fmt: skip
