from __future__ import annotations

import pytest
from django.core.cache import cache

from cart_recovery.channels.locmem import LocmemChannel
from tests.inbound.test_round_trip import providers  # noqa: F401 a fixture, found by its name


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """All tests come from one address: what one has sent must not slow down the next."""
    cache.clear()
    LocmemChannel.reset()
