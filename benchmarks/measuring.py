"""Medians, ratios, and how sure they are."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from statistics import median
from typing import TypeVar

T = TypeVar("T")

__all__ = ["interval", "median", "percent", "rate"]


def interval(
    rounds: Sequence[T], statistic: Callable[[Sequence[T]], float], *, draws: int = 1000
) -> tuple[float, float]:
    """The bootstrap's 95 % interval of a statistic over rounds, which are drawn as a whole."""
    dice = random.Random(1)
    found = sorted(statistic(dice.choices(rounds, k=len(rounds))) for _ in range(draws))
    return found[int(draws * 0.025)], found[int(draws * 0.975)]


def percent(ratio: float) -> str:
    """`+1.3 %` for 1.013."""
    return f"{(ratio - 1) * 100:+.1f} %"


def rate(per_second: float) -> str:
    return f"{per_second:,.0f}/s" if per_second >= 100 else f"{per_second:.1f}/s"
