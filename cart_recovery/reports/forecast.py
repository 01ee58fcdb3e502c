"""How many messages a campaign would send in a month, told from the carts of the last 30 days.

Carts are counted in groups by the database: which channels reach their contact, which channel the
contact prefers. What a mix makes of each group is then arithmetic, so moving a slider costs no query.
Frequency caps, pauses and what nobody can buy any more are not foreseen: the number is an upper bound.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final

from django.db.models import BooleanField, Count, ExpressionWrapper, F, Q, QuerySet
from django.utils import timezone

from cart_recovery.campaigns.planning import TRIGGERS_BY_STAGE
from cart_recovery.campaigns.shares import expected
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.conf import conf
from cart_recovery.models import Campaign, TrackedCart
from cart_recovery.reports.keeping import kept
from cart_recovery.reports.reach import has_address, permitted
from cart_recovery.reports.sampling import one_in, sample

DAYS: Final = 30
#: carts that are told apart by the channels that reach their contacts; more of them are sampled
LARGEST_SAMPLE: Final = 10_000
#: hours after which the carts that are still open are counted
HOURS: Final = (1, 2, 4, 8, 12, 24, 36, 48, 72, 120, 168, 336)


@dataclass(frozen=True, slots=True)
class Group:
    """Carts whose contacts are reached on the same channels and prefer the same one."""

    reached: frozenset[str]
    preferred: str
    carts: float


@dataclass(frozen=True, slots=True)
class Demand:
    """The carts of the last 30 days that a trigger stands for. `open_after`: hours -> part open."""

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


def kept_demand(trigger: str, purpose: str, *, fresh: bool = False) -> tuple[dt.datetime, Demand]:
    """The demand of a trigger, counted minutes ago at the most: (moment, demand)."""
    stages = stages_of(trigger)
    name = f"demand.{trigger}.{purpose}.{'-'.join(stages)}"
    return kept(name, lambda: demand(stages, purpose, timezone.now()), fresh=fresh)


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
    """Two queries, whatever the number of carts."""
    carts = TrackedCart.objects.filter(
        stage__in=stages, contact__isnull=False, is_machine=False,
        abandoned_at__gte=now - dt.timedelta(days=DAYS),
    ).order_by()  # fmt: skip
    total, open_after = _open_after(carts)
    number = one_in(total, largest=LARGEST_SAMPLE)
    groups = _groups(sample(carts, number), purpose)
    looked_at = sum(group.carts for group in groups)
    scale = total / looked_at if looked_at else 0
    return Demand(
        total, tuple(replace(group, carts=group.carts * scale) for group in groups), open_after
    )


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


def _groups(carts: QuerySet[TrackedCart], purpose: str) -> list[Group]:
    aliases = configured_aliases()
    flags: dict[str, Any] = {
        f"reached_{place}": ExpressionWrapper(
            has_address(get_channel(alias).address_kind, "contact__")
            & permitted(alias, purpose, "contact_id"),
            output_field=BooleanField(),
        )
        for place, alias in enumerate(aliases)
    }
    rows = (
        carts.annotate(**flags)
        .values_list("contact__preferred_channel", *flags)
        .annotate(n=Count("pk"))
    )
    return [
        Group(
            frozenset(alias for alias, is_reached in zip(aliases, reached, strict=True) if is_reached),
            preferred,
            count,
        )
        for preferred, *reached, count in rows
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
