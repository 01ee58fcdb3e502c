"""Abandoned carts by the thousand, with all that a message needs. Works in a worker."""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from django.utils import timezone
from oscar.core.loading import get_model

from benchmarks import series
from cart_recovery import models
from cart_recovery.contacts.addresses import address_digest
from tests.factories import make_campaign

#: channel of the only step -> its template; both are shipped, neither carries a voucher here
TEMPLATES: Final = {"email": "abandoned-basket-1", "sms": "abandoned-basket-2"}
LINES: Final = 3
IDLE: Final = dt.timedelta(hours=1)
CHUNK: Final = 5_000


def begin(channel: str) -> None:
    """Forget all carts, and have one campaign whose one step is due at once, on one channel."""
    empty_tables()
    models.Campaign.objects.all().delete()
    campaign = make_campaign(channels=(channel,))
    models.Variant.objects.filter(step__campaign=campaign).update(template_code=TEMPLATES[channel])


def empty_tables() -> None:
    series.empty([
        models.DeliveryEvent, models.Message, models.RestoreLink, models.FollowUp,
        models.Enrolment, models.TrackedCart, models.ConsentState, models.ConsentChain,
        models.ConsentRecord, models.Suppression, models.Contact, get_model("basket", "LineAttribute"),
        get_model("basket", "Line"), get_model("basket", "Basket"),
    ])  # fmt: skip


def add_idle(count: int, channel: str) -> None:
    """So many carts of three lines that went idle an hour ago, of people who agreed to `channel`.

    Nothing is planned for them yet.
    """
    add(count, last_activity=timezone.now() - IDLE, seconds="series.n * 0.001")
    consent(channel)
    series.settle([
        models.Contact, models.TrackedCart, models.ConsentRecord, models.ConsentState,
        get_model("basket", "Basket"), get_model("basket", "Line"),
    ])  # fmt: skip


def add(count: int, *, last_activity: dt.datetime, seconds: str, lines: int = LINES) -> None:
    """Guests' carts, each with its contact and basket under one and the same new key.

    `seconds` (SQL over `series.n`) says how long before `last_activity` each was left.
    """
    basket, line = get_model("basket", "Basket"), get_model("basket", "Line")
    first = 1 + max(series.last_key(m) for m in (models.Contact, basket, models.TrackedCart))
    span = (first, first + count - 1)
    left = series.before(last_activity, seconds)
    series.insert(
        models.Contact, span, id="series.n", email="'shopper' || series.n || '@example.org'",
        email_key="'shopper' || series.n || '@example.org'", language="'de'", country="'DE'",
        phone="'+49151' || (10000000 + series.n)", created_at=left,
    )  # fmt: skip
    series.insert(basket, span, id="series.n", status="'Open'", date_created=left)
    stock = products()
    for place in range(lines):
        of_line = f"((series.n * 7 + {place} * 11) % {len(stock)})"
        series.insert(
            line, span, basket="series.n", line_reference=f"'{place}-' || series.n",
            product=_pick(of_line, [row["product_id"] for row in stock]),
            stockrecord=_pick(of_line, [row["pk"] for row in stock]),
            quantity="1 + series.n % 2", price_currency="'EUR'", price_excl_tax="20",
            price_incl_tax="20", date_created=left, date_updated=left,
        )  # fmt: skip
    series.insert(
        models.TrackedCart, span, id="series.n", basket="series.n", contact="series.n",
        state="'active'", stage="'basket'", language="'de'", created_at=left,
        last_activity_at=left,
    )  # fmt: skip


def consent(channel: str) -> None:
    """Everybody agrees to reminders on this channel. Rows as `consent.ledger` writes them, without
    the chain's hashes, which sending does not read."""
    kind = "phone" if channel == "sms" else "email"
    contacts = models.Contact.objects.order_by("pk")
    last = 0
    while rows := list(contacts.filter(pk__gt=last)[:CHUNK]):
        last = rows[-1].pk
        _agree(channel, {c.pk: address_digest(kind, c.address_for(kind)) for c in rows})


def products() -> list[dict[str, Any]]:
    """Stock record and product of everything that the catalogue sells."""
    stock = get_model("partner", "StockRecord").objects.order_by("pk")
    return list(stock.values("pk", "product_id"))


def _agree(channel: str, digests: dict[int, str]) -> None:
    said: dict[str, Any] = {
        "channel": channel, "purpose": models.Purpose.CART_REMINDER,
        "action": models.ConsentAction.GRANTED,
        "method": models.ConsentMethod.DOUBLE,
    }  # fmt: skip
    at = timezone.now() - dt.timedelta(days=1)
    records = models.ConsentRecord.objects.bulk_create(
        models.ConsentRecord(
            contact_id=pk, sequence=1, address_digest=digest, source="bench", recorded_at=at,
            hash="", **said,
        )
        for pk, digest in digests.items()
    )  # fmt: skip
    models.ConsentState.objects.bulk_create(
        models.ConsentState(
            contact_id=record.contact_id, address_digest=record.address_digest, since=at,
            record=record, **said,
        )
        for record in records
    )  # fmt: skip


def _pick(index: str, keys: list[int]) -> str:
    cases = " ".join(f"WHEN {place} THEN {key}" for place, key in enumerate(keys))
    return f"CASE {index} {cases} END"
