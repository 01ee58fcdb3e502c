"""The message log: the mail as it was, without what belongs to its reader; actions that ask first."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.urls import reverse

from cart_recovery.admin.bodies import cut_html, without_tokens
from cart_recovery.channels.base import Outcome, OutcomeKind
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import FollowUp, FollowUpState, Message, MessageState
from tests.admin.desk import Desk
from tests.admin.test_lists import clerk, list_url
from tests.factories import make_consent, make_contact, make_followup

browser = pytest.mark.django_db(transaction=True)


def send(*addresses: str, outcome: Outcome | None = None, monkeypatch: Any = None) -> list[Message]:
    for address in addresses:
        make_followup(contact=make_consent(make_contact(address)))
    if outcome is None:
        deliver_due()
    else:
        with monkeypatch.context() as patch:
            patch.setattr(
                LocmemChannel, "send", lambda self, messages: [outcome] * len(messages)
            )  # fmt: skip
            deliver_due()
    return list(Message.objects.order_by("pk"))


def body_url(message: Message) -> str:
    return reverse("admin:cart_recovery_message_body", args=[message.pk])


def change_url(message: Message) -> str:
    return reverse("admin:cart_recovery_message_change", args=[message.pk])


@pytest.mark.django_db
class TestMail:
    def test_no_token_reaches_the_staff(self, staff: Client) -> None:
        (message,) = send("anna@example.de")
        tokens = set(re.findall(r"/[rup]/([\w.:~-]{12,})", message.html + message.text))
        assert len(tokens) >= 2
        for url in (body_url(message), change_url(message)):
            text = staff.get(url).content.decode()
            assert [token for token in tokens if token in text] == []

    def test_mail_may_neither_run_nor_load_anything(self, staff: Client) -> None:
        (message,) = send("anna@example.de")
        answer = staff.get(body_url(message))
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "sandbox" in policy
        assert "script-src" not in policy
        assert answer["X-Frame-Options"] == "SAMEORIGIN"
        assert 'sandbox=""' in staff.get(change_url(message)).content.decode()

    def test_it_is_for_those_only_who_may_see_persons(self, staff: Client) -> None:
        (message,) = send("anna@example.de")
        assert clerk("view_message").get(body_url(message)).status_code == 403
        assert clerk("see_personal_data").get(body_url(message)).status_code == 404
        text = clerk("view_message").get(change_url(message)).content.decode()
        assert "anna@example.de" not in text
        assert "<iframe" not in text

    @pytest.mark.parametrize(
        ("html", "wanted"),
        [
            ('<a href="https://x.de/r/abc">Hier</a>', "<a>Hier</a>"),
            ("<script>alert(1)</script>x", "x"),
            ('<img src="/a.png" onerror="alert(1)">', '<img src="/a.png">'),
            ('<form action="/x"><input name="a"></form>', '<input name="a">'),
            ("<!-- https://x.de/r/abcdefghijklmnop -->x", "x"),
            ("<p>&lt;b&gt; &amp; &#8364;</p>", "<p>&lt;b&gt; &amp; &#8364;</p>"),
            ('<base href="https://evil"><meta http-equiv="refresh" content="0">x', "x"),
        ],
    )
    def test_cut(self, html: str, wanted: str) -> None:
        assert cut_html(html) == wanted

    def test_links_show_where_they_led(self) -> None:
        text = "Hier: https://shop.de/r/abcdefghijklmnop?x=1#y, Ende."
        assert without_tokens(text).startswith("Hier: https://shop.de/r/•••?•••")
        assert without_tokens("https://[broken/abcdefghijklmnop") == "•••"


@pytest.mark.usefixtures("in_english")
@pytest.mark.django_db
class TestActions:
    def post(self, client: Client, name: str, action: str, rows: Any, **data: Any) -> Any:
        keys = [row.pk for row in rows]
        return client.post(
            list_url(name), {"action": action, "_selected_action": keys, **data}, follow=True
        )

    def test_retry_asks_first_and_says_per_row_why_not(
        self, staff: Client, monkeypatch: Any
    ) -> None:
        (sent,) = send("eins@example.de")
        send("zwei@example.de", outcome=Outcome(OutcomeKind.PERMANENT), monkeypatch=monkeypatch)
        failed = Message.objects.exclude(pk=sent.pk).get()
        page = self.post(staff, "message", "try_again", [sent, failed])
        text = page.content.decode()
        assert "The provider has it, or may have it" in text
        assert "will be planned again" in text
        assert Message.objects.get(pk=failed.pk).state == MessageState.FAILED
        page = self.post(staff, "message", "try_again", [sent, failed], confirmed="yes")
        assert "1 message will be tried again." in page.content.decode()
        entry = LogEntry.objects.get()
        assert (entry.object_id, entry.change_message) == (
            str(failed.pk), "Planned to be tried again.",
        )  # fmt: skip
        deliver_due()
        states = set(Message.objects.values_list("state", flat=True))
        assert states == {MessageState.SENT}
        assert len(LocmemChannel.outbox) == 2

    def test_cancelling_asks_first_and_is_logged(self, staff: Client) -> None:
        planned, done = make_followup(), make_followup()
        FollowUp.objects.filter(pk=done.pk).update(state="done")
        text = self.post(staff, "followup", "cancel_planned", [planned, done]).content.decode()
        assert "It has ended already" in text
        planned.refresh_from_db()
        assert planned.state == FollowUpState.PLANNED
        self.post(staff, "followup", "cancel_planned", [planned, done], confirmed="yes")
        assert [e.object_id for e in LogEntry.objects.all()] == [str(planned.pk)]
        assert FollowUp.objects.get(pk=planned.pk).state == FollowUpState.CANCELLED

    def test_all_rows_of_a_filter_are_never_taken(self, staff: Client) -> None:
        """A forged "select across" would cancel what nobody has looked at."""
        first, second = make_followup(), make_followup()
        self.post(
            staff, "followup", "cancel_planned", [first], confirmed="yes", select_across="1"
        )  # fmt: skip
        second.refresh_from_db()
        assert second.state == FollowUpState.PLANNED

    def test_each_needs_its_right(self, monkeypatch: Any) -> None:
        (message,) = send(
            "x@example.de", outcome=Outcome(OutcomeKind.PERMANENT), monkeypatch=monkeypatch
        )
        followup = make_followup()
        client = clerk("view_message", "view_followup")
        self.post(client, "message", "try_again", [message], confirmed="yes")
        self.post(client, "followup", "cancel_planned", [followup], confirmed="yes")
        message.refresh_from_db()
        followup.refresh_from_db()
        assert (message.state, followup.state) == (MessageState.FAILED, FollowUpState.PLANNED)


@browser
def test_clerk_tries_again_by_keyboard_alone(desk: Desk, monkeypatch: Any) -> None:
    send("eins@example.de")
    send("zwei@example.de", outcome=Outcome(OutcomeKind.PERMANENT), monkeypatch=monkeypatch)
    failed = Message.objects.get(state=MessageState.FAILED)
    page = desk.open(list_url("message"))
    desk.assert_accessible(page)
    desk.look(page, "messages")
    page.focus(f'input[name="_selected_action"][value="{failed.pk}"]')
    page.keyboard.press("Space")
    page.focus('select[name="action"]')
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector('input[name="confirmed"]', state="attached")
    desk.assert_accessible(page)
    desk.look(page, "messages-retry")
    page.focus('#content input[type="submit"]')
    page.keyboard.press("Enter")
    page.wait_for_selector(".messagelist")
    failed.refresh_from_db()
    assert failed.state == MessageState.RETRY


@browser
def test_mail_is_looked_at_and_a_period_is_chosen(desk: Desk) -> None:
    (message,) = send("anna@example.de")
    page = desk.open(change_url(message))
    frame = page.frame_locator("iframe.cr-mail")
    assert "Ihr Warenkorb ist noch da" in frame.locator("body").inner_text()
    assert frame.locator("a[href]").count() == 0
    desk.assert_accessible(page)
    desk.look(page, "message")
    page.goto(desk.base_url + list_url("trackedcart"))
    desk.assert_accessible(page)
    desk.look(page, "carts")
    page.fill('input[name="since"]', "2020-01-01")
    page.click(".cr-period input[type=submit]")
    page.wait_for_url("**since=2020-01-01**")
    assert page.locator("#result_list tbody tr").count() == 1
    page.goto(desk.base_url + list_url("contact"))
    desk.look(page, "contacts")
    page.goto(desk.base_url + list_url("followup"))
    desk.assert_accessible(page)
    desk.look(page, "followups")
