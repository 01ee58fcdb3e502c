"""A shop with many tracked carts, and sweeps over it. Works in a worker."""

from __future__ import annotations

import datetime as dt
import time
from typing import Final

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_model

from benchmarks import carts, series
from cart_recovery import models, sweep
from cart_recovery.conf import conf
from cart_recovery.delivery.claims import new_claim_token
from cart_recovery.delivery.followups import claim_due
from cart_recovery.reports import rolling
from tests.factories import make_campaign

#: the sweeps follow each other in the shop's time by so much
APART: Final = dt.timedelta(minutes=1)
#: contacts come back: so many carts each
CARTS_PER_CONTACT: Final = 5
#: a shop's carts by what became of them, per hundred; the other two are not idle yet
CLOSED: Final = {"abandoned": 60, "ordered": 28, "emptied": 5, "merged": 4, "excluded": 1}
DAY: Final = 86_400
ROWS: Final = 250_000


def fill(total: int, start: dt.datetime) -> None:
    """`total` tracked carts of a year with their baskets, none of them due.

    They are closed, waiting for a later step (one in ten has a follow-up planned), or busy until
    long after the sweeps.
    """
    make_campaign(channels=("email",))
    with series.trusted_keys():
        series.insert(
            models.Contact, (1, total // CARTS_PER_CONTACT + 1), id="series.n",
            email="'regular' || series.n || '@example.org'",
            email_key="'regular' || series.n || '@example.org'", language="'de'",
            created_at=series.at(start),
        )  # fmt: skip
        for first in range(1, total + 1, ROWS):
            _add_carts((first, min(total, first + ROWS - 1)), start)
        _add_followups(total // 10, start)
    # the past of the reports has long been summed up
    rolling.list_days(timezone.localdate(start, timezone.get_default_timezone()))
    models.RolledDay.objects.update(rolled_at=start + dt.timedelta(days=2))
    series.settle([
        models.Contact, models.TrackedCart, models.Enrolment, models.FollowUp,
        get_model("basket", "Basket"), get_model("basket", "Line"),
    ])  # fmt: skip


def run(
    number: int, due: int, start: dt.datetime, *, with_statements: bool = False
) -> tuple[float, float, int]:
    """Let `due` carts become idle, sweep, and claim what that made due.

    Seconds of the sweep, seconds of the claims, and statements where they are asked for. What it
    made is taken out again.
    """
    left = start + number * APART
    newest = [series.last_key(m) for m in (models.TrackedCart, models.Enrolment)]
    carts.add(due, last_activity=left, seconds="0.001 * (series.n % 1000)")
    now = left + conf.ABANDONED_AFTER + dt.timedelta(seconds=1)
    try:
        if not with_statements:
            return *_sweep(now, due), 0
        with CaptureQueriesContext(connection) as captured:
            return *_sweep(now, due), len(captured)
    finally:
        _take_out(*newest)


def _sweep(now: dt.datetime, due: int) -> tuple[float, float]:
    began = time.perf_counter()
    report = sweep.run(now)
    swept = time.perf_counter()
    claimed = 0
    while ids := claim_due(now, limit=conf.BATCH_SIZE, token=new_claim_token()):
        claimed += len(ids)
    ended = time.perf_counter()
    if report.failed_stages or claimed != due:
        raise RuntimeError(f"The sweep did not do its work: {report}, {claimed} claimed")
    return swept - began, ended - swept


def _take_out(last_cart: int, last_enrolment: int) -> None:
    """All that came after these. A cart's key is its basket's and its contact's, see `carts.add`."""
    series.delete_after(models.FollowUp, last_enrolment, "enrolment_id")
    series.delete_after(models.Enrolment, last_enrolment)
    series.delete_after(models.TrackedCart, last_cart)
    series.delete_after(get_model("basket", "Line"), last_cart, "basket_id")
    series.delete_after(get_model("basket", "Basket"), last_cart)
    series.delete_after(models.Contact, last_cart)


def _add_carts(span: tuple[int, int], start: dt.datetime) -> None:
    state, ordered, upper = "", "false", 0
    for name, share in CLOSED.items():
        if name == "ordered":
            ordered = f"series.n % 100 BETWEEN {upper} AND {upper + share - 1}"
        upper += share
        state += f" WHEN series.n % 100 < {upper} THEN '{name}'"
    age = f"{DAY} + series.n % {365 * DAY}"
    left = series.before(start, f"CASE WHEN series.n % 100 < {upper} THEN {age} ELSE -{DAY} END")
    ordered_at = f"CASE WHEN {ordered} THEN {left} ELSE NULL END"
    series.insert(
        get_model("basket", "Basket"), span, id="series.n", status="'Open'", date_created=left
    )
    series.insert(
        models.TrackedCart, span, id="series.n", basket="series.n",
        contact=f"1 + series.n / {CARTS_PER_CONTACT}", state=f"CASE{state} ELSE 'active' END",
        stage="'basket'", language="'de'", created_at=left, last_activity_at=left,
        abandoned_at=left, closed_at=ordered_at, credited_at=ordered_at,
    )  # fmt: skip


def _add_followups(count: int, start: dt.datetime) -> None:
    """One enrolment for every tenth cart, whose step is planned for a later day."""
    campaign = models.Campaign.objects.latest("pk")
    step = models.Step.objects.get(campaign=campaign)
    later = series.before(start, f"-({10 * DAY} + series.n % {10 * DAY})")
    series.insert(
        models.Enrolment, (1, count), id="series.n", campaign=str(campaign.pk),
        cart="series.n * 10", contact=f"1 + series.n * 10 / {CARTS_PER_CONTACT}",
        state="'active'", clock_at=series.at(start), enrolled_at=series.at(start),
    )  # fmt: skip
    series.insert(
        models.FollowUp, (1, count), id="series.n", enrolment="series.n", step=str(step.pk),
        state="'planned'", planned_for=later, due_at=later,
    )  # fmt: skip
