"""Count what is bought together, to the end."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from cart_recovery.models import BoughtTogether
from cart_recovery.recommendations import computing


class Command(BaseCommand):
    help = (
        "Count what is bought together from the orders that are new. The sweep does the same in "
        "small pieces, and counts everything anew once a day: run this with --rebuild after an import of "
        "orders, or when BOUGHT_TOGETHER_WITHIN or the statuses of cancelled orders were changed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--rebuild", action="store_true", help="count all orders anew")

    def handle(self, *args: Any, **options: Any) -> None:
        computing.run_to_end(timezone.now(), rebuild=options["rebuild"])
        self.stdout.write(f"{BoughtTogether.objects.count()} pairs of products are known.")
