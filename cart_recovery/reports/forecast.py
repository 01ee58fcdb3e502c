"""How many messages a campaign would send in a month, told from the last 30 days.

For campaigns about carts from the carts that were left, for those about orders from the orders that
got as far as the trigger says. How many orders stay unpaid is known to the shop's payments alone, so
for these nothing is foreseen.

Carts and orders are counted in groups by the database: which channels reach their contact, which
channel the contact prefers. What a mix makes of each group is then arithmetic, so moving a slider
costs no query. Frequency caps, pauses and what nobody can buy any more are not foreseen: the number
is an upper bound.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from django.db.models import (
    BooleanField,
    Count,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
)
from django.utils import timezone

from cart_recovery.campaigns.planning import TRIGGERS_BY_STAGE
from cart_recovery.campaigns.shares import expected
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.conf import conf
from cart_recovery.models import (
    CHOSEN_START_TRIGGERS,
    ORDER_TRIGGERS,
    Campaign,
    CheckoutTrouble,
    Milestone,
    OrderMilestone,
    TrackedCart,
    Trigger,
)
from cart_recovery.reports.keeping import kept
from cart_recovery.reports.reach import has_address, permitted
from cart_recovery.reports.sampling import one_in, sample

DAYS: Final = 30
#: carts that are told apart by the channels that reach their contacts; more of them are sampled
LARGEST_SAMPLE: Final = 10_000
#: hours after which the carts that are still open are counted
HOURS: Final = (1, 2, 4, 8, 12, 24, 36, 48, 72, 120, 168, 336)
#: how far an order must have got for a campaign of the trigger: (milestone, all of it or a part)
MILESTONES: Final[Mapping[str, tuple[str, bool | None]]] = {
    Trigger.ORDER_SHIPPED: (Milestone.SHIPPED, True),
    Trigger.ORDER_PARTLY_SHIPPED: (Milestone.SHIPPED, False),
    Trigger.ORDER_DELIVERED: (Milestone.DELIVERED, None),
    Trigger.ORDER_DELAYED: (Milestone.DELAYED, None),
    Trigger.ORDER_RETURNED: (Milestone.RETURNED, None),
    Trigger.ORDER_REFUNDED: (Milestone.REFUNDED, None),
}
#: news come within this time after an order was first heard of: what bounds the query
LONGEST_WAY: Final = dt.timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Group:
    """Carts, or orders, whose contacts are reached on the same channels and prefer the same one."""

    reached: frozenset[str]
    preferred: str
    carts: float


@dataclass(frozen=True, slots=True)
class Demand:
    """The carts, or orders, of the last 30 days that a trigger stands for.

    `open_after`: hours -> part of the carts that is open; empty for orders.
    """

    carts: int
    groups: tuple[Group, ...]
    open_after: tuple[tuple[int, float], ...]

    def part_open(self, delay: dt.timedelta) -> float:
        """Which part of the carts nobody has ordered, emptied or merged after this time."""
        hours = delay.total_seconds() / 3600
        before, part = 0.0, 1.0
        for mark, share in self.open_after:
            if hours <= mark:
                return part + (share - part) * (hours - before) / (mark - before)
            before, part = float(mark), share
        return part


def kept_demand(
    trigger: str, purpose: str, *, starts_with: str = "", fresh: bool = False
) -> tuple[dt.datetime, Demand]:
    """The demand of a trigger, counted minutes ago at the most: (moment, demand)."""
    if trigger in ORDER_TRIGGERS:
        milestone = milestone_of(trigger, starts_with)
        name = f"demand.{trigger}.{purpose}.{starts_with}"
        return kept(name, lambda: orders(milestone, purpose, timezone.now()), fresh=fresh)
    if trigger == Trigger.CHECKOUT_TROUBLE:
        name = f"demand.{trigger}.{purpose}"
        return kept(name, lambda: troubled(purpose, timezone.now()), fresh=fresh)
    stages = stages_of(trigger)
    name = f"demand.{trigger}.{purpose}.{'-'.join(stages)}"
    return kept(name, lambda: demand(stages, purpose, timezone.now()), fresh=fresh)


def is_foreseen(trigger: str) -> bool:
    return trigger != Trigger.ORDER_UNPAID


def milestone_of(trigger: str, starts_with: str) -> tuple[str, bool | None] | None:
    """How far an order must have got; None where that is not counted."""
    if trigger in CHOSEN_START_TRIGGERS:
        return (starts_with or Milestone.DELIVERED, None)
    return MILESTONES.get(trigger)


def stages_of(trigger: str) -> list[str]:
    """Stages whose carts come to a campaign of this trigger, with the campaigns as they are now."""
    if not trigger:
        return []
    active = set(
        Campaign.objects.filter(is_active=True).order_by().values_list("trigger", flat=True)
    )
    active.add(trigger)
    return [
        str(stage)
        for stage, triggers in TRIGGERS_BY_STAGE.items()
        if next((t for t in triggers if t in active), "") == trigger
    ]


def demand(stages: Sequence[str], purpose: str, now: dt.datetime) -> Demand:
    """Of the carts that were left at these stages."""
    return _of_carts(_left(now).filter(stage__in=stages), purpose)


def troubled(purpose: str, now: dt.datetime) -> Demand:
    """Of the carts that were left after their checkout had failed."""
    troubles = CheckoutTrouble.objects.filter(
        cart=OuterRef("pk"), occurred_at__gte=now - dt.timedelta(days=DAYS)
    )
    return _of_carts(_left(now).filter(Exists(troubles)), purpose)


def orders(milestone: tuple[str, bool | None] | None, purpose: str, now: dt.datetime) -> Demand:
    """Of the orders that got as far as this. Two queries."""
    if milestone is None:
        return Demand(0, (), ())
    kind, is_complete = milestone
    rows = OrderMilestone.objects.filter(
        kind=kind, reached_at__gte=now - dt.timedelta(days=DAYS),
        tracked__created_at__gte=now - dt.timedelta(days=DAYS) - LONGEST_WAY,
        tracked__contact__isnull=False,
    ).order_by()  # fmt: skip
    if is_complete is not None:
        rows = rows.filter(is_complete=is_complete)
    total = rows.aggregate(n=Count("tracked", distinct=True))["n"]
    number = one_in(total, largest=LARGEST_SAMPLE)
    sampled = sample(rows, number, "tracked_id")
    return Demand(total, _scaled(_groups(sampled, purpose, "tracked__", "tracked"), total), ())


def _left(now: dt.datetime) -> QuerySet[TrackedCart]:
    return TrackedCart.objects.filter(
        contact__isnull=False, is_machine=False, abandoned_at__gte=now - dt.timedelta(days=DAYS)
    ).order_by()


def _of_carts(carts: QuerySet[TrackedCart], purpose: str) -> Demand:
    """Two queries, whatever the number of carts."""
    total, open_after = _open_after(carts)
    number = one_in(total, largest=LARGEST_SAMPLE)
    groups = _groups(sample(carts, number), purpose, "", "pk")
    return Demand(total, _scaled(groups, total), open_after)


def _scaled(groups: Sequence[Group], total: int) -> tuple[Group, ...]:
    """The groups of a sample, as many as in all."""
    looked_at = sum(group.carts for group in groups)
    scale = total / looked_at if looked_at else 0
    return tuple(replace(group, carts=group.carts * scale) for group in groups)


def messages(found: Demand, delay: dt.timedelta, weights: Sequence[tuple[str, int]]) -> list[float]:
    """Messages in a month by variant, for (channel, weight) of each in the order of their keys."""
    totals = [0.0] * len(weights)
    for group in found.groups:
        parts = expected(weights, reached=group.reached, preferred=group.preferred)
        for place, part in enumerate(parts):
            totals[place] += part * group.carts
    part_open = found.part_open(delay)
    return [total * part_open for total in totals]


def cost(channel: str, count: float, *, parts: int = 1) -> tuple[Decimal, str] | None:
    """(amount, currency) of so many messages; None where the settings name no price."""
    price = conf.PRICES.get(channel)
    if price is None:
        return None
    each, currency = price
    return (Decimal(each) * Decimal(str(round(count, 2))) * parts, currency)


def _groups(rows: QuerySet[Any], purpose: str, path: str, counted: str) -> list[Group]:
    """`path` leads to what has the contact; `counted` is told apart."""
    aliases = configured_aliases()
    flags: dict[str, Any] = {
        f"reached_{place}": ExpressionWrapper(
            has_address(get_channel(alias).address_kind, f"{path}contact__")
            & permitted(alias, purpose, f"{path}contact_id"),
            output_field=BooleanField(),
        )
        for place, alias in enumerate(aliases)
    }
    counts = (
        rows.annotate(**flags)
        .values_list(f"{path}contact__preferred_channel", *flags)
        .annotate(n=Count(counted, distinct=bool(path)))
    )
    return [
        Group(
            frozenset(alias for alias, is_reached in zip(aliases, reached, strict=True) if is_reached),
            preferred,
            count,
        )
        for preferred, *reached, count in counts
    ]  # fmt: skip


def _open_after(carts: QuerySet[TrackedCart]) -> tuple[int, tuple[tuple[int, float], ...]]:
    """How many carts, and which part of them is open after how many hours. One query."""
    counts: Mapping[str, int] = carts.aggregate(
        total=Count("pk"),
        **{
            f"after_{hours}": Count(
                "pk", filter=Q(closed_at__lte=F("last_activity_at") + dt.timedelta(hours=hours))
            )
            for hours in HOURS
        },
    )
    total = counts["total"]
    if not total:
        return 0, ()
    return total, tuple((hours, 1 - counts[f"after_{hours}"] / total) for hours in HOURS)
