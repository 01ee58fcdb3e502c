from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.utils import translation


@pytest.fixture
def english() -> Iterator[None]:
    """Reasons are read in English, the language that they are written in."""
    with translation.override("en"):
        yield
