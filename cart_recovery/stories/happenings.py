"""Rows as facts: what happened to carts, follow-ups, messages and permissions, and when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from cart_recovery.models import (
    CartState,
    CheckoutTrouble,
    ConsentRecord,
    Contact,
    Conversion,
    DeliveryEvent,
    Enrolment,
    FollowUp,
    FollowUpState,
    LinkClick,
    Message,
    MessageState,
    Milestone,
    Notice,
    OrderMilestone,
    Reply,
    SuppressionChange,
    TrackedCart,
    TrackedOrder,
)
from cart_recovery.shop.orders import OrderFacts
from cart_recovery.stories.facts import Fact
from cart_recovery.stories.rows import Rows

R = TypeVar("R")
#: states of a message that no report of a provider explains: only the row says so
UNREPORTED: Final = frozenset({
    MessageState.RETRY, MessageState.UNKNOWN, MessageState.FAILED, MessageState.WITHDRAWN,
})  # fmt: skip


def happenings(rows: Rows) -> list[Fact]:
    """All facts of these rows in the order in which they happened. Pure."""
    followups = {followup.pk: followup for followup in rows.followups}
    campaigns = {e.pk: e.campaign.name for e in rows.enrolments}
    facts: list[Fact] = [
        *_each(rows.contacts, of_contact),
        *_each(rows.carts, of_cart),
        *_each(rows.troubles, of_trouble),
        *(f for row in _told_together(rows.milestones) for f in of_milestone(row, rows.orders)),
        *(f for row in rows.enrolments for f in of_enrolment(row, rows.orders)),
        *(f for row in rows.followups for f in of_followup(row, campaigns)),
        *(f for row in rows.messages for f in of_message(row, followups, campaigns)),
        *_each(rows.events, of_event),
        *_each(rows.clicks, of_click),
        *_each(rows.orders.values(), of_order),
        *_each(rows.conversions, of_conversion),
        *_each(rows.consents, of_consent),
        *_each(rows.blocks, of_block),
        *_each(rows.notices, of_notice),
        *_each(rows.replies, of_reply),
    ]
    # sorted() keeps what happened at the same moment in the order above, which is that of the flow
    return sorted(facts, key=moment_of)


def moment_of(fact: Fact) -> dt.datetime:
    """When it happened. Raises ValueError for what holds without a moment."""
    if fact.at is None:
        raise ValueError("This fact has no moment.")
    return fact.at


def _each(rows: Iterable[R], tell: Callable[[R], Iterator[Fact]]) -> Iterator[Fact]:
    for row in rows:
        yield from tell(row)


def of_contact(contact: Contact) -> Iterator[Fact]:
    about = ("contact", contact.pk)
    if contact.merged_into_id is not None:
        return
    yield Fact("contact_known", contact.created_at, {}, about)
    if contact.erased_at is not None:
        yield Fact("contact_erased", contact.erased_at, {}, about)


def of_cart(cart: TrackedCart) -> Iterator[Fact]:
    about = ("trackedcart", cart.pk)
    yield Fact(
        "cart_begun", cart.created_at,
        {"cart": cart.pk, "basket": cart.basket_id, "language": cart.language}, about,
    )  # fmt: skip
    if cart.last_activity_at > cart.created_at:
        yield Fact(
            "cart_touched", cart.last_activity_at, {"cart": cart.pk, "stage": cart.stage}, about
        )
    if cart.abandoned_at is not None:
        yield Fact(
            "cart_abandoned", cart.abandoned_at,
            {"cart": cart.pk, "lines": cart.line_count, "total": cart.total,
             "currency": cart.currency},
            about,
        )  # fmt: skip
    if cart.closed_at is not None:
        kind = "cart_left_out" if cart.state == CartState.EXCLUDED else "cart_closed"
        yield Fact(
            kind, cart.closed_at,
            {"cart": cart.pk, "cart_state": cart.state, "exclusion": cart.state_reason}, about,
        )  # fmt: skip


def of_milestone(milestone: OrderMilestone, orders: Mapping[int, OrderFacts]) -> Iterator[Fact]:
    """Lines that got there together are told once. That it was placed, the order itself tells."""
    if milestone.kind == Milestone.PLACED:
        return
    number = _number(milestone.tracked, orders)
    kind = (
        "order_moved"
        if milestone.line_id is None or milestone.is_complete
        else "order_partly_moved"
    )
    yield Fact(
        kind, milestone.reached_at, {"order_number": number, "milestone": milestone.kind}, None
    )


def of_trouble(trouble: CheckoutTrouble) -> Iterator[Fact]:
    yield Fact(
        "checkout_failed", trouble.occurred_at,
        {"cart": trouble.cart_id, "trouble": trouble.kind, "code": trouble.reason,
         "page": trouble.stage},
        ("checkouttrouble", trouble.pk),
    )  # fmt: skip


def of_enrolment(enrolment: Enrolment, orders: Mapping[int, OrderFacts]) -> Iterator[Fact]:
    about = ("enrolment", enrolment.pk)
    name = enrolment.campaign.name
    subject: dict[str, Any] = {"cart": enrolment.cart_id}
    if enrolment.order is not None:
        subject = {"order_number": _number(enrolment.order, orders)}
    kind = "enrolled" if enrolment.order is None else "order_enrolled"
    yield Fact(
        kind, enrolment.enrolled_at,
        {"campaign": name, **subject, "clock_at": enrolment.clock_at}, about,
    )  # fmt: skip
    if enrolment.ended_at is not None:
        yield Fact(
            "enrolment_ended", enrolment.ended_at,
            {"campaign": name, **subject, "enrolment_state": enrolment.state,
             "reason": enrolment.reason},
            about,
        )  # fmt: skip


def _number(tracked: TrackedOrder, orders: Mapping[int, OrderFacts]) -> str:
    order = orders.get(tracked.order_id or 0)
    return order.number if order is not None else "–"


def _told_together(milestones: Iterable[OrderMilestone]) -> list[OrderMilestone]:
    """One milestone of each group."""
    return list({(row.tracked_id, row.kind, row.group): row for row in milestones}.values())


def of_followup(followup: FollowUp, campaigns: Mapping[int, str]) -> Iterator[Fact]:
    about = ("followup", followup.pk)
    which = {
        "campaign": campaigns.get(followup.enrolment_id, ""), "step": followup.step.position,
    }  # fmt: skip
    grant = getattr(followup, "voucher_grant", None)
    if grant is not None:
        yield Fact(
            "voucher_made", grant.created_at, {**which, "expires_at": grant.expires_at}, about
        )
    if followup.ended_at is None:
        return
    if followup.state == FollowUpState.DONE:
        yield Fact(
            "channel_chosen", followup.ended_at, {**which, "choice": followup.choice_reason}, about
        )
        return
    yield Fact(
        "followup_ended", followup.ended_at,
        {**which, "followup_state": followup.state, "reason": followup.reason,
         "choice": followup.choice_reason, "planned_for": followup.planned_for},
        about,
    )  # fmt: skip


def of_message(
    message: Message, followups: Mapping[int, FollowUp], campaigns: Mapping[int, str]
) -> Iterator[Fact]:
    about = ("message", message.pk)
    followup = followups.get(message.followup_id or 0)
    name = campaigns.get(followup.enrolment_id, "") if followup is not None else ""
    yield Fact(
        "message_handed_over", message.sending_at,
        {"message": message.pk, "channel": message.channel, "address": message.to_address,
         "campaign": name, "step": followup.step.position if followup is not None else None,
         "attempts": message.attempts},
        about,
    )  # fmt: skip
    if message.sent_at is not None:
        yield Fact(
            "message_accepted", message.sent_at,
            {"message": message.pk, "channel": message.channel}, about,
        )  # fmt: skip
    if message.state in UNREPORTED:
        yield Fact(
            "message_not_out", message.sending_at,
            {"message": message.pk, "channel": message.channel, "message_state": message.state,
             "reason": message.reason, "detail": message.detail},
            about,
        )  # fmt: skip


def of_event(event: DeliveryEvent) -> Iterator[Fact]:
    yield Fact(
        "provider_report", event.occurred_at,
        {"message": event.message_id, "channel": event.channel, "event": event.kind,
         "code": event.code, "detail": event.detail, "is_machine": event.is_machine},
        ("message", event.message_id) if event.message_id is not None else None,
    )  # fmt: skip


def of_click(click: LinkClick) -> Iterator[Fact]:
    kind = "basket_restored" if click.basket_id is not None else "link_followed"
    cart_id = click.link.cart_id
    yield Fact(
        kind, click.clicked_at,
        {"cart": cart_id, "basket": click.basket_id, "is_machine": click.is_machine},
        ("trackedcart", cart_id),
    )  # fmt: skip


def of_order(order: OrderFacts) -> Iterator[Fact]:
    yield Fact(
        "order_placed", order.placed_at,
        {"order_number": order.number, "total": order.total_incl_tax, "currency": order.currency},
        ("order", order.order_id),
    )  # fmt: skip


def of_conversion(conversion: Conversion) -> Iterator[Fact]:
    about = ("conversion", conversion.pk)
    details = {
        "order_number": conversion.order_number, "channel": conversion.channel,
        "basis": conversion.basis, "total": conversion.amount, "currency": conversion.currency,
        "message": conversion.message_id,
    }  # fmt: skip
    yield Fact("order_credited", conversion.credited_at, details, about)
    if conversion.reversed_at is not None:
        yield Fact("credit_taken_back", conversion.reversed_at, details, about)


def of_consent(record: ConsentRecord) -> Iterator[Fact]:
    yield Fact(
        f"consent_{record.action}", record.recorded_at,
        {"channel": record.channel, "purpose": record.purpose, "method": record.method,
         "source": record.source},
        ("consentrecord", record.pk),
    )  # fmt: skip


def of_block(change: SuppressionChange) -> Iterator[Fact]:
    kind = "address_blocked" if change.change == "added" else "address_freed"
    yield Fact(
        kind, change.changed_at,
        {"channel": change.channel, "suppression": change.reason, "source": change.source},
        ("suppressionchange", change.pk),
    )  # fmt: skip


def of_notice(notice: Notice) -> Iterator[Fact]:
    about = ("notice", notice.pk)
    what = {"notice": notice.kind, "channel": notice.channel}
    yield Fact("notice_planned", notice.created_at, what, about)
    if notice.ended_at is not None and notice.state != FollowUpState.DONE:
        yield Fact(
            "notice_ended", notice.ended_at,
            {**what, "followup_state": notice.state, "reason": notice.reason}, about,
        )  # fmt: skip


def of_reply(reply: Reply) -> Iterator[Fact]:
    yield Fact(
        "reply_received", reply.received_at,
        {"channel": reply.channel, "keyword": reply.keyword}, ("reply", reply.pk),
    )  # fmt: skip
