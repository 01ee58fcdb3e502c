"""One person, several rows: merged contacts keep their chains of records as tombstones."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db.models import F

from cart_recovery.models import Contact

_MERGE_DEPTH: Final = 10


def current_id(contact_id: int) -> int:
    """The contact that this one was merged into, or itself. Raises Contact.DoesNotExist."""
    seen: set[int] = set()
    while contact_id not in seen:
        seen.add(contact_id)
        winner = Contact.objects.values_list("merged_into_id", flat=True).get(pk=contact_id)
        if winner is None:
            return contact_id
        contact_id = winner
    raise ValueError("Contacts are merged in a circle.")


def lock_person(contact_id: int) -> int:
    """`current_id`, held until the transaction ends: of a yes and a no at once one comes first.

    An UPDATE locks on every database. Raises Contact.DoesNotExist.
    """
    while True:
        person = current_id(contact_id)
        Contact.objects.filter(pk=person).update(language=F("language"))
        # two contacts may have become one while we waited
        if current_id(person) == person:
            return person


def owners_of(contact_ids: Collection[int]) -> dict[int, int]:
    """Contact id -> the one of `contact_ids` that it is, or was merged into.

    One query, and one more per level of merges.
    """
    owners = {contact_id: contact_id for contact_id in contact_ids}
    level = set(owners)
    for _ in range(_MERGE_DEPTH):
        merged = Contact.objects.filter(merged_into_id__in=level).values_list(
            "pk", "merged_into_id"
        )
        found = {loser: owners[winner] for loser, winner in merged if winner is not None}
        level = found.keys() - owners.keys()
        if not level:
            break
        owners.update((loser, found[loser]) for loser in level)
    return owners
