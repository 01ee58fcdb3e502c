"""Kinds of rows that no index finds: gone through by key, a bounded piece at a time."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Protocol

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from cart_recovery.consent import purging
from cart_recovery.consent.suppression import SuppressionItem, suppress_digests
from cart_recovery.models import (
    ConsentAction,
    ConsentRecord,
    ConsentState,
    Contact,
    Message,
    Notice,
    OptIn,
    OptInState,
    Purpose,
    Reply,
    TrackedCart,
    TrackedOrder,
)
from cart_recovery.privacy import removing
from cart_recovery.privacy.erasure import erase
from cart_recovery.provider_events import SuppressionReason

#: what a withdrawal record or suppression says that comes from here
SOURCE = "retention"


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of a scan: how many rows were due in it, how far it came, whether that was the end."""

    count: int
    reached: int
    is_last: bool


class Scan(Protocol):
    """One kind: what became due before a moment, in the next piece behind a key."""

    def __call__(
        self,
        before: dt.datetime,
        now: dt.datetime,
        *,
        after: int,
        limit: int,
        dry_run: bool = False,
    ) -> Step: ...


def carts(
    before: dt.datetime, now: dt.datetime, *, after: int, limit: int, dry_run: bool = False
) -> Step:
    """Carts that were closed, or left lying, before that moment."""
    rows, is_last = _piece(TrackedCart.objects.all(), "created_at", before, after, limit)
    found = TrackedCart.objects.filter(pk__in=rows)
    due = found.filter(Q(closed_at__lt=before) | Q(closed_at=None, last_activity_at__lt=before))
    ids = list(due.values_list("pk", flat=True)) if rows else []
    if ids and not dry_run:
        with transaction.atomic():
            removing.remove_carts(ids)
    return Step(len(ids), rows[-1] if rows else after, is_last)


def notices(
    before: dt.datetime, now: dt.datetime, *, after: int, limit: int, dry_run: bool = False
) -> Step:
    """Notices that were ended before that moment."""
    rows, is_last = _piece(Notice.objects.all(), "created_at", before, after, limit)
    due = Notice.objects.filter(pk__in=rows, ended_at__lt=before)
    ids = list(due.values_list("pk", flat=True)) if rows else []
    if ids and not dry_run:
        with transaction.atomic():
            removing.remove_notices(ids)
    return Step(len(ids), rows[-1] if rows else after, is_last)


def contacts(
    before: dt.datetime, now: dt.datetime, *, after: int, limit: int, dry_run: bool = False
) -> Step:
    """Contacts without permission, account or activity since: emptied, not blocked."""
    rows, is_last = _piece(Contact.objects.all(), "created_at", before, after, limit)
    found = list(_forgotten(before).filter(pk__in=rows)) if rows else []
    if found and not dry_run:
        with transaction.atomic():
            _keep_objections([contact.pk for contact in found])
            erase(found, source=SOURCE, now=now, is_asked_for=False)
    return Step(len(found), rows[-1] if rows else after, is_last)


def proofs(
    before: dt.datetime, now: dt.datetime, *, after: int, limit: int, dry_run: bool = False
) -> Step:
    """Consent records that have been out of use since before that moment (`consent.purging`)."""
    records = ConsentRecord.objects.all()
    rows, is_last = _piece(records, "recorded_at", before, after, limit)
    if not rows:
        return Step(0, after, is_last)
    owners = set(records.filter(pk__in=rows).values_list("contact_id", flat=True))
    cuts = purging.plan_cuts(owners, before)
    if dry_run:
        # a chain may lie in several pieces
        count = len({pk for cut in cuts for pk in cut.record_ids}.intersection(rows))
        return Step(count, rows[-1], is_last)
    purged = purging.purge([cut.contact_id for cut in cuts], before, now) if cuts else 0
    return Step(purged, rows[-1], is_last)


def _piece(
    rows: QuerySet[Any], moment: str, before: dt.datetime, after: int, limit: int
) -> tuple[list[int], bool]:
    """The keys of the next rows, and whether those were the last ones that can be old enough.

    Keys are given in the order of creation: behind a piece that ends with a row too young there is
    nothing old.
    """
    piece = list(rows.filter(pk__gt=after).order_by("pk").values_list("pk", moment)[:limit])
    old = [pk for pk, at in piece if at < before]
    is_last = len(piece) < limit or piece[-1][1] >= before
    return old, is_last


def _forgotten(before: dt.datetime) -> QuerySet[Contact]:
    def has(model: Any, **which: Any) -> Exists:
        return Exists(model._base_manager.filter(contact=OuterRef("pk"), **which))

    return Contact.objects.filter(
        ~has(ConsentState, action=ConsentAction.GRANTED),
        ~has(TrackedCart, last_activity_at__gte=before),
        ~has(TrackedOrder, created_at__gte=before),
        ~has(Message, created_at__gte=before),
        ~has(Reply, received_at__gte=before),
        ~has(OptIn, state=OptInState.PENDING),
        user__isnull=True,
        merged_into__isnull=True,
        erased_at__isnull=True,
    )


def _keep_objections(contact_ids: list[int]) -> None:
    """Who wanted no message whatsoever on a channel is not to get one as a stranger either."""
    objections = ConsentState.objects.filter(
        contact_id__in=contact_ids, purpose=Purpose.ORDER_STATUS, action=ConsentAction.WITHDRAWN
    ).exclude(address_digest="")
    suppress_digests(
        SuppressionItem(channel, digest, SuppressionReason.UNSUBSCRIBED, SOURCE)
        for channel, digest in objections.values_list("channel", "address_digest")
    )
