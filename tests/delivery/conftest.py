from __future__ import annotations

from collections.abc import Iterator

import pytest

from cart_recovery.channels.locmem import LocmemChannel


@pytest.fixture(autouse=True)
def _empty_outbox() -> Iterator[None]:
    LocmemChannel.reset()
    yield
    LocmemChannel.reset()
