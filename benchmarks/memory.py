"""Peak memory of delivering few and many messages in one go."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.databases import Databases
from benchmarks.reporting import Row
from benchmarks.sizes import Sizes
from benchmarks.workers import worker

SECTION: Final = "Memory: one delivery run, from a fresh process"
AIM: Final = 1.3


def run(databases: Databases, sizes: Sizes) -> Iterator[Row]:
    """The channel keeps nothing; whatever grows is ours."""
    from benchmarks import carts, delivering, resources

    peaks: list[float] = []
    for count in (sizes.few_messages, sizes.many_messages):
        with databases.fresh() as url:
            with worker(url) as process:
                process.call(carts.begin, "email")
                process.call(carts.add_idle, count, "email")
                process.call(delivering.plan_all)
            with worker(url) as process:
                _span, sent = process.call(delivering.deliver)
                peaks.append(process.call(resources.peak_memory))
            if sent != count:
                raise RuntimeError(f"{sent} of {count} messages went out")
    few, many = peaks
    yield Row(
        SECTION,
        f"{databases.title}: {sizes.many_messages:,} messages due",
        f"{many / 2**20:.0f} MiB",
        f"{few / 2**20:.0f} MiB for {sizes.few_messages:,}",
        f"{many / few:.2f} ×",
        f"≤ {AIM} ×",
        many / few <= AIM,
    )
