"""What the app itself has to say: asked for, sent once, soon or never."""

from __future__ import annotations

import datetime as dt
import re
import threading
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cart_recovery import sweep, tasks
from cart_recovery.channels.base import Outcome, OutcomeKind
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.consent import notices, opt_ins
from cart_recovery.consent.suppression import suppress
from cart_recovery.consent.withdrawals import withdraw, withdraw_by_address
from cart_recovery.consent.wordings import current, install_defaults
from cart_recovery.delivery import outbox
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import (
    ChannelStatus,
    ConsentState,
    Contact,
    Message,
    MessageState,
    Notice,
    NoticeKind,
    OptIn,
    RestoreLink,
    TrackedCart,
)
from cart_recovery.provider_events import SuppressionReason as Why
from tests.factories import (
    make_basket,
    make_cart,
    make_consent,
    make_contact,
    make_followup,
    make_product,
)

pytestmark = pytest.mark.django_db(transaction=True)

PHONE = "+4915123456789"
LINK = re.compile(r"https://shop\.example/\S*/c/(\S+?)\?l=\w\w")
SOON = dt.timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _wordings(db: None) -> None:
    install_defaults()


def ask(contact: Contact | None = None, channel: str = "email", **kwargs: Any) -> OptIn:
    opt_in = opt_ins.ask(
        contact or make_contact(), channel=channel, source="checkout",
        wording=current(f"checkout-{channel}", kwargs.pop("written_in", "de")), **kwargs,
    )  # fmt: skip
    assert opt_in is not None
    return opt_in


def outcome(notice: Notice | None = None) -> tuple[str, str]:
    row = notice or Notice.objects.get()
    row.refresh_from_db()
    return row.state, row.reason


class TestOptInMail:
    def test_its_link_confirms(self):
        opt_in = ask()
        result = deliver_due()
        assert result.messages == {"sent": 1}
        (sent,) = LocmemChannel.outbox
        assert sent.to == opt_in.contact.email
        found = LINK.search(sent.text)
        assert found
        assert found[0] in sent.html
        assert opt_ins.find(found[1]) == opt_in
        assert outcome() == ("done", "")
        message = Message.objects.get()
        assert (message.state, message.followup, message.notice) == (
            "sent", None, Notice.objects.get(),
        )  # fmt: skip

    def test_it_says_who_asks_for_what_and_when(self):
        opt_in = ask(now=timezone.now())
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert (sent.language, sent.subject) == ("de", "Bitte bestätigen Sie Ihre E-Mail-Adresse")
        for part in (sent.text, sent.html):
            flat = " ".join(part.split())
            assert "Probeladen" in flat
            assert " ".join(opt_in.wording.text.split()) in flat
            assert str(opt_in.requested_at.year) in flat
            assert "HRB 1234" in flat
            assert "14" in flat

    def test_it_holds_no_advertising(self):
        """PROVIDERS.md §3: OLG Düsseldorf I-15 U 64/15. No cart, no picture, no voucher, no link
        but the one that confirms."""
        product = make_product("Kaffeemühle Modell 7")
        basket = make_basket(product)
        contact = make_contact()
        make_cart(basket, contact)
        ask(contact, basket_id=basket.pk)
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert "Kaffeemühle" not in sent.html + sent.text
        assert "<img" not in sent.html
        assert "background-image" not in sent.html
        link = LINK.search(sent.text)[0]
        assert set(re.findall(r'href="([^"]+)"', sent.html)) == {link}
        assert re.findall(r"https?://\S+", sent.text) == [link]
        assert sent.headers == {}
        assert sent.allow_tracking is False

    def test_an_english_reader_gets_english(self):
        ask(make_contact(language="en"), written_in="en")
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert (sent.language, sent.subject) == ("en", "Please confirm your e-mail address")
        assert 'lang="en"' in sent.html
        assert "prefers-color-scheme: dark" in sent.html

    def test_a_name_of_the_shop_is_escaped(self, settings):
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "SHOP_NAME": "A & <b>B</b>"}
        ask()
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert "A &amp; &lt;b&gt;" in sent.html
        assert "A & <b>B</b>" in sent.text

    def test_without_an_imprint_nothing_leaves(self, settings):
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "IMPRINT": ""}
        ask()
        deliver_due()
        assert outcome() == ("skipped", "template_error")
        assert LocmemChannel.outbox == []


