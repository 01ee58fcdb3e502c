"""What the health page finds, and what it rightly does not mind."""

from __future__ import annotations

import datetime as dt
import inspect
import re
from typing import Any

import pytest
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from cart_recovery import sweep, tasks
from cart_recovery.conf import conf
from cart_recovery.delivery.pausing import hold, pause
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.health.examining import examine, examine_quickly
from cart_recovery.health.findings import Finding, Health, Severity
from cart_recovery.health.queue import QueueState
from cart_recovery.health.sweeping import ESSENTIAL
from cart_recovery.health.wording import SENTENCES, STAGES, tell
from cart_recovery.models import (
    FollowUp,
    Heartbeat,
    Message,
    MessageState,
    Notice,
    RolledDay,
)
from tests.factories import make_campaign, make_consent, make_contact, make_followup

pytestmark = pytest.mark.django_db
MINUTE = dt.timedelta(minutes=1)


def recovery(**changes: Any) -> Any:
    return override_settings(CART_RECOVERY={**settings.CART_RECOVERY, **changes})


@pytest.fixture
def swept(queue: Any) -> dt.datetime:
    """A shop in which everything runs."""
    now = timezone.now()
    Heartbeat.objects.create(stage="sweep", ran_at=now - dt.timedelta(seconds=20))
    return now


def found(health: Health, code: str) -> Finding:
    (finding,) = [f for f in health.findings if f.code == code]
    return finding


def judged(health: Health, code: str) -> tuple[str, Severity]:
    finding = found(health, code)
    return finding.state, finding.severity


def test_shop_in_which_everything_runs_is_fine(swept: dt.datetime) -> None:
    health = examine(swept)
    assert {f.severity for f in health.findings} == {Severity.OK}
    assert health.severity is Severity.OK
    assert health.failing == ()


def test_real_sweep_is_seen(queue: Any) -> None:
    sweep.run(timezone.now())
    assert judged(examine(timezone.now()), "sweep") == ("fresh", Severity.OK)


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [(2, Severity.OK), (3, Severity.WARN), (9, Severity.WARN), (10, Severity.FAIL)],
)
def test_sweep_is_late_by_its_limits(queue: Any, minutes: int, expected: Severity) -> None:
    now = timezone.now()
    Heartbeat.objects.create(stage="sweep", ran_at=now - minutes * MINUTE)
    assert found(examine(now), "sweep").severity is expected


def test_shop_that_was_never_swept_fails(queue: Any) -> None:
    assert judged(examine(timezone.now()), "sweep") == ("never", Severity.FAIL)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [(["retention"], Severity.WARN), (["retention", "planned"], Severity.FAIL)],
)
def test_failed_stage_is_named(swept: dt.datetime, stages: list[str], expected: Severity) -> None:
    Heartbeat.objects.update(result={"failed_stages": stages})
    finding = found(examine(swept), "stages")
    assert finding.severity is expected
    assert finding.facts["stages"] == sorted(stages)


def test_every_stage_of_the_sweep_has_words() -> None:
    stages = re.findall(r'\("(\w+)", lambda', inspect.getsource(sweep.run))
    assert len(stages) >= 7
    assert set(stages) <= set(STAGES)
    assert set(stages) >= ESSENTIAL


class TestQueue:
    @pytest.mark.parametrize(
        ("state", "finding", "expected"),
        [
            (None, "none_needed", Severity.OK),
            (QueueState(None, None, True, True), "unseen", Severity.OK),
            (QueueState({}, None, True, True), "none", Severity.WARN),
            (QueueState(None, None, True, True, "ConnectionError"), "no_broker", Severity.FAIL),
        ],
    )
    def test_workers(
        self, swept: dt.datetime, queue: Any, state: QueueState | None, finding: str,
        expected: Severity,
    ) -> None:  # fmt: skip
        queue(state)
        assert judged(examine(swept), "worker") == (finding, expected)

    def test_without_workers_and_without_sweeps_nothing_runs(self, queue: Any) -> None:
        queue(QueueState({}, None, False, False))
        health = examine(timezone.now())
        assert judged(health, "worker") == ("none", Severity.FAIL)
        assert judged(health, "schedule") == ("missing", Severity.FAIL)

    def test_task_that_nobody_takes(self, swept: dt.datetime, queue: Any) -> None:
        queue(QueueState(None, swept - 11 * MINUTE, True, True))
        assert judged(examine(swept), "worker") == ("stuck", Severity.FAIL)

    def test_cron_may_run_the_sweep_instead_of_the_schedule(
        self, swept: dt.datetime, queue: Any
    ) -> None:
        queue(QueueState({}, None, True, False))
        assert judged(examine(swept), "schedule") == ("off", Severity.WARN)


