from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.admin.desk import Desk


@pytest.fixture
def desk(live_server: Any, new_profile: Callable[..., Any]) -> Iterator[Desk]:
    """Staff in Chromium; see `tests.admin.desk`."""
    seat = Desk(new_profile, live_server.url)
    yield seat
    seat.rise()
    assert seat.errors == [], "errors in the page's scripts"