class TestOptInSms:
    """PROVIDERS.md §2.2: brand, recurring, frequency, costs, HELP and STOP; §2.4: names cannot be
    answered."""

    @staticmethod
    def send(language: str) -> str:
        ask(make_contact(phone=PHONE, language=language), "sms", written_in=language)
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert Message.objects.get().sms_parts <= 2
        return sent.text

    def test_english(self):
        text = self.send("en")
        for words in ("Probeladen", "Reply YES", "recurring", "cart reminders", "frequency varies",
                      "Msg&data rates may apply", "HELP", "STOP"):  # fmt: skip
            assert words in text
        assert LINK.search(text)

    def test_german(self):
        text = self.send("de")
        for words in ("Probeladen", "Antworten Sie JA", "Warenkorb-Erinnerungen", "STOPP", "HILFE"):
            assert words in text
        assert LINK.search(text)

    def test_a_name_as_sender_offers_the_link_alone(self, monkeypatch):
        monkeypatch.setattr(LocmemChannel, "supports_reply", False)
        text = self.send("en")
        assert LINK.search(text)
        assert "YES" not in text
        assert "STOP" not in text


class TestRules:
    def test_a_block_that_the_person_may_lift_does_not_stop_the_question(self):
        contact = make_contact()
        suppress("email", "email", contact.email, reason=Why.COMPLAINT, source="test")
        ask(contact)
        deliver_due()
        assert len(LocmemChannel.outbox) == 1

    @pytest.mark.parametrize("reason", [Why.CARRIER_BLOCK, Why.INVALID_ADDRESS])
    @pytest.mark.parametrize("kind", ["opt_in", "help", "stop_confirmed"])
    def test_a_carriers_block_stops_everything(self, kind, reason):
        contact = make_contact(phone=PHONE)
        suppress("sms", "phone", PHONE, reason=reason, source="test")
        if kind == "opt_in":
            ask(contact, "sms")
        else:
            notices.plan(kind, contact, channel="sms")
        deliver_due()
        assert outcome() == ("skipped", "suppressed")
        assert LocmemChannel.outbox == []

    def test_the_answer_to_a_stop_goes_to_the_number_that_it_blocked(self):
        contact = make_contact(phone=PHONE)
        withdraw_by_address("sms", "phone", PHONE, source="sms_stop")
        notices.plan(NoticeKind.STOP_CONFIRMED, contact, channel="sms")
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert "Probeladen" in sent.text
        assert "http" not in sent.text

    @pytest.mark.parametrize(
        ("kind", "lifetime"),
        [("opt_in", 86400), ("stop_confirmed", 300), ("help", 3600)],
    )
    def test_too_late_is_never(self, kind, lifetime):
        """47 CFR 64.1200(a)(12): the confirmation of an opt-out within five minutes."""
        contact = make_contact(phone=PHONE)
        if kind == "opt_in":
            ask(contact, "sms")
        else:
            notices.plan(kind, contact, channel="sms")
        late = timezone.now() + dt.timedelta(seconds=lifetime + 1)
        deliver_due(clock=lambda: late)
        assert outcome() == ("missed", "missed")
        assert LocmemChannel.outbox == []

    def test_another_address_by_now_gets_nothing(self):
        contact = make_contact()
        ask(contact)
        Contact.objects.filter(pk=contact.pk).update(
            email="neu@example.de", email_key="neu@example.de"
        )
        deliver_due()
        assert outcome() == ("skipped", "no_address")

    def test_a_no_meanwhile_ends_it(self):
        opt_in = ask()
        withdraw(opt_in.contact, channel="email", source="test")
        deliver_due()
        assert outcome() == ("skipped", "settled")

    def test_a_no_between_outbox_and_call_ends_it(self, monkeypatch):
        opt_in = ask()
        original = outbox.open_calls

        def opened(*args: Any, **kwargs: Any) -> Any:
            calls = original(*args, **kwargs)
            withdraw(opt_in.contact, channel="email", source="test")
            return calls

        monkeypatch.setattr(outbox, "open_calls", opened)
        deliver_due()
        assert LocmemChannel.outbox == []
        assert Message.objects.get().state == MessageState.WITHDRAWN
        assert outcome() == ("skipped", "settled")

    def test_it_waits_while_the_channel_is_paused(self):
        status = ChannelStatus.objects.create(channel="email", paused_at=timezone.now())
        ask()
        deliver_due()
        assert outcome() == ("planned", "channel_paused")
        status.delete()
        deliver_due(clock=lambda: timezone.now() + 2 * SOON)
        assert len(LocmemChannel.outbox) == 1

    def test_a_channel_that_is_gone_ends_it(self, settings):
        ask()
        channels = {"sms": settings.CART_RECOVERY["CHANNELS"]["sms"]}
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "CHANNELS": channels}
        deliver_due()
        assert outcome() == ("skipped", "no_channel")


