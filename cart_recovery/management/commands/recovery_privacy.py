"""One person's data: export it, or erase it."""

from __future__ import annotations

import dataclasses
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from cart_recovery.management.choosing import add_choice, chosen
from cart_recovery.privacy.erasure import erase
from cart_recovery.privacy.export import as_json


class Command(BaseCommand):
    help = "Export or erase all that is held on a person (GDPR Art. 15, 17, 20)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        add_choice(actions.add_parser("export", help="Print everything as JSON."), may_be_all=False)
        erasing = actions.add_parser(
            "erase", help="Delete everything but the proofs of consent, and block the addresses."
        )
        add_choice(erasing, may_be_all=False)
        erasing.add_argument("--yes", action="store_true", help="Do not ask: it cannot be undone.")

    def handle(self, *args: Any, **options: Any) -> None:
        ((contact,),) = chosen(options)
        if options["action"] == "export":
            for part in as_json(contact):
                self.stdout.write(part, ending="")
            return
        if not options["yes"]:
            answer = input(f"Erase contact {contact.pk} for good? Type yes: ")
            if answer.strip().lower() != "yes":
                self.stdout.write("Nothing was changed.")
                return
        report = erase([contact], source="command", now=timezone.now())
        for name, count in dataclasses.asdict(report).items():
            self.stdout.write(f"{name} {count}")
