"""Outer bounds of the code's shape. The aims are lower: docs/contributors/style.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from cart_recovery.conf import Conf

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("cart_recovery", "sandbox_shop", "benchmarks")
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 50
#: names under which anything ends up
DRAWERS = {"utils", "helpers", "common", "services", "misc"}
SUPPRESSION = re.compile(r"# noqa(: [A-Z]+\d+(, ?[A-Z]+\d+)*)?|# type: ignore(\[[^\]]*\])?")


def modules() -> list[Path]:
    found = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return sorted(path for path in found if "migrations" not in path.parts)


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node


def test_modules_stay_short_enough_to_read() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in modules()}
    assert {name: n for name, n in lengths.items() if n > MAX_MODULE_LINES} == {}


def test_functions_stay_short_enough_to_read() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": lines
        for path in modules()
        for node in functions(path)
        if (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > MAX_FUNCTION_LINES
    }
    assert long == {}


def test_no_module_is_a_drawer() -> None:
    assert [str(p) for p in modules() if {p.stem, p.parent.name} & DRAWERS] == []


def test_suppressed_complaints_have_a_reason() -> None:
    """The reason stands behind it in the same line, or in a comment above."""
    bare = []
    for path in modules():
        lines = path.read_text().splitlines()
        for number, line in enumerate(lines, 1):
            marker = SUPPRESSION.search(line)
            above = lines[number - 2].strip() if number > 1 else ""
            if marker and not line[marker.end() :].strip() and not above.startswith("#"):
                bare.append(f"{path.relative_to(ROOT)}:{number}")
    assert bare == []


@pytest.mark.parametrize("name", sorted(n for n in dir(Conf) if n.isupper()))
def test_setting_is_documented(name: str) -> None:
    """The settings reference is made from these docstrings."""
    assert getattr(Conf, name).__doc__
