"""Many people with a history each, and what is deleted of them. Runs in a worker."""

from __future__ import annotations

import datetime as dt
import itertools
import time
from typing import Any, Final

from django.utils import timezone

from cart_recovery import models
from cart_recovery.consent.chain import head_seal, record_hash
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.privacy import retention
from cart_recovery.privacy.erasure import erase

BATCH: Final = 1000
TEXT: Final = "Guten Tag, Ihr Warenkorb wartet. " * 60
PURPOSES: Final = (models.Purpose.CART_REMINDER, models.Purpose.PROMOTION)


def fill(count: int) -> None:
    """People with a cart, an enrolment, a message of two kilobytes, a link and two consents each."""
    campaign = models.Campaign.objects.create(code="bench", name="Bench")
    step = models.Step.objects.create(campaign=campaign, position=1, delay=dt.timedelta(0))
    now = timezone.now() - dt.timedelta(days=1)
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        people = models.Contact.objects.bulk_create(
            models.Contact(email=f"m{n}@example.de", email_key=f"m{n}@example.de", language="de")
            for n in numbers
        )
        _add_consents(people, now)
        _add_messages(people, step, now)


def erase_all() -> tuple[float, int]:
    """(seconds, people erased)."""
    began = time.perf_counter()
    report = erase(
        models.Contact.objects.order_by("pk").iterator(chunk_size=500),
        source="bench", now=timezone.now(),
    )  # fmt: skip
    return time.perf_counter() - began, report.contacts


def purge_all() -> tuple[float, int]:
    """(seconds, records of consent gone): four years later everything but the contacts goes."""
    began = time.perf_counter()
    later = timezone.now() + dt.timedelta(days=4 * 365)
    report = retention.run_to_end(later, limit=500)
    if report.failed or models.Message.objects.exists():
        raise RuntimeError(f"retention failed: {report}")
    return time.perf_counter() - began, report.counts["proofs"]


def _add_consents(people: list[Any], now: dt.datetime) -> None:
    records: list[models.ConsentRecord] = []
    for contact in people:
        previous, digest = "", address_digest("email", contact.email)
        for sequence, purpose in enumerate(PURPOSES, 1):
            record = models.ConsentRecord(
                contact=contact, sequence=sequence, channel="email", purpose=purpose,
                action=models.ConsentAction.GRANTED, method=models.ConsentMethod.DOUBLE,
                address_digest=digest, source="bench", recorded_at=now, previous_hash=previous,
            )  # fmt: skip
            record.hash = previous = record_hash(record)
            records.append(record)
    models.ConsentRecord.objects.bulk_create(records)
    models.ConsentChain.objects.bulk_create(
        models.ConsentChain(
            contact_id=r.contact_id,
            length=r.sequence,
            head_hash=r.hash,
            head_seal=head_seal(r.contact_id, r.sequence, r.hash),
        )
        for r in records
        if r.sequence == len(PURPOSES)
    )
    models.ConsentState.objects.bulk_create(
        models.ConsentState(
            contact_id=r.contact_id, channel=r.channel, purpose=r.purpose, action=r.action,
            method=r.method, address_digest=r.address_digest, since=now, record=r,
        )
        for r in records
    )  # fmt: skip


def _add_messages(people: list[Any], step: models.Step, now: dt.datetime) -> None:
    carts = models.TrackedCart.objects.bulk_create(
        models.TrackedCart(
            contact=contact, created_at=now, last_activity_at=now, abandoned_at=now,
            state=models.CartState.ABANDONED,
        )
        for contact in people
    )  # fmt: skip
    enrolments = models.Enrolment.objects.bulk_create(
        models.Enrolment(
            campaign=step.campaign, contact=cart.contact, cart=cart, clock_at=now, enrolled_at=now
        )
        for cart in carts
    )
    followups = models.FollowUp.objects.bulk_create(
        models.FollowUp(
            enrolment=e, step=step, state=models.FollowUpState.DONE, planned_for=now, due_at=now
        )
        for e in enrolments
    )
    models.Message.objects.bulk_create(
        models.Message(
            followup=f, contact=f.enrolment.contact, channel="email", language="de",
            state=models.MessageState.DELIVERED, to_address=f.enrolment.contact.email,
            address_digest=address_digest("email", f.enrolment.contact.email), html=TEXT,
            sending_at=now, created_at=now,
        )
        for f in followups
    )  # fmt: skip
    keys = itertools.count()
    models.RestoreLink.objects.bulk_create(
        models.RestoreLink(
            token_hash=f"{f.pk}-{next(keys)}", contact=f.enrolment.contact, cart=f.enrolment.cart,
            followup=f, created_at=now, expires_at=now + dt.timedelta(days=30), contents=[],
        )
        for f in followups
    )  # fmt: skip
