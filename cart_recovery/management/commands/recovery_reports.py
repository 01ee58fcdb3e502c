"""The reports' figures from the shell: sums of a period, and days summed up anew."""

from __future__ import annotations

import csv
import datetime as dt
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from cart_recovery.models import Measure
from cart_recovery.reports import rolling
from cart_recovery.reports.figures import Figure, sums

#: what a run without dates shows
DAYS = 30
LONGEST = 3 * 366


class Command(BaseCommand):
    help = (
        "Print the sums of the reports. With --rebuild the days are summed up anew first: after an "
        "import, or when PRICES were set. Days of which retention may have deleted rows stay as "
        "they are."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--since", type=_day, help="first day, like 2026-01-31")
        parser.add_argument("--until", type=_day, help="last day; today unless told otherwise")
        parser.add_argument("--csv", action="store_true", help="a line per day, as CSV")
        parser.add_argument("--rebuild", action="store_true", help="sum these days up anew first")

    def handle(self, *args: Any, **options: Any) -> None:
        zone = timezone.get_default_timezone()
        until = options["until"] or timezone.localdate(timezone=zone)
        since = options["since"] or until - dt.timedelta(days=DAYS - 1)
        if since > until:
            raise CommandError(f"{since} lies after {until}.")
        if (until - since).days >= LONGEST:
            raise CommandError(f"Those are more than {LONGEST} days.")
        if options["rebuild"]:
            rebuilt = rolling.rebuild(since, until, timezone.now())
            self.stderr.write(f"{rebuilt} days summed up anew")
        if options["csv"]:
            self._print_csv(sums(since, until, by=("day",)))
        else:
            self._print_sums(sums(since, until), f"{since} to {until}")

    def _print_sums(self, figures: list[Figure], title: str) -> None:
        self.stdout.write(f"{title:<30}{'number':>12}{'amount':>18}")
        for figure in figures:
            amount = f"{figure.amount:.2f} {figure.currency}" if figure.currency else ""
            label = Measure(figure.measure).name.lower()
            self.stdout.write(f"{label:<30}{figure.count:>12}{amount:>18}")

    def _print_csv(self, figures: list[Figure]) -> None:
        writer = csv.writer(self.stdout)
        writer.writerow(["day", "measure", "number", "amount", "currency"])
        for figure in figures:
            amount = f"{figure.amount.normalize():f}" if figure.currency else ""
            writer.writerow([figure.key[0], figure.measure, figure.count, amount, figure.currency])


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no day: write it like 2026-01-31.") from None
