"""Looking at orders about which something was said: what is new, and whose they are. In bulk."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import connections
from django.db.models import Case, F, Value, When

from cart_recovery.carts.guarding import database
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.contacts.claims import usable_email, usable_phone
from cart_recovery.contacts.identities import Guest, resolve_guests, resolve_users
from cart_recovery.models import (
    Contact,
    Enrolment,
    FollowUpState,
    OrderMilestone,
    Suppression,
    TrackedOrder,
)
from cart_recovery.orders.milestones import Group, groups, news, without_mistakes
from cart_recovery.orders.naming import is_renamed, naming_digest
from cart_recovery.provider_events import SuppressionReason
from cart_recovery.shop.milestones import PARTLY_SHIPPED
from cart_recovery.shop.orders import OrderFacts
from cart_recovery.shop.progress import OrderProgress, load_progress

#: of a follow-up whose message was made, or is being made right now
_SAYING = (FollowUpState.CLAIMED, FollowUpState.DONE)


@dataclass(slots=True)
class Sighting:
    """An order as a sweep finds it. `groups` come with what is new once that is kept; `mistakes`:
    milestones that were set back before anything was said of them, and in whose place others came."""

    tracked: TrackedOrder
    progress: OrderProgress
    groups: list[Group] = field(default_factory=list)
    fresh: list[OrderMilestone] = field(default_factory=list)
    mistakes: list[int] = field(default_factory=list)


def look(limit: int) -> tuple[list[TrackedOrder], list[Sighting]]:
    """The orders that were changed longest ago, and how those of them that exist stand now.

    Reads only. Constant queries.
    """
    rows = list(
        TrackedOrder.objects.filter(changed_at__isnull=False).order_by("changed_at", "pk")[:limit]
    )
    progress = load_progress([row.order_id for row in rows if row.order_id is not None])
    stored = _milestones_of(rows)
    doubtful = [
        row for row in rows if _is_set_back(stored.get(row.pk, ()), progress.get(row.order_id or 0))
    ]
    spoken = _spoken(doubtful)
    group = uuid.uuid4().hex
    sightings = []
    for row in rows:
        found = progress.get(row.order_id or 0)
        if found is None or row.changed_at is None:
            continue
        all_of_it = stored.get(row.pk, [])
        known = without_mistakes(all_of_it, found, spoken.get(row.pk, ()))
        fresh = news(row, found, known, group=group, changed_at=row.changed_at)
        # what was set back and nothing else may still be set forward again
        kinds = {m.kind for m in fresh if m.key != PARTLY_SHIPPED}
        mistakes = [
            m.pk
            for m in all_of_it
            if m.kind in kinds and m.key != PARTLY_SHIPPED and m not in known
        ]
        sightings.append(Sighting(row, found, fresh=fresh, mistakes=mistakes))
    return rows, sightings


def unchanged(rows: Sequence[TrackedOrder]) -> set[int]:
    """Those of the rows about which nothing was said since they were read, locked until the
    transaction ends. The others wait for the next look."""
    seen = {row.pk: row.changed_at for row in rows}
    features = connections[database()].features
    found = TrackedOrder.objects.filter(pk__in=seen)
    if features.has_select_for_update:
        found = found.select_for_update(skip_locked=features.has_select_for_update_skip_locked)
    pairs = found.order_by("pk").values_list("pk", "changed_at")
    return {pk for pk, changed_at in pairs if changed_at == seen[pk]}


def keep(sightings: Sequence[Sighting]) -> None:
    """Write down what is new, forget what was a mistake, and give each sighting its groups as they
    are stored. Two statements, and one where there were mistakes.

    What another sweep has noticed in the same moment stays as it is.
    """
    mistakes = [key for sighting in sightings for key in sighting.mistakes]
    if mistakes:
        OrderMilestone.objects.filter(pk__in=mistakes).delete()
    fresh = [row for sighting in sightings for row in sighting.fresh]
    OrderMilestone.objects.bulk_create(fresh, ignore_conflicts=True)
    stored = _milestones_of([sighting.tracked for sighting in sightings])
    for sighting in sightings:
        sighting.groups = groups(stored.get(sighting.tracked.pk, []))


def settle(rows: Sequence[TrackedOrder], sightings: Sequence[Sighting]) -> None:
    """These have been looked at, and this is how. One statement."""
    seen: dict[str, list[int]] = defaultdict(list)
    for sighting in sightings:
        seen[sighting.progress.order.status or ""].append(sighting.tracked.pk)
    statuses = [When(pk__in=ids, then=Value(status[:255])) for status, ids in seen.items()]
    TrackedOrder.objects.filter(pk__in=[row.pk for row in rows]).update(
        changed_at=None, seen_status=Case(*statuses, default=F("seen_status"))
    )


def identify(sightings: Sequence[Sighting]) -> None:
    """See that each order has its contact: that of whom it names now. Constant queries for all who
    are known.

    A contact that was merged into another one is followed to that one. An order that names nobody any
    more, as when an account is deleted, keeps its contact; one whose new person cannot be known has
    none.
    """
    unknown = [s for s in sightings if _is_open(s)]
    found = _contacts_for(unknown)
    current = _living({s.tracked.pk: s.tracked.contact_id for s in sightings})
    for sighting in unknown:
        contact = found.get(sighting.tracked.pk)
        key = None if contact is None else contact.merged_into_id or contact.pk
        current[sighting.tracked.pk] = key
    changed = []
    for sighting in sightings:
        tracked, digest = sighting.tracked, naming_digest(sighting.progress.order)
        if (tracked.contact_id, tracked.named_digest) != (current[tracked.pk], digest):
            tracked.contact_id, tracked.named_digest = current[tracked.pk], digest
            changed.append(tracked)
    TrackedOrder.objects.bulk_update(changed, ["contact", "named_digest"])


def _living(contact_ids: Mapping[int, int | None]) -> dict[int, int | None]:
    """With those that were merged into another one followed to that one. One query."""
    known = Contact.objects.filter(
        pk__in={pk for pk in contact_ids.values() if pk is not None}, merged_into__isnull=False
    )
    winners = dict(known.values_list("pk", "merged_into_id"))
    return {key: winners.get(pk or 0, pk) for key, pk in contact_ids.items()}


def _is_open(sighting: Sighting) -> bool:
    """Whether its contact is still, or again, to be looked for."""
    order = sighting.progress.order
    if sighting.tracked.contact_id is None:
        return True
    return is_renamed(sighting.tracked, order) and bool(order.user_id or order.email or order.phone)


def _contacts_for(sightings: Sequence[Sighting]) -> dict[int, Contact]:
    """By the keys of the tracked orders; without those whose person cannot be known."""
    orders = {s.tracked.pk: s.progress.order for s in sightings}
    people = _not_erased(
        {s.tracked.pk: _guest(orders[s.tracked.pk], s.tracked.language) for s in sightings}
    )
    members = resolve_users({orders[pk].user_id for pk in people} - {None})
    strangers = {pk: guest for pk, guest in people.items() if orders[pk].user_id not in members}
    found = resolve_guests(strangers)
    return found | {pk: members[orders[pk].user_id] for pk in people if pk not in strangers}


def _not_erased(guests: Mapping[int, Guest]) -> dict[int, Guest]:
    """Without those who had their data erased: their orders in the shop bring nothing of it back.
    One query."""
    digests = {
        key: {
            address_digest(kind, address)
            for kind, address in (("email", usable_email(guest.email)[1]),
                                  ("phone", usable_phone(guest.phone, guest.country)))
            if address
        }
        for key, guest in guests.items()
    }  # fmt: skip
    everyone = {digest for own in digests.values() for digest in own}
    if not everyone:
        return dict(guests)
    blocked = Suppression.objects.filter(
        address_digest__in=everyone, reason=SuppressionReason.ERASED
    )
    erased = set(blocked.values_list("address_digest", flat=True))
    return {key: guest for key, guest in guests.items() if not digests[key] & erased}


def _guest(order: OrderFacts, language: str) -> Guest:
    """A customer is known by the account; their order may well have the number of somebody else."""
    phone = order.phone if order.user_id is None else ""
    return Guest(order.email, phone, order.country, language, order.basket_id)


def _is_set_back(stored: Collection[OrderMilestone], progress: OrderProgress | None) -> bool:
    if progress is None:
        return False
    return len(without_mistakes(stored, progress, spoken=())) < len(stored)


def _spoken(rows: Collection[TrackedOrder]) -> dict[int, set[str]]:
    """By order the groups of milestones of which something was said, or is being said right now. One
    query, none for no orders."""
    if not rows:
        return {}
    found: dict[int, set[str]] = defaultdict(set)
    said = Enrolment.objects.filter(
        order__in=[row.pk for row in rows], followups__state__in=_SAYING
    )
    for order_id, key in said.values_list("order_id", "key").distinct():
        found[order_id or 0].add(key)
    return found


def _milestones_of(rows: Collection[TrackedOrder]) -> dict[int, list[OrderMilestone]]:
    found: dict[int, list[OrderMilestone]] = defaultdict(list)
    stored = OrderMilestone.objects.filter(tracked__in=[row.pk for row in rows])
    for milestone in stored.order_by("pk"):
        found[milestone.tracked_id].append(milestone)
    return found
