"""The rows of a story: a constant number of queries, and no more than `NEWEST` of each table."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from django.db.models import Model, Q, QuerySet

from cart_recovery.consent.addresses import digest_for
from cart_recovery.models import (
    CheckoutTrouble,
    ConsentRecord,
    Contact,
    Conversion,
    DeliveryEvent,
    Enrolment,
    FollowUp,
    LinkClick,
    Message,
    Notice,
    OrderMilestone,
    Reason,
    Reply,
    SuppressionChange,
    TrackedCart,
    TrackedOrder,
)
from cart_recovery.shop.orders import OrderFacts, load_orders, purchases_since
from cart_recovery.stories.scopes import NEWEST, Scope

M = TypeVar("M", bound=Model)
#: how far back the shop's orders are searched for the one that ended an enrolment
LOOK_BACK: Final = dt.timedelta(days=90)


@dataclass(slots=True)
class Rows:
    """What is told of each table. `is_cut`: at least one table has more."""

    contacts: list[Contact] = field(default_factory=list)
    carts: list[TrackedCart] = field(default_factory=list)
    milestones: list[OrderMilestone] = field(default_factory=list)
    troubles: list[CheckoutTrouble] = field(default_factory=list)
    enrolments: list[Enrolment] = field(default_factory=list)
    followups: list[FollowUp] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    events: list[DeliveryEvent] = field(default_factory=list)
    clicks: list[LinkClick] = field(default_factory=list)
    conversions: list[Conversion] = field(default_factory=list)
    consents: list[ConsentRecord] = field(default_factory=list)
    blocks: list[SuppressionChange] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    orders: dict[int, OrderFacts] = field(default_factory=dict)
    is_cut: bool = False

    def newest(self, rows: QuerySet[M, Any]) -> list[M]:
        """The newest rows; one more is asked for, to know whether there are more."""
        found = list(rows.order_by("-pk")[: NEWEST + 1])
        self.is_cut |= len(found) > NEWEST
        return found[:NEWEST]


def load(scope: Scope) -> Rows:
    """All rows that a story of this scope tells."""
    rows = Rows()
    rows.contacts = list(Contact.objects.filter(pk__in=scope.contacts))
    rows.carts = rows.newest(TrackedCart.objects.filter(scope.whose_carts()))
    rows.milestones = rows.newest(_milestones(scope))
    rows.enrolments = rows.newest(_enrolments(scope, rows))
    enrolments = [e.pk for e in rows.enrolments]
    rows.followups = rows.newest(
        FollowUp.objects.filter(enrolment__in=enrolments)
        .select_related("step", "voucher_grant")
    )  # fmt: skip
    rows.messages = rows.newest(_messages(scope, rows))
    messages = [m.pk for m in rows.messages]
    rows.events = rows.newest(DeliveryEvent.objects.filter(message__in=messages))
    carts = [c.pk for c in rows.carts]
    rows.troubles = rows.newest(CheckoutTrouble.objects.filter(cart__in=carts))
    rows.clicks = rows.newest(
        LinkClick.objects.filter(link__cart__in=carts).select_related("link")
    )  # fmt: skip
    rows.conversions = rows.newest(Conversion.objects.filter(_conversions(scope, carts)))
    _load_person(rows, scope)
    rows.orders = load_orders(_order_ids(scope, rows))
    return rows


def _enrolments(scope: Scope, rows: Rows) -> QuerySet[Enrolment]:
    found = Enrolment.objects.select_related("campaign", "order")
    if scope.carts is not None:
        about = Q(order__order__in=scope.orders)
        return found.filter(about | Q(cart__in=[cart.pk for cart in rows.carts]))
    whose = Q(contact__in=scope.contacts)
    if scope.orders:
        # an order may have been somebody else's before. By keys: an OR over a join reads the table
        tracked = TrackedOrder.objects.filter(order__in=scope.orders)
        whose |= Q(order__in=list(tracked.values_list("pk", flat=True)))
    return found.filter(whose)


def _milestones(scope: Scope) -> QuerySet[OrderMilestone]:
    found = OrderMilestone.objects.select_related("tracked")
    if scope.carts is not None:
        return found.filter(tracked__order__in=scope.orders)
    return found.filter(Q(tracked__contact__in=scope.contacts) | Q(tracked__order__in=scope.orders))


def _messages(scope: Scope, rows: Rows) -> QuerySet[Message]:
    """Without their texts, which a story does not tell."""
    found = Message.objects.defer("html", "text", "subject")
    if scope.carts is not None:
        return found.filter(followup__in=[f.pk for f in rows.followups])
    whose = Q(contact__in=scope.contacts)
    if scope.orders:
        whose |= Q(followup__in=[f.pk for f in rows.followups])
    return found.filter(whose)


def _conversions(scope: Scope, carts: list[int]) -> Q:
    whose = Q(cart__in=carts) | Q(order__in=scope.orders)
    return whose if scope.carts is not None else whose | Q(contact__in=scope.contacts)


def _load_person(rows: Rows, scope: Scope) -> None:
    """What a person said, and what became of their addresses: it matters for each of their carts."""
    rows.consents = rows.newest(ConsentRecord.objects.filter(contact__in=scope.contacts))
    digests = {
        digest for contact in rows.contacts for kind in ("email", "phone")
        if (digest := digest_for(contact, kind))
    } | {message.address_digest for message in rows.messages if message.address_digest}  # fmt: skip
    rows.blocks = rows.newest(SuppressionChange.objects.filter(address_digest__in=digests))
    if scope.carts is None:
        rows.notices = rows.newest(Notice.objects.filter(contact__in=scope.contacts))
        rows.replies = rows.newest(Reply.objects.filter(contact__in=scope.contacts))


def _order_ids(scope: Scope, rows: Rows) -> set[int]:
    found = {cart.order_id for cart in rows.carts} | {c.order_id for c in rows.conversions}
    found |= {e.order.order_id for e in rows.enrolments if e.order is not None}
    found |= {milestone.tracked.order_id for milestone in rows.milestones}
    found |= scope.orders | _bought_elsewhere(rows)
    return {pk for pk in found if pk is not None}


def _bought_elsewhere(rows: Rows) -> set[int | None]:
    """The orders from other baskets that ended an enrolment. One query, none without such an end."""
    ordered = {cart.pk for cart in rows.carts if cart.order_id is not None}
    ended = [e for e in rows.enrolments if e.reason == Reason.BOUGHT and e.cart_id not in ordered]
    if not ended:
        return set()
    until = max(e.ended_at or e.clock_at for e in ended)
    since = max(min(e.clock_at for e in ended), until - LOOK_BACK)
    purchases = purchases_since(
        since,
        user_ids={c.user_id for c in rows.contacts if c.user_id is not None},
        email_keys={c.email_key for c in rows.contacts if c.email_key},
        phones={c.address_for("phone") for c in rows.contacts} - {""},
    )
    return {p.order_id for p in purchases if p.placed_at <= until}
