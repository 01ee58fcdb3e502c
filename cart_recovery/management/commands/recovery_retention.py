"""Delete what was kept for long enough, to the end; or say what that would be."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cart_recovery.conf import conf
from cart_recovery.privacy import retention


class Command(BaseCommand):
    help = (
        "Delete what was kept for longer than CART_RECOVERY['RETENTION'] says. The sweep does the "
        "same in small pieces: run this after shortening a period, with --dry-run first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--dry-run", action="store_true", help="Say what would go; change nothing."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        is_dry = options["dry_run"]
        report = retention.run_to_end(timezone.now(), limit=conf.BATCH_SIZE, dry_run=is_dry)
        periods = conf.RETENTION
        self.stdout.write(f"{'kind':<18}{'kept for':>12}{'would go' if is_dry else 'gone':>12}")
        for name in retention.NAMES:
            period = periods[name]
            kept = "for ever" if period is None else f"{period.days} days"
            self.stdout.write(f"{name:<18}{kept:>12}{report.counts[name]:>12}")
        if report.failed:
            raise CommandError(f"Failed, see the log: {', '.join(report.failed)}")
