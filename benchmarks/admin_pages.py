"""The admin's lists and the dashboard, over few rows and over many."""

from __future__ import annotations

import contextlib
import random
from collections import defaultdict
from collections.abc import Iterator
from typing import Final

from benchmarks.databases import Databases
from benchmarks.measuring import median
from benchmarks.reporting import Row
from benchmarks.sizes import Sizes
from benchmarks.workers import Worker, worker

SECTION: Final = "Staff's pages: over few carts and messages and over many"
AIM: Final = 2.0
#: visits of a page in a row; as often as the sizes say
VISITS: Final = 3


def run(databases: Databases, sizes: Sizes) -> Iterator[Row]:
    """Two shops side by side; their pages are opened in turn, in random order."""
    from benchmarks import history

    if databases.vendor != "postgresql":
        return
    totals = (sizes.few_rows, sizes.many_rows)
    with contextlib.ExitStack() as stack:
        shops: dict[int, Worker] = {}
        summing: dict[int, float] = {}
        for total in totals:
            url = stack.enter_context(databases.fresh())
            shops[total] = stack.enter_context(worker(url))
            summing[total] = shops[total].call(history.fill, total)
        # the middle of a table is another row in each
        pages = {total: dict(shops[total].call(history.pages)) for total in totals}
        names = list(pages[totals[0]])
        seconds: dict[tuple[str, int], list[float]] = defaultdict(list)
        statements: dict[tuple[str, int], int] = {}
        dice = random.Random(5)
        for _round in range(sizes.page_rounds):
            for name in names:
                for total in dice.sample(totals, len(totals)):
                    found, count = shops[total].call(history.look, pages[total][name], VISITS)
                    seconds[name, total] += found
                    statements[name, total] = count
    few, many = totals
    for name in names:
        small, big = median(seconds[name, few]), median(seconds[name, many])
        is_same = statements[name, few] == statements[name, many]
        yield Row(
            SECTION, f"{databases.title}: {name}, {statements[name, many]} statements",
            f"{big * 1000:.0f} ms among {many:,}",
            f"{small * 1000:.0f} ms among {few:,}, {statements[name, few]} statements",
            f"{big / small:.2f} ×", f"≤ {AIM:.0f} ×, the same statements",
            big / small <= AIM and is_same,
        )  # fmt: skip
    yield Row(
        SECTION, f"{databases.title}: summing up a day",
        f"{summing[many] * 1000:.0f} ms among {many:,}",
        f"{summing[few] * 1000:.0f} ms among {few:,}",
        f"{summing[many] / summing[few]:.2f} ×",
    )  # fmt: skip
