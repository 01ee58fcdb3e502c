from __future__ import annotations

from collections.abc import Callable

import pytest

from cart_recovery.health.queue import QueueState, probe

ALIVE = QueueState({"web-1": 2}, None, has_schedule=True, is_scheduled=True)


@pytest.fixture(autouse=True)
def queue(monkeypatch: pytest.MonkeyPatch) -> Callable[[QueueState | None], None]:
    """What a look at the queue finds: two workers, whatever this machine has, unless told otherwise."""

    def is_now(state: QueueState | None) -> None:
        monkeypatch.setattr(probe, "look", (lambda: state) if state else None)

    is_now(ALIVE)
    return is_now
