"""How far orders have got, by whatever way the shop writes that down: plain facts, in bulk.

A shop may use the status of the order, those of its lines, shipping and payment events, or all of
them. They are read together: what any of them says has happened, unless it was set back.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from oscar.core.loading import get_model

from cart_recovery.models import Milestone
from cart_recovery.shop.milestones import (
    PARTLY_SHIPPED,
    milestone_of,
    milestone_of_event,
    refunding_events,
    shop_words,
)
from cart_recovery.shop.orders import OrderFacts, load_orders
from cart_recovery.shop.parcels import Parcel, address_in
from cart_recovery.shop.payments import (
    Holdings,
    Payment,
    load_holdings,
    payment_of,
    waits_for_money,
)
from cart_recovery.shop.refunds import paid_back


@dataclass(frozen=True, slots=True)
class LineProgress:
    """One line of an order. `reached`: milestone -> pieces that are there now; `said`: the same
    without what only follows from a return."""

    line_id: int
    product_id: int | None
    quantity: int
    reached: Mapping[str, int]
    said: Mapping[str, int] = field(default_factory=dict)

    def at(self, milestone: str) -> int:
        """Pieces that have got there."""
        return self.reached.get(milestone, 0)

    @property
    def open_quantity(self) -> int:
        """Pieces that were neither cancelled nor returned nor refunded."""
        back = self.at(Milestone.CANCELLED) + self.at(Milestone.RETURNED)
        return self.quantity - min(max(back, self.at(Milestone.REFUNDED)), self.quantity)

    @property
    def leaving_quantity(self) -> int:
        """Pieces that leave the shop, or have left it, whether they came back or not. Money without
        a return went back for what stays in the shop."""
        unreturned = self.at(Milestone.REFUNDED) - self.at(Milestone.RETURNED)
        return self.quantity - min(max(self.at(Milestone.CANCELLED), unreturned), self.quantity)

    def is_at(self, milestone: str) -> bool:
        """Whether all pieces that get anywhere have got there, and any is left with the customer."""
        return self.open_quantity > 0 and self.at(milestone) >= self.leaving_quantity


@dataclass(frozen=True, slots=True)
class OrderProgress:
    """One order as it stands now. `told_at`: when the shop says that a milestone was reached;
    `unpaid_since`: when the order was set to wait for its money, if it was not placed so."""

    order: OrderFacts
    lines: tuple[LineProgress, ...]
    payment: Payment
    is_cancelled: bool
    #: what the order's status alone means, "" where it means nothing
    milestone: str
    refunded: Decimal
    told_at: Mapping[str, dt.datetime] = field(default_factory=dict)
    parcels: tuple[Parcel, ...] = ()
    unpaid_since: dt.datetime | None = None

    @property
    def open_lines(self) -> tuple[LineProgress, ...]:
        return tuple(line for line in self.lines if line.open_quantity > 0)

    @property
    def is_partly_shipped(self) -> bool:
        """Whether the shop says so without saying what has left."""
        says_what = any(line.at(Milestone.SHIPPED) for line in self.lines)
        return not says_what and any(line.at(PARTLY_SHIPPED) for line in self.lines)

    def is_at(self, milestone: str) -> bool:
        """Whether everything that is still wanted has got there."""
        lines = self.open_lines
        return bool(lines) and all(line.is_at(milestone) for line in lines)


def load_progress(order_ids: Collection[int]) -> dict[int, OrderProgress]:
    """The progress of orders by id; without those that are gone. Constant queries."""
    orders = load_orders(order_ids)
    if not orders:
        return {}
    keys = list(orders)
    lines = _grouped(get_model("order", "Line")._base_manager.filter(order_id__in=keys))
    words = shop_words()
    events = _shipping(keys, words)
    refunds = _refunded_pieces(keys)
    money = paid_back(keys)
    holdings = load_holdings(keys)
    changes = _status_changes(keys)
    return {
        key: _progress(
            order, lines.get(key, []), events.get(key, _NOTHING), refunds,
            taken=money.get(key, Decimal(0)), holdings=holdings.get(key),
            changes=changes.get(key, []), words=words,
        )
        for key, order in orders.items()
    }  # fmt: skip


@dataclass(slots=True)
class _Shipping:
    """What an order's shipping events say."""

    #: line -> milestone -> pieces
    pieces: dict[int, dict[str, int]] = field(default_factory=dict)
    #: what events say that name no line
    whole: set[str] = field(default_factory=set)
    told_at: dict[str, dt.datetime] = field(default_factory=dict)
    #: the latest last
    parcels: tuple[Parcel, ...] = ()


_NOTHING: Final = _Shipping()


