"""What PostgreSQL does for the lists: an index for each filter, whatever the size of the table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cart_recovery.admin import keyset
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.models import Campaign
from tests.factories import make_campaign, make_user

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]
ROWS = 30_000
FILL = """
INSERT INTO cart_recovery_contact (id, email, email_key, language, country, time_zone,
  preferred_channel, created_at)
SELECT n, n || '@example.de', n || '@example.de', 'de', 'DE', '', 'email', %(now)s - n * interval '1 minute'
FROM generate_series(1, %(rows)s) n;
INSERT INTO cart_recovery_trackedcart (id, contact_id, state, stage, state_reason, language,
  is_machine, created_at, last_activity_at, abandoned_at, line_count, currency)
SELECT n, n, CASE WHEN n %% 10 = 0 THEN 'ordered' ELSE 'abandoned' END, 'basket', '', 'de', false,
  t, t, t, 2, 'EUR'
FROM (SELECT n, %(now)s - (%(rows)s - n) * interval '1 minute' AS t FROM generate_series(1, %(rows)s) n) x;
INSERT INTO cart_recovery_enrolment (id, campaign_id, contact_id, cart_id, state, reason, clock_at,
  enrolled_at)
SELECT id, %(campaign)s, contact_id, id, 'active', '', created_at, created_at FROM cart_recovery_trackedcart;
INSERT INTO cart_recovery_followup (id, enrolment_id, step_id, state, reason, planned_for, due_at,
  claim_token, choice_reason, attempts)
SELECT id, id, %(step)s, CASE WHEN id %% 100 = 0 THEN 'planned' ELSE 'done' END, '', enrolled_at,
  enrolled_at, '', 'drawn', 0 FROM cart_recovery_enrolment;
INSERT INTO cart_recovery_message (id, followup_id, contact_id, public_id, channel, language, state,
  reason, detail, to_address, address_digest, subject, html, text, sms_parts, provider_message_id,
  attempts, sending_at, created_at)
SELECT f.id, f.id, f.id, md5(f.id::text), 'email', 'de',
  CASE WHEN f.id %% 50 = 0 THEN 'bounced' ELSE 'delivered' END, '', '', f.id || '@example.de',
  md5(f.id::text), 'Ihr Warenkorb', repeat('x', 500), repeat('x', 200), 0, '', 1, f.due_at, f.due_at
FROM cart_recovery_followup f;
"""


@pytest.fixture
def many(client: Client, monkeypatch: Any) -> Iterator[Client]:
    # to these tables what the real one is to a million rows
    monkeypatch.setattr(keyset, "WINDOW", 600)
    fill(ROWS)
    client.force_login(make_user(is_staff=True, is_superuser=True))
    yield client


def fill(rows: int) -> None:
    campaign = make_campaign()
    step = campaign.steps.get()
    values = {"now": timezone.now(), "rows": rows, "campaign": campaign.pk, "step": step.pk}
    with connection.cursor() as cursor:
        cursor.execute(FILL, values)
        cursor.execute(
            "UPDATE cart_recovery_message SET address_digest = %s WHERE id = 5",
            [address_digest("email", "5@example.de")],
        )
        for table in ("contact", "trackedcart", "enrolment", "followup", "message"):
            cursor.execute(f"ANALYZE cart_recovery_{table}")
            name = f"cart_recovery_{table}"
            cursor.execute(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), {rows})")


def plans_of(client: Client, url: str) -> list[str]:
    """The plans of all SELECTs of the page."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(url).status_code == 200
    plans = []
    with connection.cursor() as cursor:
        for query in queries:
            if query["sql"].startswith("SELECT"):
                cursor.execute("EXPLAIN " + query["sql"].replace("%", "%%"), [])
                plans.append("\n".join(row[0] for row in cursor.fetchall()))
    return plans


TODAY = "since={today}"
PAGES = [
    (name, query)
    for name, queries in {
        "message": ["", "problems=yes", "state=failed", "state=sent", "channel=sms", "language=en",
                    "reason=gave_up", "campaign={campaign}", "state=sent&channel=sms", TODAY,
                    f"{TODAY}&state=failed", "q=5@example.de", "older=15000", "newer=15000",
                    "older=15000&state=sent", "contact=5", "notice__kind=help"],
        "trackedcart": ["", "state=deleted", "state=abandoned", "stage=checkout", "language=en",
                        "is_machine=1", "state_reason=saved", TODAY, f"{TODAY}&state=deleted",
                        "q=5@example.de", "q=123", "older=15000", "contact=5"],
        "followup": ["", "problems=yes", "state=planned", "state=missed", "reason=no_consent",
                     "campaign={campaign}", TODAY, "q=5@example.de", "older=15000"],
        "contact": ["", "language=en", "preferred_channel=sms", TODAY, "q=5@example.de",
                    "q=29999@", "older=15000"],
        "enrolment": ["", "state=stopped", "campaign={campaign}", "reason=bought", TODAY, "q=5@example.de"],
    }.items()
    for query in queries
]  # fmt: skip


def test_no_page_reads_a_whole_table(many: Client) -> None:
    """One test for all, since filling the tables takes a while."""
    campaign = Campaign.objects.latest("pk").pk
    today = timezone.localdate() - dt.timedelta(days=2)
    scans: dict[str, Any] = {}
    for name, query in PAGES:
        url = (
            reverse(f"admin:cart_recovery_{name}_changelist")
            + "?"
            + query.format(today=today, campaign=campaign)
        )
        for plan in plans_of(many, url):
            for table in ("contact", "trackedcart", "enrolment", "followup", "message"):
                if f"Seq Scan on cart_recovery_{table} " in plan:
                    scans[f"{name}?{query}"] = plan
    assert scans == {}, sorted(scans)
