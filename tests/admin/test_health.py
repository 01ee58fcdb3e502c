"""The health page, resuming a channel, and the banner on every page of ours."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import django
import pytest
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import DatabaseError, connection
from django.test import Client, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

import cart_recovery
from cart_recovery.delivery.pausing import pause
from cart_recovery.health.queue import QueueState, probe
from cart_recovery.models import Campaign, ChannelStatus, Heartbeat
from tests.admin.desk import Desk
from tests.factories import make_campaign, make_contact, make_followup, make_user

pytestmark = pytest.mark.django_db
OURS = Path(cart_recovery.__file__).parent / "templates/admin/cart_recovery"
DJANGOS = Path(django.__file__).parent / "contrib/admin/templates/admin"
BANNER = b"cr-banner"


def recovery(**changes: Any) -> Any:
    return override_settings(CART_RECOVERY={**settings.CART_RECOVERY, **changes})


def health_url() -> str:
    return reverse("admin:cart_recovery_heartbeat_health")


def resume_url(channel: str = "sms") -> str:
    return reverse("admin:cart_recovery_heartbeat_resume", kwargs={"channel": channel})


def beat(*, ago: int = 10) -> None:
    Heartbeat.objects.create(stage="sweep", ran_at=timezone.now() - dt.timedelta(seconds=ago))


def clerk(client: Client, *codenames: str) -> Any:
    user = make_user(is_staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    client.force_login(user)
    return user


@pytest.fixture(autouse=True)
def _in_english(settings: Any) -> None:
    settings.LANGUAGE_CODE = "en"


@pytest.fixture(autouse=True)
def _queue_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this machine has."""
    alive = QueueState({"web-1": 2}, None, has_schedule=True, is_scheduled=True)
    monkeypatch.setattr(probe, "look", lambda: alive)


class TestPage:
    def test_says_what_is_wrong_and_what_to_do_worst_first(self, client: Client) -> None:
        beat(ago=240)
        pause("sms", reason="<script>alert(1)</script> 401", now=timezone.now())
        clerk(client, "view_heartbeat")
        page = client.get(health_url()).content.decode()
        assert "SMS has been paused since" in page
        assert page.index("SMS has been paused") < page.index("The last sweep ran 4")
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "Use the channel again" not in page
        assert BANNER not in page.encode()

    def test_offers_to_resume_only_to_who_may(self, client: Client) -> None:
        pause("sms", reason="401", now=timezone.now())
        clerk(client, "view_heartbeat", "change_channelstatus")
        assert resume_url().encode() in client.get(health_url()).content

    def test_takes_the_same_queries_however_much_waits(self, client: Client) -> None:
        beat()
        clerk(client, "view_heartbeat")

        def look(rows: int) -> int:
            for _n in range(rows):
                make_followup(contact=make_contact())
            with CaptureQueriesContext(connection) as queries:
                assert client.get(health_url()).status_code == 200
            return len(queries)

        look(1)
        assert look(1) == look(15)