def _progress(  # noqa: PLR0913 one argument per kind of row
    order: OrderFacts,
    rows: Iterable[Any],
    shipping: _Shipping,
    refunds: Mapping[int, int],
    *,
    taken: Decimal,
    holdings: Holdings | None,
    changes: Sequence[tuple[str, dt.datetime]],
    words: Mapping[str, str],
) -> OrderProgress:
    milestone = milestone_of(order.status, words)
    is_refunded = milestone == Milestone.REFUNDED or (
        order.total_incl_tax > 0 and taken >= order.total_incl_tax
    )
    lines = []
    prices: dict[int, Decimal] = {}
    for row in rows:
        prices[row.pk] = row.line_price_incl_tax or Decimal(0)
        reached = dict(shipping.pieces.get(row.pk, {}))
        quantity = int(row.quantity or 0)
        own = milestone_of(row.status or "", words)
        for told in (milestone, own, *shipping.whole):
            if told and told != Milestone.PLACED:
                reached[told] = quantity
        pieces = quantity if is_refunded else min(refunds.get(row.pk, 0), quantity)
        if pieces:
            reached[Milestone.REFUNDED] = max(pieces, reached.get(Milestone.REFUNDED, 0))
        said = _including(reached, Milestone.DELIVERED, (Milestone.SHIPPED,))
        reached = _including(said, Milestone.RETURNED, (Milestone.SHIPPED, Milestone.DELIVERED))
        lines.append(LineProgress(row.pk, row.product_id, quantity, reached, said))
    told_at = dict(shipping.told_at)
    for status, at in changes:
        told = milestone_of(status, words).replace(PARTLY_SHIPPED, Milestone.SHIPPED)
        if told and told not in told_at:
            told_at[told] = at
    is_cancelled = milestone == Milestone.CANCELLED or (
        bool(lines) and all(line.at(Milestone.CANCELLED) >= line.quantity for line in lines)
    )
    return OrderProgress(
        order=order, lines=tuple(lines), is_cancelled=is_cancelled,
        payment=payment_of(order, _expected(order, lines, prices), holdings),
        milestone=milestone, refunded=taken, told_at=told_at,
        parcels=shipping.parcels, unpaid_since=_unpaid_since(changes),
    )  # fmt: skip


def _including(reached: Mapping[str, int], high: str, lower: Iterable[str]) -> dict[str, int]:
    """With what must have been reached before `high` was."""
    pieces = reached.get(high, 0)
    return {**reached, **{low: max(reached.get(low, 0), pieces) for low in lower}}


def _expected(
    order: OrderFacts, lines: Sequence[LineProgress], prices: Mapping[int, Decimal]
) -> Decimal:
    """What the order costs without what was cancelled, returned or refunded of it; nothing where
    nothing else is left. Pure."""
    wanted = sum(
        (prices[line.line_id] * line.open_quantity / line.quantity
         for line in lines if line.open_quantity > 0), Decimal(0),
    )  # fmt: skip
    if lines and all(line.open_quantity <= 0 for line in lines):
        return Decimal(0)
    closed = sum(prices.values(), Decimal(0)) - wanted
    # a shop may have taken it out of the total already
    still_in = max(order.total_incl_tax - order.shipping_incl_tax - wanted, Decimal(0))
    return round(order.total_incl_tax - min(closed, still_in), 2)


def _unpaid_since(changes: Sequence[tuple[str, dt.datetime]]) -> dt.datetime | None:
    return next((at for status, at in changes[:1] if waits_for_money(status)), None)


def _grouped(rows: Any) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    needed = rows.order_by("pk").only(
        "order_id", "product_id", "quantity", "status", "line_price_incl_tax"
    )
    for row in needed:
        found[row.order_id].append(row)
    return found


def _shipping(order_ids: Collection[int], words: Mapping[str, str]) -> dict[int, _Shipping]:
    """What the shipping events of orders say. Two queries."""
    found: dict[int, _Shipping] = {}
    events = get_model("order", "ShippingEvent")._base_manager.filter(order_id__in=order_ids)
    rows = get_model("order", "ShippingEventQuantity")._base_manager.filter(
        event__order_id__in=order_ids
    )
    quantities: dict[Any, list[tuple[int, int]]] = defaultdict(list)
    for event_id, line_id, quantity in rows.values_list("event_id", "line_id", "quantity"):
        quantities[event_id].append((line_id, quantity))
    for event in events.select_related("event_type").order_by("date_created", "pk"):
        shipping = found.setdefault(event.order_id, _Shipping())
        milestone = milestone_of_event(event.event_type, words)
        if milestone:
            shipping.told_at[milestone] = event.date_created
        if milestone and not quantities[event.pk]:
            shipping.whole.add(milestone)
        for line_id, quantity in quantities[event.pk]:
            pieces = shipping.pieces.setdefault(line_id, defaultdict(int))
            if milestone:
                pieces[milestone] += quantity
        shipping.parcels += (
            Parcel(
                lines=frozenset(line_id for line_id, _quantity in quantities[event.pk]),
                url=address_in(event.notes or ""), has_left=milestone == Milestone.SHIPPED,
            ),
        )  # fmt: skip
    return found


def _refunded_pieces(order_ids: Collection[int]) -> dict[int, int]:
    """Line -> pieces whose money went back, as payment events say. Two queries."""
    rows = get_model("order", "PaymentEventQuantity")._base_manager.filter(
        event__order_id__in=order_ids, event__event_type__in=refunding_events()
    )
    found: dict[int, int] = defaultdict(int)
    for line_id, quantity in rows.order_by().values_list("line_id", "quantity"):
        found[line_id] += quantity
    return found


def _status_changes(order_ids: Collection[int]) -> dict[int, list[tuple[str, dt.datetime]]]:
    """Order -> (status, since when), the latest first. One query."""
    rows = get_model("order", "OrderStatusChange")._base_manager.filter(order_id__in=order_ids)
    found: dict[int, list[tuple[str, dt.datetime]]] = defaultdict(list)
    for row in rows.order_by("-date_created", "-pk"):
        found[row.order_id].append((row.new_status, row.date_created))
    return found
