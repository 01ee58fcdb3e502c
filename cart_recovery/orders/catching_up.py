"""The net under the receivers: orders that were written past Oscar's signals, by `update()` or
`bulk_create`, as imports do.

What is found here is looked at like any other order (`orders.looking`). Changes of lines, events and
payments that nobody tells of are found when their order is next looked at, and no later than before
a message leaves.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Final

from django.db.models import Exists, F, OuterRef

from cart_recovery.models import Campaign, Heartbeat, TrackedOrder
from cart_recovery.models.inserts import insert_new
from cart_recovery.shop.orders import orders_placed

#: orders of longer ago are looked at when somebody tells of them
WITHIN: Final = dt.timedelta(days=30)
#: orders that one run compares; the next one goes on, and begins anew after the newest
PORTION: Final = 2_000
#: of the heartbeat that says how far the last run came
STAGE: Final = "orders"


def catch_up(campaigns: Sequence[Campaign], now: dt.datetime) -> int:
    """Have those orders of one portion looked at that changed without a word; how many. Constant
    queries, all by the index on the date of orders.

    `campaigns`: the active ones about orders. Orders from before the first of them was switched on
    stay untracked: nothing would be said of them.
    """
    since = max(now - WITHIN, _checked_until() or now - WITHIN)
    last = orders_placed(since, now).values_list("date_placed", flat=True)[PORTION - 1 : PORTION]
    until = next(iter(last), now)
    found = _begin(campaigns, since, until) + _notice(since, until, now)
    checked = until.isoformat() if until < now else ""
    Heartbeat.objects.update_or_create(
        stage=STAGE, defaults={"ran_at": now, "result": {"checked_until": checked}}
    )
    return found


def _checked_until() -> dt.datetime | None:
    results = Heartbeat.objects.filter(stage=STAGE).values_list("result", flat=True)
    text = (results.first() or {}).get("checked_until")
    return dt.datetime.fromisoformat(text) if text else None


def _begin(campaigns: Sequence[Campaign], since: dt.datetime, until: dt.datetime) -> int:
    """Track orders that nobody has told of. As of their placing: that is all that is known of them."""
    begun = [c.activated_at for c in campaigns if c.activated_at is not None]
    if not begun:
        return 0
    placed = orders_placed(max(min(begun), since), until)
    unknown = placed.exclude(Exists(TrackedOrder.objects.filter(order=OuterRef("pk"))))
    rows = [
        TrackedOrder(order_id=pk, created_at=placed_at, changed_at=placed_at)
        for pk, placed_at in unknown.values_list("pk", "date_placed")
    ]
    insert_new(rows)
    return len(rows)


def _notice(since: dt.datetime, until: dt.datetime, now: dt.datetime) -> int:
    """Orders whose status is another one than at the last look."""
    settled = TrackedOrder.objects.filter(
        changed_at__isnull=True, seen_status__isnull=False,
        order__date_placed__gt=since, order__date_placed__lte=until,
    )  # fmt: skip
    return settled.exclude(order__status=F("seen_status")).update(changed_at=now)
