"""Messages rendered per second, without a database."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.databases import Databases
from benchmarks.measuring import median, rate
from benchmarks.reporting import Row
from benchmarks.sizes import Sizes
from benchmarks.workers import worker

SECTION: Final = "Rendering alone: one thread, no database"


def run(databases: Databases, sizes: Sizes) -> Iterator[Row]:
    """Ours and Django's engine in turn, in one process."""
    if databases.vendor != "sqlite":
        return
    from benchmarks import rendering

    runs = max(3, sizes.runs)
    with databases.fresh() as url, worker(url) as process:
        process.call(rendering.render_mails, 50)
        found = [
            (
                process.call(rendering.render_mails, sizes.rendered),
                process.call(rendering.render_with_django, sizes.rendered // 5),
                process.call(rendering.render_short_messages, sizes.rendered),
            )
            for _ in range(runs)
        ]
    ours, theirs, short = (median(column) for column in zip(*found, strict=True))
    yield Row(
        SECTION, "mails of three products", rate(ours),
        f"Django's engine, compiled per mail, {rate(theirs)}", f"{ours / theirs:.1f} ×",
    )  # fmt: skip
    yield Row(SECTION, "SMS, counted and cut to their parts", rate(short))
