"""Weights as shares of a hundred. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

WHOLE: Final = 100


def as_shares(weights: Sequence[int]) -> list[int]:
    """The same proportions as whole shares that add up to 100; `[70, 70]` -> `[50, 50]`.

    0 stays 0, since it means something else: a pure fall-back. Whatever else is tiny stays at least
    1. All zeros stay zeros: there is nothing to share.
    """
    total = sum(weights)
    if not total or total == WHOLE:
        return list(weights)
    exact = [weight * WHOLE / total for weight in weights]
    shares = [max(1, int(share)) if share else 0 for share in exact]
    # what rounding has left over goes to those that lost most by it; too much is taken from the large
    while (rest := WHOLE - sum(shares)) != 0:
        step = 1 if rest > 0 else -1
        losses = [
            (step * (wanted - share), place)
            for place, (wanted, share) in enumerate(zip(exact, shares, strict=True))
            if share + step >= 1 and wanted
        ]
        if not losses:
            break
        shares[max(losses, key=lambda loss: (loss[0], -loss[1]))[1]] += step
    return shares


def expected(
    weights: Sequence[tuple[str, int]], *, reached: frozenset[str], preferred: str
) -> list[float]:
    """What part of many contacts gets which variant, as `mix.choose` would draw for them.

    `weights`: (channel, weight) of each variant in the order of their keys; `reached`: channels on
    which these contacts may be written to. Parts add up to 1, or are all 0 where nothing reaches them.
    """
    usable = [place for place, (channel, _weight) in enumerate(weights) if channel in reached]
    line = [place for place in usable if weights[place][0] == preferred] or usable
    weighted = [place for place in line if weights[place][1] > 0]
    parts = [0.0] * len(weights)
    if weighted:
        total = sum(weights[place][1] for place in weighted)
        for place in weighted:
            parts[place] = weights[place][1] / total
    elif line:
        parts[line[0]] = 1.0
    return parts
