"""Peak memory and time of erasing few and many people, and of deleting what is over."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.databases import Databases
from benchmarks.measuring import rate
from benchmarks.reporting import Row
from benchmarks.sizes import Sizes
from benchmarks.workers import worker

SECTION: Final = "People erased, and what is over deleted: each from a fresh process"
AIM: Final = 1.3
#: peak bytes, seconds
Measured = tuple[float, float]


def run(databases: Databases, sizes: Sizes) -> Iterator[Row]:
    """The same people are erased first; four years later the rest goes, proofs included."""
    from benchmarks import persons, resources

    found: dict[str, list[Measured]] = {"erased": [], "purged": []}
    counts = (sizes.few_persons, sizes.many_persons)
    for count in counts:
        with databases.fresh() as url:
            with worker(url) as process:
                process.call(persons.fill, count)
            with worker(url) as process:
                seconds, erased = process.call(persons.erase_all)
                found["erased"].append((process.call(resources.peak_memory), seconds))
            with worker(url) as process:
                # two consents and two withdrawals each
                seconds, purged = process.call(persons.purge_all)
                found["purged"].append((process.call(resources.peak_memory), seconds))
            if (erased, purged) != (count, 4 * count):
                raise RuntimeError(f"{erased} of {count} people erased, {purged} records purged")
    for what, ((few, _), (many, _)) in found.items():
        title = f"{databases.title}: {counts[1]:,} people {what}"
        yield Row(
            SECTION, f"{title}, memory", f"{many / 2**20:.0f} MiB",
            f"{few / 2**20:.0f} MiB for {counts[0]:,}", f"{many / few:.2f} ×", f"≤ {AIM} ×",
            many / few <= AIM,
        )  # fmt: skip
        few_rate, many_rate = (n / s for n, (_, s) in zip(counts, found[what], strict=True))
        yield Row(
            SECTION, f"{title}, speed", rate(many_rate), f"{rate(few_rate)} for {counts[0]:,}",
            f"{many_rate / few_rate:.2f} ×", "", None,
        )  # fmt: skip