class TestPlanning:
    @pytest.mark.parametrize("kind", ["help", "stop_confirmed", "data_export", "saved_basket"])
    def test_one_answer_is_enough(self, kind):
        contact = make_contact(phone=PHONE)
        assert notices.plan(kind, contact, channel="sms")
        assert notices.plan(kind, contact, channel="sms") is None
        later = timezone.now() + dt.timedelta(days=1, minutes=1)
        assert notices.plan(kind, contact, channel="sms", now=later)

    def test_nobody_without_an_address_is_written_to(self):
        assert notices.plan("help", make_contact(), channel="sms") is None

    def test_an_unknown_kind_is_refused(self):
        with pytest.raises(ValueError, match="birthday"):
            notices.plan("birthday", make_contact(), channel="email")


class TestSavedBasket:
    def plan(self, contact: Contact) -> Any:
        basket = make_basket(make_product("Kaffeemühle"))
        make_cart(basket, contact)
        notices.plan(NoticeKind.SAVED_BASKET, contact, channel="email", basket_id=basket.pk)
        return basket

    def test_it_brings_the_basket_and_a_way_out(self):
        contact = make_consent(make_contact())
        basket = self.plan(contact)
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert "Kaffeemühle" in sent.text
        assert "Kaffeemühle" in sent.html
        assert "List-Unsubscribe" in sent.headers
        link = RestoreLink.objects.get()
        assert (link.cart, link.followup) == (TrackedCart.objects.get(basket=basket), None)
        assert "/u/" in sent.text

    def test_two_channels_get_a_link_each(self):
        contact = make_consent(make_contact(phone=PHONE), "email", "sms")
        basket = self.plan(contact)
        notices.plan(NoticeKind.SAVED_BASKET, contact, channel="sms", basket_id=basket.pk)
        deliver_due()
        assert len(LocmemChannel.outbox) == RestoreLink.objects.count() == 2

    def test_without_a_permission_it_stays(self):
        self.plan(make_contact())
        deliver_due()
        assert outcome() == ("skipped", "no_consent")

    @pytest.mark.parametrize("fate", ["bought", "emptied", "gone"])
    def test_a_basket_that_is_no_more_is_not_sent(self, fate):
        basket = self.plan(make_consent(make_contact()))
        if fate == "bought":
            basket.submit()
        elif fate == "emptied":
            basket.lines.all().delete()
        else:
            basket.delete()
        deliver_due()
        expected = {"bought": "bought", "emptied": "emptied", "gone": "basket_gone"}
        assert outcome() == ("skipped", expected[fate])
        assert LocmemChannel.outbox == []


class TestNeverTwice:
    """Promise 3."""

    def test_a_crash_after_the_outbox_committed_is_never_repeated(self, monkeypatch):
        ask()

        class Died(BaseException):
            pass

        def die(*args: Any, **kwargs: Any) -> Any:
            raise Died

        monkeypatch.setattr("cart_recovery.delivery.handover.Handover.start", die)
        with pytest.raises(Died):
            deliver_due()
        monkeypatch.undo()
        assert Message.objects.get().state == MessageState.SENDING
        later = timezone.now() + dt.timedelta(minutes=10)
        for _ in range(3):
            sweep.run(later)
            deliver_due(clock=lambda: later)
        assert LocmemChannel.outbox == []
        assert Message.objects.get().state == MessageState.UNKNOWN
        assert outcome() == ("done", "")

    def test_a_claim_of_a_dead_worker_is_taken_over(self, monkeypatch):
        ask()
        monkeypatch.setattr(outbox, "open_calls", lambda *a, **k: [])
        deliver_due()
        monkeypatch.undo()
        assert outcome() == ("claimed", "")
        later = timezone.now() + dt.timedelta(minutes=10)
        assert sweep.run(later).released == 1
        deliver_due(clock=lambda: later)
        assert len(LocmemChannel.outbox) == 1

    def test_what_surely_failed_is_tried_again_with_another_link(self):
        ask()
        LocmemChannel.answers.append(Outcome(OutcomeKind.RETRY_SAFE, code="busy"))
        deliver_due()
        assert Message.objects.get().state == MessageState.RETRY
        assert outcome() == ("planned", "rate_limited")
        LocmemChannel.reset()
        deliver_due(clock=lambda: timezone.now() + 2 * SOON)
        (sent,) = LocmemChannel.outbox
        message = Message.objects.get()
        assert (message.state, message.attempts) == (MessageState.SENT, 2)
        assert opt_ins.find(LINK.search(sent.text)[1])

    def test_a_retry_that_comes_too_late_ends(self):
        ask()
        LocmemChannel.answers.append(Outcome(OutcomeKind.RETRY_SAFE, code="busy"))
        deliver_due()
        LocmemChannel.reset()
        deliver_due(clock=lambda: timezone.now() + dt.timedelta(days=2))
        assert outcome() == ("missed", "missed")
        assert Message.objects.get().state == MessageState.FAILED
        assert LocmemChannel.outbox == []

    def test_an_unknown_outcome_is_not_tried_again(self):
        ask()
        LocmemChannel.answers.append(Outcome(OutcomeKind.UNKNOWN, code="lost"))
        for n in range(3):
            deliver_due(clock=lambda n=n: timezone.now() + n * SOON)
        assert LocmemChannel.outbox == []
        message = Message.objects.get()
        assert (message.state, message.attempts) == (MessageState.UNKNOWN, 1)

    @pytest.mark.postgres
    def test_many_workers_send_it_once(self):
        for _ in range(12):
            ask()
        barrier = threading.Barrier(4)

        def work() -> None:
            barrier.wait()
            deliver_due()
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(LocmemChannel.outbox) == len({m.to for m in LocmemChannel.outbox}) == 12


