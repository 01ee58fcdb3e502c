"""The ledger of consents: verify it, mend the states, take over consents from elsewhere."""

from __future__ import annotations

from argparse import ArgumentParser
from collections import Counter
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from cart_recovery.consent import ledger
from cart_recovery.consent.importing import RowError, import_rows
from cart_recovery.consent.verification import verify_chains
from cart_recovery.management.choosing import add_choice, chosen


class Command(BaseCommand):
    help = "Verify the ledger of consents, rebuild the states from it, or import consents."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        verify = actions.add_parser(
            "verify",
            help="Find what was edited, removed or reordered; exit code 1 if anything was.",
        )
        add_choice(verify, may_be_all=True)
        rebuild = actions.add_parser(
            "rebuild", help="Make the states anew from the records, of which they are a copy."
        )
        add_choice(rebuild, may_be_all=True)
        imports = actions.add_parser(
            "import", help="Take over consents from a CSV file (docs/owners/personal-data.md)."
        )
        imports.add_argument("file", type=Path)
        imports.add_argument(
            "--dry-run", action="store_true", help="Check every row; change nothing."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        {"verify": self._verify, "rebuild": self._rebuild, "import": self._import}[
            options["action"]
        ](options)

    def _verify(self, options: dict[str, Any]) -> None:
        people = problems = 0
        for batch in chosen(options):
            people += len(batch)
            for problem in verify_chains(batch):
                problems += 1
                self.stdout.write(str(problem))
        self.stdout.write(f"contacts {people}, problems {problems}")
        if problems:
            raise CommandError("The ledger is not as it was written; see above.", returncode=1)

    def _rebuild(self, options: dict[str, Any]) -> None:
        people = 0
        for batch in chosen(options):
            people += len(batch)
            for contact in batch:
                ledger.rebuild(contact)
        self.stdout.write(f"contacts {people}: states made anew from the records")

    def _import(self, options: dict[str, Any]) -> None:
        counts: Counter[str] = Counter()
        try:
            # what is no UTF-8 shows as a wrong address in its row, and stops no other
            with options["file"].open(encoding="utf-8-sig", errors="replace", newline="") as lines:
                for result in import_rows(lines, dry_run=options["dry_run"]):
                    counts["rows"] += 1
                    counts["consents"] += result.written
                    counts["known"] += not result.written and not result.problem
                    counts["refused"] += bool(result.problem)
                    if result.problem:
                        self.stdout.write(f"line {result.line}: {result.problem}")
        except OSError as error:
            raise CommandError(f"The file cannot be read: {error}") from error
        except RowError as error:
            raise CommandError(str(error)) from error
        verb = "would write" if options["dry_run"] else "wrote"
        self.stdout.write(
            f"rows {counts['rows']}, {verb} {counts['consents']} consents, "
            f"known already {counts['known']}, refused {counts['refused']}"
        )
        if counts["refused"]:
            raise CommandError("Some rows were refused; see above.", returncode=1)