class TestResuming:
    def test_is_logged_with_what_it_took_back(self, client: Client) -> None:
        pause("sms", reason="401 wrong key", now=timezone.now())
        user = clerk(client, "view_heartbeat", "change_channelstatus")
        page = client.post(resume_url(), follow=True)
        assert ChannelStatus.objects.get().paused_at is None
        assert "the next minutes" in page.content.decode()
        entry = LogEntry.objects.get()
        assert (entry.user, entry.object_repr) == (user, "sms")
        assert "401 wrong key" in entry.get_change_message()

    def test_is_refused_while_the_settings_are_wrong(self, client: Client) -> None:
        pause("sms", reason="401", now=timezone.now())
        clerk(client, "view_heartbeat", "change_channelstatus")
        channels = {
            **settings.CART_RECOVERY["CHANNELS"],
            "sms": {"BACKEND": "cart_recovery.channels.twilio.TwilioSmsChannel", "OPTIONS": {}},
        }
        with recovery(CHANNELS=channels):
            page = client.post(resume_url(), follow=True)
        assert ChannelStatus.objects.get().paused_at is not None
        assert "stays paused" in page.content.decode()
        assert "ACCOUNT_SID" in page.content.decode()
        assert not LogEntry.objects.exists()

    def test_of_a_channel_that_the_shop_no_longer_has_says_so(self, client: Client) -> None:
        pause("brieftaube", reason="müde", now=timezone.now())
        clerk(client, "view_heartbeat", "change_channelstatus")
        page = client.post(resume_url("brieftaube"), follow=True)
        assert "CHANNELS" in page.content.decode()

    @pytest.mark.parametrize("channel", ["email", "nix", "x" * 200, "<b>"])
    def test_of_what_is_not_paused_changes_nothing(self, client: Client, channel: str) -> None:
        clerk(client, "view_heartbeat", "change_channelstatus")
        page = client.post(resume_url(channel), follow=True)
        assert "is not paused" in page.content.decode()
        assert "<b>" not in page.content.decode()
        assert not LogEntry.objects.exists()

    def test_looking_at_it_changes_nothing(self, client: Client) -> None:
        pause("sms", reason="401", now=timezone.now())
        clerk(client, "view_heartbeat", "change_channelstatus")
        assert client.get(resume_url()).status_code == 302
        assert ChannelStatus.objects.get().paused_at is not None

    def test_needs_the_token_of_the_form(self) -> None:
        pause("sms", reason="401", now=timezone.now())
        client = Client(enforce_csrf_checks=True)
        clerk(client, "view_heartbeat", "change_channelstatus")
        assert client.post(resume_url()).status_code == 403
        assert ChannelStatus.objects.get().paused_at is not None

    def test_action_of_the_list_is_checked_and_logged_too(self, client: Client) -> None:
        pause("sms", reason="401", now=timezone.now())
        clerk(client, "view_channelstatus", "change_channelstatus")
        client.post(
            reverse("admin:cart_recovery_channelstatus_changelist"),
            {"action": "resume_channels", "_selected_action": [ChannelStatus.objects.get().pk]},
        )
        assert ChannelStatus.objects.get().paused_at is None
        assert "401" in LogEntry.objects.get().get_change_message()


class TestBanner:
    def our_pages(self) -> list[str]:
        campaign = Campaign.objects.first() or make_campaign()
        return [
            reverse("admin:app_list", args=["cart_recovery"]),
            reverse("admin:cart_recovery_campaign_changelist"),
            reverse("admin:cart_recovery_campaign_add"),
            *(
                reverse(f"admin:cart_recovery_campaign_{page}", args=[campaign.pk])
                for page in ("change", "delete", "history")
            ),
            reverse("admin:cart_recovery_contact_data", args=[make_contact().pk]),
        ]

    def test_stands_on_every_page_of_ours_when_the_worker_is_dead(self, client: Client) -> None:
        client.force_login(make_user(is_staff=True, is_superuser=True))
        beat(ago=3600)
        for path in self.our_pages():
            assert BANNER in client.get(path).content, path
        Heartbeat.objects.update(ran_at=timezone.now())
        for path in self.our_pages():
            assert BANNER not in client.get(path).content, path

    def test_stands_on_the_question_before_deleting_many(self, client: Client) -> None:
        client.force_login(make_user(is_staff=True, is_superuser=True))
        incentive = reverse("admin:cart_recovery_incentive_changelist")
        data = {"action": "delete_selected", "_selected_action": [1]}
        assert BANNER in client.post(incentive, data).content

    def test_leaves_other_apps_alone(self, client: Client) -> None:
        client.force_login(make_user(is_staff=True, is_superuser=True))
        for path in (reverse("admin:index"), reverse("admin:auth_group_changelist")):
            assert BANNER not in client.get(path).content

    def test_shows_only_to_who_may_see_the_health_and_never_in_a_popup(
        self, client: Client
    ) -> None:
        path = reverse("admin:cart_recovery_campaign_changelist")
        user = clerk(client, "view_campaign")
        assert BANNER not in client.get(path).content
        user.user_permissions.add(Permission.objects.get(codename="view_heartbeat"))
        assert BANNER in client.get(path).content
        assert BANNER not in client.get(path, {"_popup": 1}).content

    def test_costs_no_page_when_it_cannot_be_made(
        self, client: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*args: Any) -> None:
            raise DatabaseError("the server has gone away")

        client.force_login(make_user(is_staff=True, is_superuser=True))
        path = reverse("admin:cart_recovery_campaign_changelist")
        monkeypatch.setattr("cart_recovery.health.examining.examine_sweep", fail)
        answer = client.get(path)
        assert (answer.status_code, b"database does not answer" in answer.content) == (200, True)
        monkeypatch.setattr("cart_recovery.health.examining._kept", fail)
        answer = client.get(path)
        assert (answer.status_code, BANNER in answer.content) == (200, False)

    def test_takes_few_queries_and_none_for_some_seconds(self, client: Client) -> None:
        from django.core.cache import cache

        client.force_login(make_user(is_staff=True, is_superuser=True))
        beat()
        path = reverse("admin:cart_recovery_incentive_changelist")

        def count() -> int:
            with CaptureQueriesContext(connection) as queries:
                client.get(path)
            return len([q for q in queries if "SAVEPOINT" not in q["sql"]])

        fresh = count()
        cache.clear()
        with recovery(HEALTH_CACHED_FOR=dt.timedelta(seconds=15)):
            assert count() == fresh
            assert count() == fresh - 4
        cache.clear()


