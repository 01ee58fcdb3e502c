"""What the app adds to an addition to the basket, against Oscar alone."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Iterator, Sequence
from typing import Final

from benchmarks.databases import Databases
from benchmarks.measuring import interval, median, percent
from benchmarks.reporting import Row
from benchmarks.sizes import Sizes
from benchmarks.workers import Worker

SECTION: Final = "Adding to the basket, with the app and without"
#: two processes of Oscar alone: what they differ by is noise
ARMS: Final = ("vanilla", "control", "app")
CASES: Final = ("first addition of a guest", "one more, three lines in the basket")
AIM: Final = 1.02

#: seconds by arm and case, of one round
Round = dict[str, tuple[float, float]]


def run(databases: Databases, sizes: Sizes) -> Iterator[Row]:
    """Each arm in processes of its own, with a database each; a round visits one process of each
    arm, in random order."""
    from benchmarks import shopping

    with contextlib.ExitStack() as stack:
        teams = [
            {arm: stack.enter_context(_started(databases, arm)) for arm in ARMS}
            for _ in range(sizes.replicas)
        ]
        for team in teams:
            for member in team.values():
                member.call(shopping.warm_up, sizes.warm_ups)
        dice = random.Random(2)
        rounds: list[Round] = []
        for number in range(sizes.additions):
            team = teams[number % len(teams)]
            order = dice.sample(ARMS, len(ARMS))
            rounds.append({arm: team[arm].call(shopping.add_both) for arm in order})
        counts = {arm: member.call(shopping.count_statements) for arm, member in teams[0].items()}
    for case, title in enumerate(CASES):
        yield _time_row(f"{databases.title}: {title}", rounds, case)
        extra = counts["app"][case] - counts["vanilla"][case]
        yield Row(
            SECTION, f"{databases.title}: {title}, statements", str(counts["app"][case]),
            str(counts["vanilla"][case]), f"{extra:+d}", "≤ +1", extra <= 1,
        )  # fmt: skip


@contextlib.contextmanager
def _started(databases: Databases, arm: str) -> Iterator[Worker]:
    settings = {} if arm == "app" else {"BENCH_VANILLA": "1"}
    with databases.fresh() as url:
        member = Worker(url, **settings)
        try:
            yield member
        finally:
            member.close()


def _time_row(title: str, rounds: Sequence[Round], case: int) -> Row:
    medians = _medians(rounds, case)
    ratio = _corrected(rounds, case)
    low, high = interval(rounds, lambda drawn: _corrected(drawn, case))
    noise = medians["control"] / medians["vanilla"]
    return Row(
        SECTION,
        title,
        f"{medians['app'] * 1000:.2f} ms",
        f"{medians['vanilla'] * 1000:.2f} ms (control {percent(noise)})",
        f"{percent(ratio)} [{percent(low)}, {percent(high)}]",
        f"≤ {percent(AIM)}",
        ratio <= AIM,
    )


def _medians(rounds: Sequence[Round], case: int) -> dict[str, float]:
    return {arm: median([each[arm][case] for each in rounds]) for arm in ARMS}


def _corrected(rounds: Sequence[Round], case: int) -> float:
    """The app against the middle of both vanilla arms: half of what they differ by is corrected."""
    medians = _medians(rounds, case)
    return medians["app"] / math.sqrt(medians["vanilla"] * medians["control"])
