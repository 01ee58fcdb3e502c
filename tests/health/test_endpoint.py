"""`/health/`, the command and the check: what monitors, scripts and deployments read."""

from __future__ import annotations

import datetime as dt
import io
import json
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cart_recovery.checks.health import check_health
from cart_recovery.delivery.pausing import pause
from cart_recovery.models import Campaign, Heartbeat
from tests.factories import make_campaign, make_user

pytestmark = pytest.mark.django_db
TOKEN = "geheim-und-lang"


def recovery(**changes: Any) -> Any:
    return override_settings(CART_RECOVERY={**settings.CART_RECOVERY, **changes})


def beat(*, ago: int = 10) -> None:
    now = timezone.now()
    Heartbeat.objects.update_or_create(
        stage="sweep", defaults={"ran_at": now - dt.timedelta(seconds=ago)}
    )


def ask(**headers: str) -> Any:
    return Client(headers=headers).get(reverse("cart_recovery:health"))


@pytest.fixture
def no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody gets a connection, as when the server is gone."""

    def refuse(self: BaseDatabaseWrapper, *args: Any, **kwargs: Any) -> None:
        raise OperationalError("could not connect to server at 10.0.0.7")

    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", refuse)


class TestEndpoint:
    def test_monitor_reads_the_status_and_nothing_else(self) -> None:
        beat()
        answer = ask()
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert not answer.cookies

    def test_dead_worker_is_503(self) -> None:
        beat(ago=3600)
        answer = ask()
        assert (answer.status_code, answer.json()) == (503, {"status": "fail"})

    def test_mere_warning_is_200(self) -> None:
        beat(ago=240)
        answer = ask()
        assert (answer.status_code, answer.json()) == (200, {"status": "warn"})

    def test_token_shows_the_findings_without_what_a_provider_said(self) -> None:
        beat()
        pause("sms", reason="21606 jemand@example.de", now=timezone.now())
        with recovery(HEALTH_TOKEN=TOKEN):
            answer = ask(Authorization=f"Bearer {TOKEN}")
            body = answer.json()
        assert answer.status_code == 503
        (paused,) = [f for f in body["findings"] if f["code"] == "channel"]
        assert (paused["severity"], paused["facts"]["channel"]) == ("fail", "sms")
        assert "jemand" not in answer.content.decode()
        (swept,) = [f for f in body["findings"] if f["code"] == "sweep"]
        assert isinstance(swept["facts"]["age"], int)
        assert dt.datetime.fromisoformat(body["examined_at"]).tzinfo

    @pytest.mark.parametrize(
        ("token", "header"),
        [
            (TOKEN, "Bearer falsch"), (TOKEN, TOKEN), (TOKEN, "Bearer "), (TOKEN, "Basic x"),
            ("", "Bearer "), ("", ""), (TOKEN, "Bearer " + "ü" * 5000),
        ],
    )  # fmt: skip
    def test_wrong_token_shows_the_status_alone(self, token: str, header: str) -> None:
        beat()
        with recovery(HEALTH_TOKEN=token):
            assert ask(Authorization=header).json() == {"status": "ok"}

    def test_staff_with_the_right_read_the_findings(self, client: Client) -> None:
        beat()
        clerk = make_user(is_staff=True)
        client.force_login(clerk)
        path = reverse("cart_recovery:health")
        assert client.get(path).json() == {"status": "ok"}
        clerk.user_permissions.add(Permission.objects.get(codename="view_heartbeat"))
        assert "findings" in client.get(path).json()

    def test_database_that_is_down_is_503_without_a_traceback(self, no_database: None) -> None:
        # with a session's cookie Oscar's own middleware would fail before anything of ours is asked
        answer = ask()
        assert (answer.status_code, answer.json()) == (503, {"status": "fail"})

    def test_details_of_a_dead_database_name_no_server(self, no_database: None) -> None:
        with recovery(HEALTH_TOKEN=TOKEN):
            answer = ask(Authorization=f"Bearer {TOKEN}")
        assert [f["code"] for f in answer.json()["findings"]] == ["database"]
        assert "10.0.0.7" not in answer.content.decode()

    def test_only_looking_is_allowed_and_writes_nothing(self, client: Client) -> None:
        beat()
        path = reverse("cart_recovery:health")
        assert client.head(path).status_code == 200
        for method in (client.post, client.put, client.delete, client.patch):
            assert method(path).status_code == 405
        with CaptureQueriesContext(connection) as queries:
            client.get(path)
        asked = [q["sql"] for q in queries if "SAVEPOINT" not in q["sql"]]
        assert all(sql.startswith("SELECT") for sql in asked)
        assert len(asked) <= 14

    def test_answer_is_kept_for_some_seconds(self, client: Client) -> None:
        from django.core.cache import cache

        beat()
        path = reverse("cart_recovery:health")
        cache.clear()
        with recovery(HEALTH_CACHED_FOR=dt.timedelta(seconds=15)):
            client.get(path)
            with CaptureQueriesContext(connection) as queries:
                assert client.get(path).json() == {"status": "ok"}
        cache.clear()
        assert len(queries) == 0

    def test_cache_that_is_down_is_no_reason_not_to_look(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*args: Any, **kwargs: Any) -> None:
            raise ConnectionError

        beat()
        monkeypatch.setattr("django.core.cache.backends.locmem.LocMemCache.get", refuse)
        monkeypatch.setattr("django.core.cache.backends.locmem.LocMemCache.set", refuse)
        with recovery(HEALTH_CACHED_FOR=dt.timedelta(seconds=15)):
            assert client.get(reverse("cart_recovery:health")).json() == {"status": "ok"}


class TestCommand:
    def run(self, *options: str) -> tuple[int, str]:
        out = io.StringIO()
        try:
            call_command("recovery_health", *options, stdout=out)
        except SystemExit as end:
            return int(str(end.code)), out.getvalue()
        return 0, out.getvalue()

    @pytest.mark.parametrize(("ago", "code"), [(5, 0), (240, 1), (3600, 2)])
    def test_exit_code_tells(self, ago: int, code: int) -> None:
        beat(ago=ago)
        assert self.run()[0] == code

    def test_says_what_to_do(self) -> None:
        pause("sms", reason="401 wrong key", now=timezone.now())
        code, text = self.run()
        assert code == 2
        assert "fail  Sweep: No sweep has run yet" in text
        assert "qcluster" in text
        assert "401 wrong key" in text

    def test_json_is_what_the_endpoint_gives(self) -> None:
        beat()
        code, text = self.run("--json")
        assert (code, json.loads(text)["status"]) == (0, "ok")

    def test_database_that_is_down(self, no_database: None) -> None:
        code, text = self.run()
        assert (code, "database does not answer" in text) == (2, True)


class TestCheck:
    def ids(self) -> list[str | None]:
        return [message.id for message in check_health(None, databases=["default"])]

    def test_runs_only_where_the_database_is_asked(self) -> None:
        beat(ago=3600)
        assert check_health(None) == []
        assert "cart_recovery.W401" not in [m.id for m in run_checks()]
        assert "cart_recovery.W401" in [m.id for m in run_checks(databases=["default"])]

    def test_dead_worker_and_paused_channel_have_ids_and_hints(self) -> None:
        beat(ago=3600)
        pause("sms", reason="401", now=timezone.now())
        assert self.ids() == ["cart_recovery.W401", "cart_recovery.W403"]
        assert all(message.hint for message in check_health(None, databases=["default"]))

    def test_shop_that_has_nothing_to_send_needs_no_worker_yet(self) -> None:
        Campaign.objects.update(is_active=False)
        assert self.ids() == []
        make_campaign()
        assert self.ids() == ["cart_recovery.W401"]

    def test_says_nothing_before_the_first_migrate(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(connection.introspection, "table_names", lambda *a, **k: [])
        assert self.ids() == []

    def test_says_nothing_of_a_database_that_is_down(self, no_database: None) -> None:
        assert self.ids() == []
