"""START by reply: what someone who had said STOP meant by coming back (PROVIDERS.md §2.3)."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from django.db import transaction
from django.utils import timezone

from cart_recovery.consent import opt_ins
from cart_recovery.consent.addresses import address_kind_of, digest_on
from cart_recovery.consent.ledger import record
from cart_recovery.consent.persons import lock_person, owners_of
from cart_recovery.consent.suppression import lift
from cart_recovery.markets.profiles import market_of
from cart_recovery.models import (
    ConsentAction,
    ConsentMethod,
    ConsentRecord,
    ConsentState,
    ConsentWording,
    Contact,
)
from cart_recovery.provider_events import SuppressionReason

SOURCE: Final = "sms_start"
#: withdrawals that were a STOP; who unsubscribed on a page did not mean START to undo it
STOP_SOURCES: Final = ("sms_stop", "provider_unsubscribed")
#: blocks that a START from the very number undoes
UNDONE: Final = frozenset({
    SuppressionReason.STOP_REPLY, SuppressionReason.UNSUBSCRIBED, SuppressionReason.CARRIER_BLOCK,
})  # fmt: skip


def come_back(
    contact: Contact, channels: Sequence[str], *, evidence: str, now: dt.datetime | None = None
) -> list[ConsentRecord]:
    """The person answered START on these channels (the one that they used first).

    Where their market takes START for a permission, what they had agreed to before the STOP holds
    again, and the records are given back. Elsewhere nothing is permitted; they are asked to confirm
    the text of their last yes, as often as the throttle of double opt-ins allows. `evidence` is
    what they wrote.
    """
    now = now or timezone.now()
    with transaction.atomic():
        person = Contact.objects.get(pk=lock_person(contact.pk))
        if market_of(person).start_restores:
            records: list[ConsentRecord] = []
            for channel in channels:
                records += _restore(person, channel, evidence=evidence, now=now)
            return records
        for channel in channels:
            wording = _last_wording(person, channel)
            if wording is not None:
                opt_ins.ask(person, channel=channel, wording=wording, source=SOURCE, now=now)
                break
        return []


def _restore(
    person: Contact, channel: str, *, evidence: str, now: dt.datetime
) -> list[ConsentRecord]:
    lift(channel, digest_on(person, channel), reasons=UNDONE, source=SOURCE)
    market, kind = market_of(person), address_kind_of(channel)
    stopped = ConsentState.objects.filter(
        contact_id__in=owners_of([person.pk]), channel=channel, action=ConsentAction.WITHDRAWN,
        record__source__in=STOP_SOURCES,
    )  # fmt: skip
    by_wording: dict[ConsentWording | None, list[str]] = defaultdict(list)
    for yes in _last_yeses(person, channel, stopped.values_list("purpose", flat=True)):
        if market.accepts(yes.method, kind):
            by_wording[yes.wording].append(yes.purpose)
    records: list[ConsentRecord] = []
    for wording, purposes in by_wording.items():
        records += record(
            person, channel=channel, purposes=purposes, action=ConsentAction.GRANTED,
            method=ConsentMethod.KEYWORD, source=SOURCE, evidence=evidence, wording=wording, now=now,
        )  # fmt: skip
    return records


def _last_yeses(person: Contact, channel: str, purposes: Iterable[str]) -> list[ConsentRecord]:
    """The newest yes to each purpose at the address that the person has now."""
    rows = ConsentRecord.objects.filter(
        contact_id__in=owners_of([person.pk]), channel=channel, purpose__in=list(purposes),
        action=ConsentAction.GRANTED, address_digest=digest_on(person, channel),
    )  # fmt: skip
    newest = {
        row.purpose: row for row in rows.select_related("wording").order_by("recorded_at", "pk")
    }
    return list(newest.values())


def _last_wording(person: Contact, channel: str) -> ConsentWording | None:
    rows = ConsentRecord.objects.filter(
        contact_id__in=owners_of([person.pk]), channel=channel, action=ConsentAction.GRANTED,
        address_digest=digest_on(person, channel), wording__isnull=False,
    )  # fmt: skip
    last = rows.select_related("wording").order_by("-recorded_at", "-pk").first()
    return last.wording if last else None
