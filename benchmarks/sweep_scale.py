"""One sweep with the same work among few carts and among many."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
from collections.abc import Iterator
from typing import Final

from benchmarks.databases import Databases
from benchmarks.measuring import median
from benchmarks.reporting import Row
from benchmarks.sizes import Sizes
from benchmarks.workers import Worker, worker

SECTION: Final = "One sweep: the same carts due among few and among many"
AIM: Final = 1.2
#: what one measured sweep gives: seconds of planning, seconds of claiming
Swept = tuple[float, float]


def run(databases: Databases, sizes: Sizes) -> Iterator[Row]:
    """Two databases side by side; the sweeps alternate in random order, the first one of each is
    thrown away."""
    from benchmarks import sweeping

    start = dt.datetime.now(dt.UTC).replace(microsecond=0) - dt.timedelta(hours=2)
    totals = (sizes.few_carts, sizes.many_carts)
    with contextlib.ExitStack() as stack:
        shops: dict[int, Worker] = {}
        for total in totals:
            url = stack.enter_context(databases.fresh())
            shops[total] = stack.enter_context(worker(url))
            shops[total].call(sweeping.fill, total, start)
        found: dict[int, list[Swept]] = {total: [] for total in totals}
        dice = random.Random(3)
        due = sizes.due_carts
        for number in range(sizes.sweeps):
            for total in dice.sample(totals, len(totals)):
                found[total].append(shops[total].call(sweeping.run, number, due, start)[:2])
        counts = [
            shop.call(sweeping.run, sizes.sweeps, due, start, with_statements=True)[2]
            for shop in shops.values()
        ]
    few, many = (found[total][1:] for total in totals)
    names = ("planning and claiming", "planning alone", "claiming alone")
    for name, pick in zip(names, (sum, lambda s: s[0], lambda s: s[1]), strict=True):
        small, big = median([pick(each) for each in few]), median([pick(each) for each in many])
        is_all = name == names[0]
        yield Row(
            SECTION,
            f"{databases.title}: {name}, {sizes.due_carts:,} due",
            f"{big * 1000:.0f} ms among {totals[1]:,}",
            f"{small * 1000:.0f} ms among {totals[0]:,}",
            f"{big / small:.2f} ×",
            f"≤ {AIM} ×" if is_all else "",
            big / small <= AIM if is_all else None,
        )
    yield Row(
        SECTION, f"{databases.title}: statements of a sweep and its claims", str(counts[1]),
        str(counts[0]), f"{counts[1] - counts[0]:+d}", "the same", counts[0] == counts[1],
    )  # fmt: skip
