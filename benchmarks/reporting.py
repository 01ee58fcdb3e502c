"""The table of a run: printed, and kept in the documentation."""

from __future__ import annotations

import datetime as dt
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PAGE: Final = Path(__file__).resolve().parent.parent / "docs" / "contributors" / "benchmarks.md"
BEGIN: Final = "<!-- results of `make bench` begin -->"
END: Final = "<!-- results of `make bench` end -->"
COLUMNS: Final = ("what", "measured", "compared with", "ratio", "aim")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `is_met` says whether the aim is; None: there is none."""

    section: str
    what: str
    measured: str
    compared: str = ""
    ratio: str = ""
    aim: str = ""
    is_met: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        verdict = {True: " ✓", False: " ✗", None: ""}[self.is_met]
        return self.what, self.measured, self.compared, self.ratio, self.aim + verdict


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The machine, the versions and how the run was made."""

    is_quick: bool
    server_version: str
    command: str

    def describe(self) -> str:
        import sqlite3

        import django
        import oscar

        load = os.getloadavg()[0]
        lines = [
            f"{dt.datetime.now(dt.UTC):%Y-%m-%d %H:%M} UTC, `{self.command}`"
            + (", small sizes: only good to see that it runs." if self.is_quick else "."),
            f"{_processor()}, {os.cpu_count()} cores, {_memory()}; {platform.system()} "
            f"{platform.release()}; load {load:.1f} at the end. Clients, servers, databases and "
            "simulators share these cores.",
            f"Python {platform.python_version()}, Django {django.get_version()}, Oscar "
            f"{oscar.get_version()}, {self.server_version}, SQLite {sqlite3.sqlite_version}"
            f"{_commit()}.",
        ]
        return "\n".join(lines)


def as_markdown(rows: Iterable[Row], surroundings: Surroundings) -> str:
    """Sections with a table each."""
    sections: dict[str, list[Row]] = {}
    for row in rows:
        sections.setdefault(row.section, []).append(row)
    parts = [surroundings.describe()]
    for section, members in sections.items():
        table = _table([COLUMNS, *(row.cells for row in members)])
        parts.append(f"### {section}\n\n{table}")
    return "\n\n".join(parts)


def write_page(text: str) -> None:
    """Put the results in their place on the page. Raises ValueError where it has none."""
    page = PAGE.read_text("utf-8")
    place = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    if not place.search(page):
        raise ValueError(f"{PAGE.name} has no place for results: {BEGIN} … {END}")
    PAGE.write_text(place.sub(lambda _found: f"{BEGIN}\n\n{text}\n\n{END}", page), "utf-8")


def _table(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (w + 2) for w in widths) + "|", *lines[1:]])


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text("utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"model name\s*: (.*)", text)
    return found[1].strip() if found else platform.machine()


def _memory() -> str:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return f"{pages * size / 2**30:.0f} GiB"


def _commit() -> str:
    folder = Path(__file__).resolve().parent
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return f", commit {found.stdout.strip()}" if found.returncode == 0 else ""
