"""The sweep from cron, for shops without a queue."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone

from cart_recovery import sweep
from cart_recovery.campaigns.planning import plan
from cart_recovery.delivery import preview
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.delivery.results import DeliveryResult


class Command(BaseCommand):
    help = (
        "Plan and deliver what is due, once, without a queue. Run it every minute from cron. "
        "It may overlap with itself and with a queue worker."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="Say what would be done now; change nothing, send nothing.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["dry_run"]:
            self._foretell()
            return
        report = sweep.run(timezone.now())
        result = deliver_due()
        self._print_plan(report)
        self._print_delivery(result)
        if report.failed_stages:
            raise CommandError(f"Failed, see the log: {', '.join(report.failed_stages)}")

    def _foretell(self) -> None:
        """The real planning inside a transaction that is rolled back, then verdicts only."""
        now = timezone.now()
        with transaction.atomic():
            planned = plan(now)
            foretold = list(preview.foretell(now))
            transaction.set_rollback(True)
        self.stdout.write(f"would enrol {planned.enrolled} carts, restart {planned.restarted}")
        for reason, count in sorted(planned.left_alone.items()):
            self.stdout.write(f"would leave {count} carts alone: {reason}")
        for line in foretold:
            self.stdout.write(line)

    def _print_plan(self, report: sweep.SweepReport) -> None:
        planned = report.planned
        self.stdout.write(
            f"abandoned {planned.abandoned}, enrolled {planned.enrolled}, "
            f"restarted {planned.restarted}, credited {report.credited}, "
            f"taken over {report.released}, unknown {report.unknown}"
        )
        for reason, count in sorted(planned.left_alone.items()):
            self.stdout.write(f"left alone {count}: {reason}")

    def _print_delivery(self, result: DeliveryResult) -> None:
        self.stdout.write(f"due {result.claimed}")
        for title, counts in (
            ("message", result.messages),
            ("skipped", result.skipped),
            ("waiting", result.waiting),
            ("withdrawn", result.withdrawn),
        ):
            for name, count in sorted(counts.items()):
                self.stdout.write(f"{title} {name}: {count}")
