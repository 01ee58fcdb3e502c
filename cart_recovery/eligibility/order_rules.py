"""May this still be said about an order? Pure rules over how the order stands now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from cart_recovery.campaigns.order_wants import AFTER_RETURN, KINDS, is_overtaken
from cart_recovery.contacts.claims import usable_phone
from cart_recovery.eligibility.verdicts import Skip
from cart_recovery.models import (
    CHOSEN_START_TRIGGERS,
    ORDER_TRIGGERS,
    Enrolment,
    Milestone,
    Reason,
    Trigger,
)
from cart_recovery.orders.milestones import Group
from cart_recovery.shop.progress import OrderProgress


@dataclass(frozen=True, slots=True)
class OrderSubject:
    """The order of a follow-up as it stands now. `progress` is None where the order is gone.

    `group`: the news that it is about; None for what is no news, and where they were set back.
    `reviewed`: its lines of which a review was written; `gone`: those whose product shoppers do not
    see any more; `has_complaint`: staff look after one; `is_ordered_again`: its person has ordered
    the same goods since.
    """

    progress: OrderProgress | None
    group: Group | None = None
    reviewed: frozenset[int] = frozenset()
    gone: frozenset[int] = frozenset()
    has_complaint: bool = False
    is_ordered_again: bool = False


#: they name the order, and lead to its parcel, its payment or its reviews
ABOUT_THE_ORDER: Final = ORDER_TRIGGERS - {Trigger.CROSS_SELL}

OrderRule = Callable[[Enrolment, OrderSubject], Skip | None]


def refusal(enrolment: Enrolment, subject: OrderSubject) -> Skip | None:
    """The first rule's no; None where nothing stands against it. Needs campaign and lines loaded."""
    for rule in ORDER_RULES.values():
        if (skip := rule(enrolment, subject)) is not None:
            return skip
    return None


def lines_left(enrolment: Enrolment, subject: OrderSubject) -> dict[int, int]:
    """What the message is still about: line -> pieces that were not cancelled, returned, refunded
    or, for a review request, reviewed or taken out of the shop. Without what earlier news told of."""
    before = subject.group.before if subject.group is not None else {}
    enrolled = {
        line.line_id: line.quantity - before.get(line.line_id, 0)
        for line in enrolment.lines.all()
        if line.line_id
    }
    if subject.progress is None:
        return {}
    if enrolment.campaign.trigger in AFTER_RETURN:
        return enrolled
    left = {}
    closed = subject.reviewed | subject.gone if _asks_for_reviews(enrolment) else frozenset()
    for line in subject.progress.lines:
        pieces = min(enrolled.get(line.line_id, 0), line.open_quantity)
        if pieces > 0 and line.line_id not in closed:
            left[line.line_id] = pieces
    return left


def is_other_number(enrolment: Enrolment, subject: OrderSubject, *, is_agreed: bool) -> bool:
    """Whether a text to the contact's number might tell somebody else of this order. Pure.

    A contact keeps the first number that came with its e-mail address, and anyone can type that
    address. So what the order names goes to the number that the order names; where it names none, to
    that of a customer's account, or to one that the person agreed to be reached at (`is_agreed`).
    Mails have no such gap: an order of a guest has its contact by that very address, that of a
    customer goes to the account's.
    """
    if subject.progress is None or enrolment.campaign.trigger not in ABOUT_THE_ORDER:
        return False
    order, number = subject.progress.order, enrolment.contact.address_for("phone")
    if order.phone:
        return number not in (order.phone, usable_phone(order.phone, order.country))
    return order.user_id is None and not is_agreed


def _ends(reason: Reason) -> Skip:
    return Skip(reason, ends_enrolment=True)


def _asks_for_reviews(enrolment: Enrolment) -> bool:
    return enrolment.campaign.trigger == Trigger.REVIEW_REQUEST


def _judge_order(enrolment: Enrolment, subject: OrderSubject) -> Skip | None:
    """Does it still exist, and stand?"""
    if subject.progress is None:
        return _ends(Reason.ORDER_GONE)
    if subject.progress.is_cancelled and enrolment.campaign.trigger not in AFTER_RETURN:
        return _ends(Reason.ORDER_CANCELLED)
    return None


def _judge_payment(enrolment: Enrolment, subject: OrderSubject) -> Skip | None:
    """A reminder to pay needs a debt, and nobody who has ordered anew pays the first order as well."""
    if enrolment.campaign.trigger != Trigger.ORDER_UNPAID or subject.progress is None:
        return None
    if not subject.progress.payment.is_due:
        return _ends(Reason.ORDER_PAID)
    # the other order may be cancelled yet; and what stays unpaid at the end is for staff
    return Skip(Reason.ORDERED_AGAIN) if subject.is_ordered_again else None


def _judge_milestone(enrolment: Enrolment, subject: OrderSubject) -> Skip | None:
    """Is it still where the message says that it is?"""
    campaign, progress = enrolment.campaign, subject.progress
    if progress is None:
        return None
    enrolled = {line.line_id: line.quantity for line in enrolment.lines.all() if line.line_id}
    if campaign.trigger in KINDS:
        if is_overtaken(campaign.trigger, enrolled, progress):
            return _ends(Reason.OVERTAKEN)
        is_so = subject.group is not None and subject.group.is_standing(progress)
        return None if is_so else _ends(Reason.SET_BACK)
    kind = campaign.starts_with if campaign.trigger in CHOSEN_START_TRIGGERS else ""
    if kind in ("", Milestone.PLACED):
        return None
    lines = {line.line_id: line for line in progress.lines if line.line_id in enrolled}
    for key, line in lines.items():
        if line.open_quantity > 0 and line.at(kind) < min(enrolled[key], line.open_quantity):
            return _ends(Reason.SET_BACK)
    return None


def _judge_goods(enrolment: Enrolment, subject: OrderSubject) -> Skip | None:
    """Is there anything left that it is about?"""
    if not enrolment.lines.all() or lines_left(enrolment, subject):
        return None
    if lines_left(enrolment, replace(subject, gone=frozenset())):
        # they may be back by the next step
        return Skip(Reason.GOODS_GONE)
    is_kept = lines_left(enrolment, OrderSubject(subject.progress))
    return _ends(Reason.REVIEWED if is_kept else Reason.TAKEN_BACK)


def _judge_complaint(enrolment: Enrolment, subject: OrderSubject) -> Skip | None:
    """Nobody who has complained is asked for a review, or offered more."""
    is_service = enrolment.campaign.trigger not in CHOSEN_START_TRIGGERS
    return None if is_service or not subject.has_complaint else _ends(Reason.COMPLAINT)


#: in the order in which they are asked. The names are kept by stories
ORDER_RULES: Final[Mapping[str, OrderRule]] = MappingProxyType(
    {
        "order": _judge_order,
        "payment": _judge_payment,
        "goods": _judge_goods,
        "milestone": _judge_milestone,
        "complaint": _judge_complaint,
    }
)
