"""`python -m benchmarks`: measure, print the table, keep it in the documentation if asked to."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import time
from collections.abc import Sequence

from benchmarks.databases import DEFAULT_SERVER

NAMES = (
    "add_to_basket", "sweep_scale", "sending", "memory", "rendering", "privacy", "admin_pages",
    "recommendations",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when everything ran, whether or not it was quick enough; 1 when something failed."""
    options = _parser().parse_args(arguments)
    os.environ["DJANGO_SETTINGS_MODULE"] = "benchmarks.settings"
    # the same order of sets and dicts in every process that is compared
    os.environ["PYTHONHASHSEED"] = "0"
    os.environ.pop("REDIS_URL", None)
    server_url = options.database or os.environ.pop("DATABASE_URL", "") or DEFAULT_SERVER

    from benchmarks import reporting, suite

    began = time.monotonic()
    run = suite.run(
        options.only or NAMES, server_url=server_url, is_quick=options.quick, tell=_tell
    )
    command = shlex.join(["python", "-m", "benchmarks", *(arguments or sys.argv[1:])])
    surroundings = reporting.Surroundings(
        is_quick=options.quick, server_version=run.server_version, command=command
    )
    text = reporting.as_markdown(run.rows, surroundings)
    print(text)
    _tell(f"{time.monotonic() - began:.0f} s in all")
    if options.write_docs:
        reporting.write_page(text)
        _tell(f"written to {reporting.PAGE}")
    return 1 if run.failed else 0


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Ratios within one run; absolute figures are those of this machine.",
        epilog="PostgreSQL is left out where no server answers.",
    )
    add = parser.add_argument
    add("--quick", action="store_true", help="small sizes: shows that it runs, no more")
    add("--only", action="append", choices=NAMES, help="one benchmark; may be given again")
    add("--database", metavar="URL",
        help=f"PostgreSQL server for databases of our own (DATABASE_URL, {DEFAULT_SERVER})")  # fmt: skip
    add("--write-docs", action="store_true", help="put the results into the documentation")
    return parser


if __name__ == "__main__":
    sys.exit(main())