class TestFrame:
    """Themes bring their own templates of the same names, so only what Django's have may be used."""

    def blocks(self, path: Path) -> set[str]:
        return set(re.findall(r"{%\s*block\s+([\w-]+)", path.read_text()))

    def inherited(self, path: Path) -> set[str]:
        """Blocks that the template gets from what it extends, ours or Django's."""
        parent = re.search(r'{%\s*extends\s+"admin/([\w/]+\.html)"', path.read_text())
        if parent is None:
            return set()
        own = OURS.parent / parent[1]
        above = own if own.is_file() else DJANGOS / parent[1]
        return self.blocks(above) | self.inherited(above)

    def test_templates_fill_only_blocks_that_are_there(self) -> None:
        frames = {"page.html"}
        for path in sorted(OURS.rglob("*.html")):
            if path.name in frames or "extends" not in path.read_text():
                continue
            own = self.blocks(path) - self.inherited(path)
            assert own == set(), path

    def test_frame_is_within_what_themes_have_too(self) -> None:
        # what django-unfold's and Django's base.html both have
        shared = {
            "extrastyle", "extrahead", "messages", "breadcrumbs", "content", "object-tools",
            "object-tools-items", "coltype", "bodyclass", "title", "footer", "sidebar",
        }  # fmt: skip
        for name in ("change_list.html", "change_form.html", "page.html", "app_index.html"):
            used = self.blocks(OURS / name) - {"trail", "banner"}
            assert used <= shared, name


@pytest.mark.django_db(transaction=True)
def test_staff_repair_a_paused_channel_by_keyboard_alone(desk: Desk) -> None:
    beat()
    pause("sms", reason="20003 Authentication Error", now=timezone.now())
    page = desk.open(reverse("admin:cart_recovery_campaign_changelist"))
    desk.assert_accessible(page)
    desk.look(page, "banner")
    _tab_to(page, ".cr-banner a")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{health_url()}")
    assert page.locator("h1").count() >= 1
    assert page.locator("main h1").count() == 1
    desk.assert_accessible(page)
    desk.look(page, "health-failing")
    _tab_to(page, ".cr-finding button")
    page.keyboard.press("Enter")
    page.wait_for_selector(".messagelist .success")
    assert ChannelStatus.objects.get().paused_at is None
    assert page.locator(".cr-finding.cr-fail").count() == 0
    desk.assert_accessible(page)
    desk.look(page, "health-fine")


def _tab_to(page: Any, selector: str) -> None:
    """By the skip link past the header and the sidebar, then on from one element to the next."""
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    for _n in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    pytest.fail(f"{selector} cannot be reached by keyboard")
