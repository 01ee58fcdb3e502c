"""What the wall around our receivers says about a failure, and what it keeps to itself."""

from __future__ import annotations

import logging

import pytest

from cart_recovery.carts.guarding import guarded


def test_error_is_logged_without_its_text_when_a_guarded_function_fails(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Databases and parsers quote values in what they say: addresses, numbers, names."""

    @guarded
    def fail(address: str) -> None:
        raise ValueError(f"{address} is already taken")

    with caplog.at_level(logging.ERROR):
        fail("anna@example.de")
    assert "ValueError" in caplog.text
    assert "anna@example.de" not in caplog.text
