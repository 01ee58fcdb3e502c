"""What is new about orders: the milestones that were not noticed before. Pure functions."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from cart_recovery.models import Milestone, OrderMilestone, TrackedOrder
from cart_recovery.shop.milestones import PARTLY_SHIPPED
from cart_recovery.shop.progress import LineProgress, OrderProgress

#: reached line by line, piece by piece
BY_LINE: Final = (
    Milestone.SHIPPED, Milestone.DELIVERED, Milestone.DELAYED, Milestone.RETURNED,
)  # fmt: skip
#: an order that is first seen later than this after it was placed was begun before we looked
FIRST_LOOK: Final = dt.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Group:
    """Milestones of one kind that were noticed together: one parcel, one refund.

    `before`: the pieces of its lines that had got there earlier, which other groups are about.
    """

    kind: str
    key: str
    rows: tuple[OrderMilestone, ...]
    before: Mapping[int, int] = field(default_factory=dict)

    @property
    def reached_at(self) -> dt.datetime:
        return max(row.reached_at for row in self.rows)

    @property
    def is_complete(self) -> bool:
        """Whether with these the whole order had got there."""
        return any(row.is_complete for row in self.rows)

    def is_standing(self, progress: OrderProgress) -> bool:
        """Whether the order still says so; what was cancelled or returned since says nothing."""
        lines = {line.line_id: line for line in progress.lines}
        rows = [row for row in self.rows if row.line_id is not None]
        if not rows and self.kind == Milestone.SHIPPED:
            return progress.is_partly_shipped
        if not rows and self.kind == Milestone.REFUNDED:
            return all(_is_still_refunded(row, progress) for row in self.rows)
        return all(_stands(row, lines.get(row.line_id or 0)) for row in rows)


def _stands(row: OrderMilestone, line: LineProgress | None) -> bool:
    return line is None or line.open_quantity <= 0 or line.at(row.kind) >= row.quantity


def amount_of(key: str) -> Decimal | None:
    """How much of an order's money had gone back by then, from the key of a milestone; None where the
    shop had written down no amount."""
    return Decimal(key) if key and "x" not in key else None


def _is_still_refunded(row: OrderMilestone, progress: OrderProgress) -> bool:
    if not row.key:
        return progress.milestone == Milestone.REFUNDED
    return progress.refunded >= (amount_of(row.key) or 0)


def news(
    tracked: TrackedOrder,
    progress: OrderProgress,
    known: Collection[OrderMilestone],
    *,
    group: str,
    changed_at: dt.datetime,
) -> list[OrderMilestone]:
    """Milestones of an order that `known` does not have. They all belong to the group."""
    seen = {(row.kind, row.key) for row in known}
    return [
        row
        for row in _milestones(tracked, progress, known, group=group, changed_at=changed_at)
        if (row.kind, row.key) not in seen
    ]


def groups(rows: Iterable[OrderMilestone]) -> list[Group]:
    """Milestones by kind and by when they were noticed, in that order."""
    found: dict[tuple[str, str], list[OrderMilestone]] = {}
    before: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    most: dict[tuple[str, int], int] = {}
    for row in sorted(rows, key=lambda row: row.pk):
        place = (row.kind, row.group)
        found.setdefault(place, []).append(row)
        if row.line_id is not None:
            before[place][row.line_id] = most.get((row.kind, row.line_id), 0)
            most[row.kind, row.line_id] = row.quantity
    return [
        Group(kind, key, tuple(members), before[kind, key])
        for (kind, key), members in found.items()
    ]


def without_mistakes(
    rows: Collection[OrderMilestone], progress: OrderProgress, spoken: Collection[str]
) -> list[OrderMilestone]:
    """The milestones without those that were set back before anything was said of them: what comes
    later must be measured against what is true. `spoken`: groups of which something was said."""
    return [
        row
        for group in groups(rows)
        for row in group.rows
        if row.group in spoken or group.kind == Milestone.PLACED or group.is_standing(progress)
    ]


def _milestones(
    tracked: TrackedOrder,
    progress: OrderProgress,
    known: Collection[OrderMilestone],
    *,
    group: str,
    changed_at: dt.datetime,
) -> Iterator[OrderMilestone]:
    most = _most(known)

    def row(
        kind: str, key: str, line: LineProgress | None = None, pieces: int = 0
    ) -> OrderMilestone:
        is_whole = line is None and key != PARTLY_SHIPPED
        return OrderMilestone(
            tracked=tracked, kind=kind, key=key, group=group, quantity=pieces,
            line_id=line.line_id if line else None,
            is_complete=is_whole or progress.is_at(kind),
            reached_at=_reached_at(kind, tracked, progress, changed_at, known),
        )  # fmt: skip

    yield row(Milestone.PLACED, "")
    for kind in BY_LINE:
        for line in progress.lines:
            pieces = line.said.get(kind, 0)
            # fewer than before: some were set back, and none is new
            if pieces > most.get((kind, line.line_id), 0):
                yield row(kind, f"{line.line_id}x{pieces}", line, pieces)
    if progress.is_partly_shipped:
        yield row(Milestone.SHIPPED, PARTLY_SHIPPED)
    yield from _refunds(progress, known, most, row)


def _refunds(
    progress: OrderProgress,
    known: Collection[OrderMilestone],
    most: Mapping[tuple[str, int], int],
    row: Callable[..., OrderMilestone],
) -> Iterator[OrderMilestone]:
    """By the amount where the shop writes it down, else by what it says of the order or its lines."""
    grown = [
        line
        for line in progress.lines
        if line.at(Milestone.REFUNDED) > most.get((Milestone.REFUNDED, line.line_id), 0)
    ]
    if progress.refunded > 0:
        former = [group for group in groups(known) if group.kind == Milestone.REFUNDED]
        is_said = any(not _has_amount(group) and group.is_standing(progress) for group in former)
        is_new = progress.milestone != Milestone.REFUNDED and bool(grown)
        amounts = [_amount(group) for group in former if _has_amount(group)]
        # less than before: the shop has corrected what it wrote down, no more money went back
        is_more = progress.refunded > max(amounts, default=Decimal(0))
        # of what was said before, the amount is written down now: the same refund
        if is_more and (is_new or not is_said or amounts):
            yield row(Milestone.REFUNDED, f"{progress.refunded:.2f}")
    elif progress.milestone == Milestone.REFUNDED:
        yield row(Milestone.REFUNDED, "")
    else:
        for line in grown:
            pieces = line.at(Milestone.REFUNDED)
            yield row(Milestone.REFUNDED, f"{line.line_id}x{pieces}", line, pieces)


def _has_amount(group: Group) -> bool:
    return any(amount_of(row.key) is not None for row in group.rows)


def _amount(group: Group) -> Decimal:
    return max(amount_of(row.key) or Decimal(0) for row in group.rows)


def _most(known: Iterable[OrderMilestone]) -> Mapping[tuple[str, int], int]:
    most: dict[tuple[str, int], int] = {}
    for row in known:
        if row.line_id is not None:
            key = (row.kind, row.line_id)
            most[key] = max(most.get(key, 0), row.quantity)
    return most


def _reached_at(
    kind: str,
    tracked: TrackedOrder,
    progress: OrderProgress,
    changed_at: dt.datetime,
    known: Collection[OrderMilestone],
) -> dt.datetime:
    """When we were told, in the request in which it happened.

    An old order that somebody touches for another reason must not look as if it had just arrived:
    at the first look at one it happened when the shop says so, or else when the order was placed.
    The same where the shop has said so for long, and the app has been taught the word since.
    """
    placed_at = progress.order.placed_at
    if kind == Milestone.PLACED:
        return placed_at
    told = progress.told_at.get(kind)
    if known:
        is_old = told is not None and changed_at - told > FIRST_LOOK
        is_first = all(row.kind != kind for row in known)
        return told if told is not None and is_old and is_first else changed_at
    if told is not None:
        return told
    return placed_at if tracked.created_at - placed_at > FIRST_LOOK else changed_at
