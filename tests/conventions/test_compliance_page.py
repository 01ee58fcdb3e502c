"""The page of rules names tests: they must be there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/compliance.md").read_text()
NAMES = {
    name
    for path in (ROOT / "tests/compliance").glob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
}


def test_the_page_names_tests_at_all() -> None:
    assert len(set(re.findall(r"`(test_\w+)…?`", PAGE))) > 25


@pytest.mark.parametrize("prefix", sorted(set(re.findall(r"`(test_\w+)…?`", PAGE))))
def test_each_named_test_is_there(prefix: str) -> None:
    assert any(name.startswith(prefix) for name in NAMES)


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(tests/[\w/.]+)`", PAGE))))
def test_each_named_file_is_there(path: str) -> None:
    assert (ROOT / path).exists()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_each_test_is_on_the_page(name: str) -> None:
    section = re.match(r"test_(\d_\d|3_[a-z]+)", name)
    assert section is not None
    assert f"`test_{section[1]}" in PAGE