class TestInTheFlow:
    def test_notices_go_before_campaigns(self):
        make_followup(contact=make_consent(make_contact()))
        opt_in = ask()
        result = deliver_due()
        assert result.messages == {"sent": 2}
        assert LocmemChannel.outbox[0].to == opt_in.contact.email

    def test_the_sweep_counts_them(self):
        ask()
        report = sweep.run(timezone.now())
        assert report.due == 1
        assert sweep.delivery_tasks_for(report) == 1

    def test_the_command_sends_them(self, capsys):
        ask()
        call_command("recovery_sweep", dry_run=True)
        assert "would look at notices: 1" in capsys.readouterr().out
        assert LocmemChannel.outbox == []
        call_command("recovery_sweep")
        assert len(LocmemChannel.outbox) == 1

    def test_the_queue_is_hinted_at_once(self, monkeypatch):
        hints: list[str] = []
        monkeypatch.setattr(tasks, "async_task", hints.append)
        ask()
        assert hints == ["cart_recovery.tasks.deliver"]

    def test_a_queue_that_is_down_stays_unseen(self, monkeypatch, caplog):
        def fail(*args: Any) -> None:
            raise ConnectionError("redis://:secret@example.de and mensch@example.de")

        monkeypatch.setattr(tasks, "async_task", fail)
        ask()
        assert "ConnectionError" in caplog.text
        assert "mensch@example.de" not in caplog.text
        deliver_due()
        assert len(LocmemChannel.outbox) == 1

    def test_a_batch_costs_the_same_whatever_its_size(self):
        def run(size: int) -> int:
            LocmemChannel.reset()
            for _ in range(size):
                contact = make_consent(make_contact())
                basket = make_basket(make_product())
                make_cart(basket, contact)
                notices.plan("saved_basket", contact, channel="email", basket_id=basket.pk)
                ask()
            with CaptureQueriesContext(
                connection,
            ) as queries:
                result = deliver_due()
            assert result.messages == {"sent": 2 * size}
            return len(queries)

        run(1)  # fills caches
        assert run(3) == run(25)

    def test_one_poisoned_notice_does_not_hold_up_the_others(self, monkeypatch):
        from cart_recovery.delivery import notice_batches

        poisoned, fine = ask(), ask()
        original = notice_batches.render_notice

        def render(request: Any) -> Any:
            if request.opt_in == poisoned:
                raise ZeroDivisionError
            return original(request)

        monkeypatch.setattr(notice_batches, "render_notice", render)
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert sent.to == fine.contact.email
        assert outcome(poisoned.notice) == ("skipped", "template_error")

    def test_a_number_that_stopped_at_the_provider_ends_the_opt_in(self):
        opt_in = ask(make_contact(phone=PHONE), "sms")
        LocmemChannel.answers.append(
            Outcome(OutcomeKind.PERMANENT, code="21610", suppress=Why.UNSUBSCRIBED)
        )
        deliver_due()
        opt_in.refresh_from_db()
        assert opt_in.state == "cancelled"
        assert not ConsentState.objects.filter(action="granted").exists()
