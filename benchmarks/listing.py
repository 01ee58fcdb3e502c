"""A shop with many carts and messages, and a member of staff who looks at them. Works in a worker."""

from __future__ import annotations

import datetime as dt
import time
from functools import cache
from typing import Any, Final

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks import series
from cart_recovery import models
from tests.factories import make_campaign, make_user

#: title -> path below admin; `{day}`: a week ago, `{middle}`: a row in the middle of the table
PAGES: Final = {
    "messages": "message/",
    "messages, deep page": "message/?older={middle}",
    "messages, only problems": "message/?problems=yes",
    "messages, a rare filter": "message/?state=sent&language=en",
    "messages, a week": "message/?since={day}",
    "messages, an address": "message/?q=mensch7@example.org",
    "carts": "trackedcart/",
    "carts, deep page": "trackedcart/?older={middle}",
    "carts, a rare filter": "trackedcart/?state=deleted",
    "carts, a week": "trackedcart/?since={day}",
    "follow-ups, planned": "followup/?state=planned",
    "contacts, an address": "contact/?q=mensch7@example.org",
}
#: the rows are of one year
YEAR: Final = 365 * 86_400


def fill(total: int, start: dt.datetime) -> None:
    """`total` carts of a year, each with its contact, enrolment, follow-up and message."""
    campaign = make_campaign(channels=("email",))
    step = models.Step.objects.get(campaign=campaign)
    span = (1, total)
    at = series.before(start, f"({total} - series.n) * {YEAR / total}")
    address = "'mensch' || series.n || '@example.org'"
    n = "series.n"
    with series.trusted_keys():
        series.insert(
            models.Contact, span, id=n, email=address, email_key=address, language="'de'",
            created_at=at,
        )  # fmt: skip
        series.insert(
            models.TrackedCart, span, id=n, contact=n, stage="'basket'", language="'de'",
            state="CASE WHEN series.n % 3 = 0 THEN 'ordered' ELSE 'abandoned' END", created_at=at,
            last_activity_at=at, abandoned_at=at,
        )  # fmt: skip
        series.insert(
            models.Enrolment, span, id=n, campaign=str(campaign.pk), contact=n, cart=n,
            state="'active'", clock_at=at, enrolled_at=at,
        )  # fmt: skip
        series.insert(
            models.FollowUp, span, id=n, enrolment=n, step=str(step.pk), planned_for=at, due_at=at,
            state="CASE WHEN series.n % 10 = 0 THEN 'planned' ELSE 'done' END",
        )  # fmt: skip
        series.insert(
            models.Message, span, id=n, followup=n, contact=n, public_id=n, channel="'email'",
            state="CASE WHEN series.n % 50 = 0 THEN 'bounced' ELSE 'delivered' END",
            language="'de'", to_address=address, address_digest=n, subject="'Ihr Warenkorb'",
            sending_at=at, created_at=at,
        )  # fmt: skip
    series.settle(
        [models.Contact, models.TrackedCart, models.Enrolment, models.FollowUp, models.Message]
    )


def look(path: str, total: int, start: dt.datetime) -> tuple[float, int]:
    """Seconds that a page takes, and its statements."""
    day = (start - dt.timedelta(days=7)).date().isoformat()
    url = "/admin/cart_recovery/" + path.format(day=day, middle=total // 2)
    client = _staff()
    began = time.perf_counter()
    answer = client.get(url)
    taken = time.perf_counter() - began
    if answer.status_code != 200:
        raise RuntimeError(f"{url} answers {answer.status_code}")
    with CaptureQueriesContext(connection) as queries:
        client.get(url)
    return taken, len(queries)


@cache
def _staff() -> Any:
    client = Client()
    client.force_login(make_user("staff@example.org", is_staff=True, is_superuser=True))
    return client
