"""What a delivery run says about itself."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

Clock = Callable[[], dt.datetime]


@dataclass(slots=True)
class DeliveryResult:
    """Counts of one delivery run: messages by state, follow-ups and notices by reason."""

    claimed: int = 0
    messages: Counter[str] = field(default_factory=Counter)
    skipped: Counter[str] = field(default_factory=Counter)
    waiting: Counter[str] = field(default_factory=Counter)
    withdrawn: Counter[str] = field(default_factory=Counter)
