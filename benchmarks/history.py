"""A year of a shop by the million rows, and the admin's pages over it. Works in a worker.

PostgreSQL alone: the texts are made by its own functions.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Sequence
from typing import Final

from django.contrib.auth import get_user_model
from django.db import connection
from django.db.models import Max, Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_model

from benchmarks import series
from cart_recovery import models
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.reports import rolling
from tests.factories import make_campaign

DAYS: Final = 400
DAY: Final = 86_400
ROWS: Final = 250_000
#: contacts come back: so many carts each
CARTS_PER_CONTACT: Final = 5
#: one of so many messages is clicked; one of so many clicks becomes an order
CLICKS: Final = 8
ORDERS: Final = 3
STAFF: Final = "bench-staff"
#: somebody whom the search looks for
ADDRESS: Final = "regular7@example.org"


def fill(total: int) -> float:
    """`total` carts with an enrolment, a follow-up, a message and a report each, over 400 days up
    to now; summed up by the app. Gives the seconds that one day's summing up takes."""
    get_user_model().objects.create_superuser(STAFF, f"{STAFF}@example.org", "x")
    campaign = make_campaign(channels=("email",))
    now = timezone.now()
    with series.trusted_keys():
        series.insert(
            models.Contact, (1, total // CARTS_PER_CONTACT + 1), id="series.n",
            email="'regular' || series.n || '@example.org'",
            email_key="'regular' || series.n || '@example.org'", language="'de'",
            created_at=series.before(now, str(DAYS * DAY)),
        )  # fmt: skip
        for first in range(1, total + 1, ROWS):
            span = first, min(total, first + ROWS - 1)
            _add_carts(span, now)
            _add_messages(span, now, campaign)
            _add_answers(span, now, campaign)
    models.Message.objects.filter(contact_id=7).update(
        to_address=ADDRESS, address_digest=address_digest("email", ADDRESS)
    )
    series.settle([
        models.Contact, get_model("basket", "Basket"), models.TrackedCart, models.Enrolment,
        models.FollowUp, models.Message, models.DeliveryEvent, models.RestoreLink,
        models.LinkClick, models.Conversion,
    ])  # fmt: skip
    return _sum_up(now)


def look(path: str, rounds: int) -> tuple[list[float], int]:
    """Open a page of the admin some times: seconds of each, and statements of one."""
    client = Client()
    client.force_login(get_user_model().objects.get(username=STAFF))
    seconds = []
    for number in range(rounds + 1):
        began = time.perf_counter()
        answer = client.get(path)
        # the first one loads templates and plans
        if number:
            seconds.append(time.perf_counter() - began)
        if answer.status_code != 200:
            raise RuntimeError(f"{path} answered {answer.status_code}")
    with CaptureQueriesContext(connection) as captured:
        client.get(path)
    return seconds, len(captured)


def _sum_up(now: dt.datetime) -> float:
    rolling.list_days(timezone.localdate(now, timezone.get_default_timezone()))
    began = time.perf_counter()
    days = 0
    while count := rolling.run(now):
        days += count
    series.settle([models.DailyFigure, models.RolledDay])
    return (time.perf_counter() - began) / max(days, 1)


def _left(now: dt.datetime, later: int = 0) -> str:
    """SQL for when the n-th cart was left, scattered over the days."""
    return series.before(now, f"{DAY} - {later} + (series.n::bigint * 7919) % {DAYS * DAY}")


def _add_carts(span: tuple[int, int], now: dt.datetime) -> None:
    series.insert(
        get_model("basket", "Basket"), span, id="series.n", status="'Open'",
        date_created=_left(now),
    )  # fmt: skip
    series.insert(
        models.TrackedCart, span, id="series.n", basket="series.n",
        contact=_contact(), state="'abandoned'", stage="'basket'", language="'de'",
        created_at=_left(now), last_activity_at=_left(now), abandoned_at=_left(now, 1800),
        line_count="2", total="49.90", currency="'EUR'",
    )  # fmt: skip


def _add_messages(span: tuple[int, int], now: dt.datetime, campaign: models.Campaign) -> None:
    step = campaign.steps.get()
    sent = _left(now, 3600)
    series.insert(
        models.Enrolment, span, id="series.n", campaign=str(campaign.pk), contact=_contact(),
        cart="series.n", state="'completed'", clock_at=_left(now), enrolled_at=_left(now, 1800),
        ended_at=sent,
    )  # fmt: skip
    series.insert(
        models.FollowUp, span, id="series.n", enrolment="series.n", step=str(step.pk),
        variant=str(step.variants.get().pk), state="'done'", planned_for=sent, due_at=sent,
        ended_at=sent,
    )  # fmt: skip
    series.insert(
        models.Message, span, id="series.n", followup="series.n", contact=_contact(),
        public_id="md5(series.n::text)", channel="'email'", language="'de'",
        state="'delivered'", to_address="'regular' || series.n || '@example.org'",
        address_digest="md5('a' || series.n)", subject="'Ihr Warenkorb'",
        text="repeat('Text ', 60)", provider_message_id="'p' || series.n",
        sending_at=sent, sent_at=sent, delivered_at=sent, created_at=sent,
    )  # fmt: skip


def _add_answers(span: tuple[int, int], now: dt.datetime, campaign: models.Campaign) -> None:
    first, last = span
    series.insert(
        models.DeliveryEvent, span, id="series.n", message="series.n", channel="'email'",
        kind="'delivered'", occurred_at=_left(now, 3609), received_at=_left(now, 3610),
        dedupe_key="'d' || series.n",
    )  # fmt: skip
    clicks = (first // CLICKS + 1, last // CLICKS)
    series.insert(
        models.RestoreLink, clicks, id="series.n", token_hash="md5('t' || series.n)",
        contact=f"1 + series.n * {CLICKS} / {CARTS_PER_CONTACT}", cart=f"series.n * {CLICKS}",
        followup=f"series.n * {CLICKS}", created_at=_left(now, 3600),
        expires_at=_left(now, 3600 + 30 * DAY), contents="'[]'",
    )  # fmt: skip
    series.insert(
        models.LinkClick, clicks, id="series.n", link="series.n", visit="md5(series.n::text)",
        clicked_at=_left(now, 7200),
    )  # fmt: skip
    every = CLICKS * ORDERS
    series.insert(
        models.Conversion, (first // every + 1, last // every), id="series.n",
        order_number="'o' || series.n", cart=f"series.n * {every}",
        message=f"series.n * {every}", campaign=str(campaign.pk),
        step=str(campaign.steps.get().pk), channel="'email'", basis="'click'", amount="49.90",
        currency="'EUR'", credited_at=_left(now, 9000),
    )  # fmt: skip


def _contact() -> str:
    return f"1 + series.n / {CARTS_PER_CONTACT}"


def pages() -> Sequence[tuple[str, str]]:
    """Name and path of what staff open."""
    base = "/admin/cart_recovery/"
    return [
        ("dashboard, 90 days", f"{base}?days=90"),
        ("dashboard, a year", f"{base}?since={_ago(365)}&until={_ago(0)}"),
        ("carts", f"{base}trackedcart/"),
        ("carts, abandoned", f"{base}trackedcart/?state=abandoned"),
        ("carts, a state that none has", f"{base}trackedcart/?state=deleted"),
        ("carts, deep page", f"{base}trackedcart/?older={_middle(models.TrackedCart)}"),
        ("carts, a week", f"{base}trackedcart/?since={_ago(7)}"),
        ("messages", f"{base}message/"),
        ("messages, failed", f"{base}message/?state=failed"),
        ("messages, only problems", f"{base}message/?problems=yes"),
        ("messages, deep page", f"{base}message/?older={_middle(models.Message)}"),
        ("messages, a week", f"{base}message/?since={_ago(7)}"),
        ("messages to an address", f"{base}message/?q={ADDRESS}"),
        ("follow-ups", f"{base}followup/"),
        ("follow-ups, planned", f"{base}followup/?state=planned"),
        ("enrolments", f"{base}enrolment/"),
        ("contacts", f"{base}contact/"),
        ("contacts, an address", f"{base}contact/?q={ADDRESS}"),
        ("conversions", f"{base}conversion/"),
    ]


def _ago(days: int) -> dt.date:
    return timezone.localdate(timezone=timezone.get_default_timezone()) - dt.timedelta(days=days)


def _middle(model: type[Model]) -> int:
    """The key in the middle of the table, where a page number would be in the thousands."""
    return int(model._default_manager.aggregate(last=Max("pk"))["last"] or 0) // 2
