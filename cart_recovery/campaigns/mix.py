"""Which channel a step takes for a contact: preference, stable draw, fall-back. Pure functions."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum


class ChoiceReason(StrEnum):
    PREFERRED = "preferred"
    DRAWN = "drawn"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class MixOption:
    """One variant of a step, as the draw sees it."""

    variant_id: int
    channel: str
    template_code: str
    weight: int


@dataclass(frozen=True, slots=True)
class MixChoice:
    """`blocked` names the channels that went first in line and why they could not be used."""

    option: MixOption
    reason: ChoiceReason
    blocked: tuple[tuple[str, str], ...] = ()

    def describe(self) -> str:
        """`fallback: sms no_consent` and the like, at most 64 characters, to be kept."""
        skipped = ", ".join(f"{channel} {why}" for channel, why in self.blocked)
        return (f"{self.reason}: {skipped}" if skipped else str(self.reason))[:64]


def choose(
    options: Sequence[MixOption], *, seed: str, preferred: str, blocker: Callable[[str], str]
) -> tuple[MixChoice | None, tuple[tuple[str, str], ...]]:
    """The first option in line that nothing blocks, and what blocked the ones before.

    `blocker(channel)` says why a channel cannot be used for this contact, or "". The preferred
    channel stands first in line; the rest as drawn by `draw_order`.
    """
    blocked: list[tuple[str, str]] = []
    for place, option in enumerate(line_up(options, seed=seed, preferred=preferred)):
        why = blocker(option.channel)
        if not why:
            return MixChoice(option, _reason(option, place, preferred), tuple(blocked)), ()
        if (option.channel, why) not in blocked:
            blocked.append((option.channel, why))
    return None, tuple(blocked)


def draw_order(options: Iterable[MixOption], *, seed: str) -> list[MixOption]:
    """Options in the order of a weighted draw without replacement, the same for the same seed.

    Each option draws an exponential variate with its weight as rate (weighted rendezvous hashing),
    so adding or removing an option moves only those contacts whose draw it wins or loses. Weight 0
    comes last: it is a pure fall-back.
    """
    return sorted(options, key=lambda option: (_score(option, seed), option.variant_id))


def line_up(options: Sequence[MixOption], *, seed: str, preferred: str) -> list[MixOption]:
    """The order in which the options are tried: the preferred channel, then as drawn."""
    drawn = draw_order(options, seed=seed)
    return [o for o in drawn if o.channel == preferred] + [
        o for o in drawn if o.channel != preferred
    ]


def _reason(option: MixOption, place: int, preferred: str) -> ChoiceReason:
    if option.channel == preferred:
        return ChoiceReason.PREFERRED
    return ChoiceReason.DRAWN if place == 0 else ChoiceReason.FALLBACK


def _score(option: MixOption, seed: str) -> float:
    if option.weight <= 0:
        return math.inf
    digest = hashlib.sha256(f"{seed}:{option.variant_id}".encode()).digest()
    uniform = (int.from_bytes(digest[:8]) + 1) / (2**64 + 1)
    return -math.log(uniform) / option.weight