class TestRealQueue:
    """`tasks.queue_state` against django-q2's own rows and cache."""

    def test_schedule_is_made_by_migrate_and_its_loss_is_seen(self) -> None:
        from django_q.models import Schedule

        tasks.ensure_schedule()
        state = tasks.queue_state()
        assert (state.has_schedule, state.is_scheduled) == (True, True)
        Schedule.objects.update(repeats=0)
        assert tasks.queue_state().is_scheduled is False
        Schedule.objects.all().delete()
        assert tasks.queue_state().has_schedule is False

    def test_private_cache_shows_no_clusters(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("django_q.conf.Conf.ORM", "default")
        assert tasks.queue_state().workers is None

    def test_broker_that_does_not_answer_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse() -> None:
            raise ConnectionError("redis://:secret@queue")

        monkeypatch.setattr("django_q.conf.Conf.ORM", None)
        monkeypatch.setattr(tasks, "get_broker", refuse)
        state = tasks.queue_state()
        assert (state.workers, state.broker_error) == (None, "ConnectionError")

    def test_waiting_task_is_seen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from django_q.conf import Conf
        from django_q.models import OrmQ

        monkeypatch.setattr(Conf, "ORM", "default")
        since = timezone.now() - 5 * MINUTE
        OrmQ.objects.create(key=Conf.CLUSTER_NAME, payload="x", lock=since)
        OrmQ.objects.create(key=Conf.CLUSTER_NAME, payload="x", lock=timezone.now() + MINUTE)
        OrmQ.objects.create(key="another shop", payload="x", lock=since - MINUTE)
        assert tasks.queue_state().waiting_since == since


class TestLateness:
    #: a Wednesday in Berlin, 7:30 in the morning: SMS may go out from 8 on
    BEFORE_EIGHT = dt.datetime(2026, 11, 25, 6, 30, tzinfo=dt.UTC)

    def late_followup(self, due_at: dt.datetime, *channels: str) -> FollowUp:
        contact = make_contact(country="DE")
        return make_followup(
            contact=contact, campaign=make_campaign(channels=channels), due_at=due_at
        )

    @pytest.mark.parametrize(
        ("minutes", "expected"), [(9, Severity.OK), (10, Severity.WARN), (61, Severity.FAIL)]
    )
    def test_oldest_due_follow_up_counts(
        self, swept: dt.datetime, minutes: int, expected: Severity
    ) -> None:
        self.late_followup(swept - minutes * MINUTE, "email")
        self.late_followup(swept + MINUTE, "email")
        assert found(examine(swept), "lateness").severity is expected

    def test_night_is_no_lateness_where_only_sms_could_go_out(self, queue: Any) -> None:
        self.late_followup(self.BEFORE_EIGHT - dt.timedelta(hours=8), "sms")
        with recovery(MARKETS={}):
            health = examine(self.BEFORE_EIGHT)
            assert found(health, "lateness").facts["late"] == dt.timedelta(0)
            later = self.BEFORE_EIGHT + 75 * MINUTE
            assert found(examine(later), "lateness").facts["late"] == 45 * MINUTE

    def test_night_counts_where_a_mail_could_have_gone_out(self, queue: Any) -> None:
        self.late_followup(self.BEFORE_EIGHT - dt.timedelta(hours=8), "sms", "email")
        with recovery(MARKETS={}):
            assert judged(examine(self.BEFORE_EIGHT), "lateness") == ("late", Severity.FAIL)

    def test_channel_that_is_not_set_up_hides_no_lateness(self, swept: dt.datetime) -> None:
        self.late_followup(swept - 2 * 60 * MINUTE, "brieftaube")
        assert judged(examine(swept), "lateness") == ("late", Severity.FAIL)

    def test_notice_waits_at_no_hour(self, swept: dt.datetime) -> None:
        Notice.objects.create(
            kind="help", contact=make_contact(), channel="sms", address_digest="d",
            created_at=swept, due_at=swept - 20 * MINUTE, expires_at=swept,
        )  # fmt: skip
        assert judged(examine(swept), "lateness") == ("late", Severity.WARN)


def test_backlog_is_counted_no_further_than_what_fails(swept: dt.datetime) -> None:
    for _n in range(4):
        make_followup(contact=make_contact())
    assert judged(examine(swept), "backlog") == ("some", Severity.OK)
    with recovery(HEALTH_LIMITS={"backlog": (2, 3)}):
        finding = found(examine(swept), "backlog")
    assert (finding.state, finding.severity) == ("many", Severity.FAIL)
    assert finding.facts["count"] == 3


class TestProviders:
    def sent(self, *states: str) -> None:
        for state in states:
            make_followup(contact=make_consent(make_contact()))
            deliver_due()
            newest = Message.objects.latest("pk")
            Message.objects.filter(pk=newest.pk).update(state=state)

    def test_few_errors_say_nothing_and_many_do(self, swept: dt.datetime) -> None:
        now = timezone.now()
        self.sent(MessageState.FAILED, MessageState.UNKNOWN, *[MessageState.SENT] * 3)
        finding = found(examine(now), "errors")
        assert finding.facts == {"channel": "email", "count": 2, "total": 5}
        assert finding.severity is Severity.OK
        self.sent(*[MessageState.FAILED] * 3)
        assert found(examine(now), "errors").severity is Severity.FAIL
        assert found(examine(now + 2 * 60 * MINUTE), "errors").state == "none"

    def test_channel_is_paused_held_or_open(self, swept: dt.datetime) -> None:
        hold("sms", until=swept + MINUTE)
        assert judged(examine(swept), "channel") == ("held", Severity.WARN)
        pause("sms", reason="401 wrong key of jemand@example.de", now=swept)
        finding = found(examine(swept), "channel")
        assert (finding.state, finding.severity) == ("paused", Severity.FAIL)
        assert "401" in finding.quote
        assert "wrong key" not in str(finding.facts)

    def test_channel_that_the_shop_has_removed_is_forgotten(self, swept: dt.datetime) -> None:
        pause("brieftaube", reason="müde", now=swept)
        assert judged(examine(swept), "channel") == ("open", Severity.OK)


def test_reports_are_stale_when_nothing_sums_them_up(swept: dt.datetime) -> None:
    RolledDay.objects.create(day=swept.date(), rolled_at=swept - dt.timedelta(hours=3))
    assert judged(examine(swept), "reports") == ("fresh", Severity.OK)
    RolledDay.objects.update(is_stale=True)
    assert judged(examine(swept), "reports") == ("stale", Severity.WARN)
    RolledDay.objects.update(rolled_at=swept - 5 * MINUTE)
    assert judged(examine(swept), "reports") == ("behind", Severity.OK)


def test_takes_the_same_queries_for_one_row_and_for_many(swept: dt.datetime) -> None:
    def look(rows: int) -> int:
        for _n in range(rows):
            make_followup(contact=make_contact(), due_at=swept - 30 * MINUTE)
        with CaptureQueriesContext(connection) as queries:
            examine(swept)
        return len(queries)

    assert look(1) == look(30)
    assert look(0) <= 16
    FollowUp.objects.all().delete()
    with CaptureQueriesContext(connection) as queries:
        examine_quickly(swept)
    assert len(queries) <= 4


@pytest.mark.parametrize("language", ["en", "de"])
def test_every_finding_can_be_told(language: str) -> None:
    facts = {
        "age": 3 * MINUTE, "ran_at": timezone.now(), "paused_at": timezone.now(), "late": MINUTE,
        "until": timezone.now(), "since": MINUTE, "stages": ["planned", "neu"], "channel": "email",
        "count": 12345, "total": 2, "workers": 1, "hosts": "web-1", "error": "ConnectionError",
    }  # fmt: skip
    for key in SENTENCES:
        code, state = key.split(".")
        with translation.override(language):
            told = tell(Finding(code, state, Severity.WARN, facts))
        assert "%(" not in told.text + told.advice
        assert told.title
        assert told.severity_label
    with translation.override(language):
        many = tell(Finding("backlog", "some", Severity.OK, facts)).text
    assert ("12.345" if language == "de" else "12,345") in many


@pytest.mark.parametrize(
    "limits",
    [
        {"nix": (1, 2)}, {"backlog": 5}, {"backlog": (5, 1)}, {"sweep_age": (1, 2)},
        {"lateness": (MINUTE,)}, {"provider_errors": ("viel", "mehr")},
    ],
)  # fmt: skip
def test_limits_that_cannot_be_read_are_refused(limits: Any) -> None:
    with recovery(HEALTH_LIMITS=limits), pytest.raises(ImproperlyConfigured, match="HEALTH_LIMITS"):
        _ = conf.HEALTH_LIMITS
