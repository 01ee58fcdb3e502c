"""What is bought together, from all order lines of a shop, beside a plain SQL query for the same."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Final

from benchmarks.databases import Databases
from benchmarks.measuring import median
from benchmarks.reporting import Row
from benchmarks.sizes import Sizes
from benchmarks.workers import worker

SECTION: Final = "What is bought together: counted from the shop's orders"
AIM: Final = 60.0


def run(databases: Databases, sizes: Sizes) -> Iterator[Row]:
    """The plain query and a rebuild in turn, in one process; then what a sweep does."""
    from benchmarks import purchases, resources

    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    lines = sizes.order_lines
    with databases.fresh() as url, worker(url) as shop:
        shop.call(purchases.fill, lines, sizes.ordered_products, now - dt.timedelta(hours=2))
        plain, rebuilt = [], []
        for _ in range(max(3, sizes.runs)):
            plain.append(shop.call(purchases.pair_plainly))
            rebuilt.append(shop.call(purchases.rebuild, now))
        sweeps = shop.call(purchases.sweep_through, now)
        peak = shop.call(resources.peak_memory)
    took, usual = median([seconds for seconds, _rows in rebuilt]), median(plain)
    yield Row(
        SECTION,
        f"{databases.title}: {lines:,} order lines counted anew, {rebuilt[0][1]:,} rows kept",
        f"{took:.1f} s",
        f"plain SQL, nothing kept, {usual:.1f} s",
        f"{took / usual:.1f} ×",
        f"≤ {AIM:.0f} s",
        took <= AIM,
    )
    yield Row(
        SECTION, f"{databases.title}: the same in {len(sweeps):,} sweeps, the longest one",
        f"{max(sweeps) * 1000:.0f} ms", f"the median, {median(sweeps) * 1000:.0f} ms",
    )  # fmt: skip
    yield Row(SECTION, f"{databases.title}: peak memory of the process", f"{peak / 2**20:.0f} MiB")
