"""Does everything run? For people, monitors and scripts: the exit code tells."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import DatabaseError
from django.utils import timezone, translation

from cart_recovery.health.examining import examine
from cart_recovery.health.findings import Finding, Health, Severity
from cart_recovery.health.views import as_dict
from cart_recovery.health.wording import tell


class Command(BaseCommand):
    help = (
        "Say whether messages go out, and what to do if not. Exit code 0: fine; 1: worth a look; "
        "2: to be repaired."
    )
    # a mistake in the settings of the shop is no reason to be silent
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="The same as /health/ gives.")

    def handle(self, *args: Any, **options: Any) -> None:
        health = _look()
        # as the other commands: for operators and their scripts, in one language
        with translation.override("en"):
            if options["json"]:
                self.stdout.write(json.dumps(as_dict(health), indent=2))
            else:
                self._print(health)
        if health.severity is not Severity.OK:
            sys.exit(int(health.severity))

    def _print(self, health: Health) -> None:
        for finding in health.findings:
            told = tell(finding)
            self.stdout.write(f"{finding.severity.word:<5} {told.title}: {told.text}")
            if finding.quote:
                self.stdout.write(f"      {finding.quote}")
            if told.advice and finding.severity is not Severity.OK:
                self.stdout.write(f"      {told.advice}")


def _look() -> Health:
    now = timezone.now()
    try:
        return examine(now)
    except DatabaseError:
        return Health(now, (Finding("database", "down", Severity.FAIL),))
