"""Whom a command is about: one contact by number or address, or all of them."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any, Final

from django.core.management.base import CommandError

from cart_recovery.consent.persons import current_id
from cart_recovery.contacts.identities import find_by_address
from cart_recovery.models import Contact

CHUNK: Final = 500


def add_choice(parser: ArgumentParser, *, may_be_all: bool) -> None:
    """`--contact ID`, `--address A` and, where that makes sense, `--all`; one of them."""
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--contact", type=int, help="Number of the contact in admin.")
    choice.add_argument("--address", help="E-mail address or phone number, in any spelling.")
    if may_be_all:
        choice.add_argument("--all", action="store_true", help="Everybody, batch by batch.")


def chosen(options: dict[str, Any]) -> Iterator[list[Contact]]:
    """Batches of living contacts; merged ones come as the one they were merged into."""
    if not options.get("all"):
        yield [find(contact=options["contact"], address=options["address"])]
        return
    last = 0
    living = Contact.objects.filter(merged_into__isnull=True).order_by("pk")
    while batch := list(living.filter(pk__gt=last)[:CHUNK]):
        last = batch[-1].pk
        yield batch


def find(*, contact: int | None, address: str | None) -> Contact:
    """Raises CommandError where there is nobody."""
    if contact is not None:
        try:
            return Contact.objects.get(pk=current_id(contact))
        except Contact.DoesNotExist:
            raise CommandError(f"There is no contact {contact}.") from None
    found = find_by_address("email" if "@" in (address or "") else "phone", address or "")
    if found is None:
        raise CommandError("Nobody has this address: write it as in name@host or +4915112345678.")
    return found
