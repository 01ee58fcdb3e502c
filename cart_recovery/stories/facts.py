"""What a story consists of. Kinds and keys are stable: they are what the JSON says."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cart_recovery.eligibility.explaining import Explanation


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened, or that holds now (`at` is None).

    `details` holds plain values: codes, numbers, moments; words are made of them by `sentences`.
    `about` is the row that it comes from: (name of the model, primary key).
    """

    kind: str
    at: dt.datetime | None
    details: Mapping[str, Any] = field(default_factory=dict)
    about: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Prospect:
    """A planned follow-up, and what each rule would say if it were judged now."""

    followup_id: int
    campaign: str
    step: int
    due_at: dt.datetime
    explanation: Explanation


@dataclass(frozen=True, slots=True)
class Story:
    """`facts` in the order in which they happened; `reasons`: why a cart is not followed up.

    `is_cut`: there is more than what is told; the oldest part is left out.
    """

    facts: tuple[Fact, ...]
    prospects: tuple[Prospect, ...] = ()
    reasons: tuple[Fact, ...] = ()
    is_cut: bool = False
