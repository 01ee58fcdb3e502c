"""The staff's long lists among few rows and among many."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from benchmarks.databases import Databases
from benchmarks.measuring import median
from benchmarks.reporting import Row
from benchmarks.sizes import Sizes
from benchmarks.workers import Worker, worker

SECTION: Final = "Staff's lists: the same page among few and among many rows"
AIM: Final = 2.0


def run(databases: Databases, sizes: Sizes) -> Iterator[Row]:
    """Two databases side by side; each page is asked for in turn, the first answer is thrown away."""
    from benchmarks import listing

    start = dt.datetime.now(dt.UTC).replace(microsecond=0)
    totals = (sizes.few_listed, sizes.many_listed)
    dice = random.Random(5)
    with contextlib.ExitStack() as stack:
        shops: dict[int, Worker] = {}
        for total in totals:
            url = stack.enter_context(databases.fresh())
            shops[total] = stack.enter_context(worker(url))
            shops[total].call(listing.fill, total, start)
        for title, path in listing.PAGES.items():
            seconds: dict[int, list[float]] = defaultdict(list)
            statements: dict[int, int] = {}
            for _round in range(sizes.looks + 1):
                for total in dice.sample(totals, len(totals)):
                    taken, statements[total] = shops[total].call(listing.look, path, total, start)
                    seconds[total].append(taken)
            yield _row(databases.title, title, totals, seconds, statements)


def _row(
    database: str,
    title: str,
    totals: tuple[int, int],
    seconds: dict[int, list[float]],
    statements: dict[int, int],
) -> Row:
    few, many = totals
    small, big = median(seconds[few][1:]), median(seconds[many][1:])
    is_met = big / small <= AIM and statements[few] == statements[many]
    return Row(
        SECTION,
        f"{database}: {title}, {statements[many]} statements",
        f"{big * 1000:.0f} ms among {many:,}",
        f"{small * 1000:.0f} ms among {few:,}, {statements[few]} statements",
        f"{big / small:.2f} ×",
        f"≤ {AIM:.0f} ×, as many statements",
        is_met,
    )
