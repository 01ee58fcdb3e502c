"""Runs the benchmarks one after the other; one that fails does not keep the others from running."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import django

from benchmarks import databases as made
from benchmarks.databases import Databases, PostgresDatabases
from benchmarks.reporting import Row
from benchmarks.sizes import FULL, QUICK, Sizes

Tell = Callable[[str], None]
Benchmark = Callable[[Databases, Sizes], Iterator[Row]]


@dataclass(slots=True)
class Run:
    """What a run came to; `failed` names what broke."""

    server_version: str = "no PostgreSQL"
    rows: list[Row] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)


def run(names: Sequence[str], *, server_url: str, is_quick: bool, tell: Tell) -> Run:
    """Run these benchmarks on each database that there is."""
    # the workers' functions are named by reference, and their modules import models
    django.setup()
    from benchmarks import (
        add_to_basket,
        admin_pages,
        memory,
        privacy,
        recommendations,
        rendering_speed,
        sending,
        sweep_scale,
    )

    benchmarks: dict[str, Benchmark] = {
        "add_to_basket": add_to_basket.run,
        "sweep_scale": sweep_scale.run,
        "sending": sending.run,
        "memory": memory.run,
        "rendering": rendering_speed.run,
        "privacy": privacy.run,
        "admin_pages": admin_pages.run,
        "recommendations": recommendations.run,
    }
    result = Run()
    sizes = QUICK if is_quick else FULL
    with made.available(server_url) as found:
        for databases in found:
            if isinstance(databases, PostgresDatabases):
                result.server_version = databases.version
        for name in names:
            for databases in found:
                title = f"{name} on {databases.title}"
                tell(f"{title} …")
                began = time.monotonic()
                _take(benchmarks[name](databases, sizes), title, result, tell)
                tell(f"{title}: {time.monotonic() - began:.0f} s")
    return result


def _take(rows: Iterator[Row], title: str, result: Run, tell: Tell) -> None:
    """Collect what a benchmark finds, as far as it gets."""
    try:
        for row in rows:
            result.rows.append(row)
            tell("  " + " | ".join(row.cells))
    except Exception:
        tell(traceback.format_exc())
        result.failed.append(title)
