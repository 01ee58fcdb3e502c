"""May this still be said about a cart? Pure rules over how the cart and its basket stand now."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from cart_recovery.conf import conf
from cart_recovery.eligibility.facts import FollowUpFacts
from cart_recovery.eligibility.verdicts import Skip, Verdict, Wait
from cart_recovery.models import CartStage, CartState, Enrolment, Reason, TrackedCart
from cart_recovery.shop.baskets import BasketFacts
from cart_recovery.shop.orders import Purchase

CLOSED_CARTS: dict[str, Reason] = {
    CartState.ORDERED: Reason.BOUGHT,
    CartState.EMPTIED: Reason.EMPTIED,
    CartState.MERGED: Reason.BASKET_MERGED,
    CartState.DELETED: Reason.BASKET_GONE,
    CartState.EXCLUDED: Reason.LEFT_OUT,
}
REASON_BY_BASKET_STATUS: dict[str, Reason] = {
    "Submitted": Reason.BOUGHT,
    "Merged": Reason.BASKET_MERGED,
}


def remaining_basket(facts: FollowUpFacts) -> BasketFacts | None:
    """The basket without what the person has bought meanwhile: that is not offered again."""
    if facts.basket is None:
        return None
    return facts.basket.without_products(facts.bought_products)


def judge_purchases(facts: FollowUpFacts, now: dt.datetime) -> Verdict | None:
    """Promise 1: an order by the same person since the cart was left ends everything."""
    if has_bought(facts.followup.enrolment, facts.purchases, facts.copies):
        return Skip(Reason.BOUGHT, ends_enrolment=True)
    return None


def judge_cart(facts: FollowUpFacts, now: dt.datetime) -> Verdict | None:
    """Closed meanwhile, or touched again?"""
    enrolment = facts.followup.enrolment
    closed = CLOSED_CARTS.get(enrolment.subject_cart.state)
    if closed is not None:
        return Skip(closed, ends_enrolment=True)
    busy = busy_cart(enrolment, facts.copies)
    if busy is not None:
        resumes = busy.last_activity_at + max(_idle_time(busy), facts.followup.step.delay)
        # never in the past: the planning of the same sweep may still be on its way
        return Wait(max(resumes, now + dt.timedelta(minutes=1)), Reason.CART_ACTIVE)
    return None


def has_bought(
    enrolment: Enrolment, purchases: Iterable[Purchase], copies: Iterable[TrackedCart]
) -> bool:
    """An order since the clock began, or one of this very shopping, whenever it was."""
    baskets = {enrolment.subject_cart.basket_id, *(copy.basket_id for copy in copies)} - {None}
    return any(p.placed_at >= enrolment.clock_at or p.basket_id in baskets for p in purchases)


def busy_cart(enrolment: Enrolment, copies: Iterable[TrackedCart]) -> TrackedCart | None:
    """The cart, or a restored copy of it, that was touched since the clock began."""
    for cart in (enrolment.subject_cart, *copies):
        if cart.state in CLOSED_CARTS:
            continue
        if cart.state == CartState.ACTIVE or cart.last_activity_at > enrolment.clock_at:
            return cart
    return None


def judge_basket(facts: FollowUpFacts, now: dt.datetime) -> Verdict | None:
    """Is there still something in Oscar's own basket that can be bought?"""
    basket = facts.basket
    if basket is None:
        return Skip(Reason.BASKET_GONE, ends_enrolment=True)
    if not basket.is_open:
        reason = REASON_BY_BASKET_STATUS.get(basket.status, Reason.LEFT_OUT)
        return Skip(reason, ends_enrolment=True)
    if basket.is_empty:
        return Skip(Reason.EMPTIED, ends_enrolment=True)
    remaining = remaining_basket(facts)
    if remaining is None or remaining.is_empty:
        return Skip(Reason.BOUGHT, ends_enrolment=True)
    if not remaining.is_buyable:
        # stock may come back before the next step
        return Skip(Reason.NOTHING_BUYABLE)
    return None


def _idle_time(cart: TrackedCart) -> dt.timedelta:
    if cart.stage == CartStage.CHECKOUT:
        return conf.CHECKOUT_ABANDONED_AFTER
    return conf.ABANDONED_AFTER
