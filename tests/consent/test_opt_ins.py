"""PROVIDERS.md §3, double opt-in: asked for at a form, valid once confirmed at the address itself."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cart_recovery import signals
from cart_recovery.consent import opt_ins
from cart_recovery.consent.permissions import load
from cart_recovery.consent.suppression import suppress
from cart_recovery.consent.verification import verify_chain
from cart_recovery.consent.withdrawals import withdraw, withdraw_by_address, withdraw_everywhere
from cart_recovery.consent.wordings import current, publish
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.contacts.merging import merge
from cart_recovery.exceptions import InvalidAddressError
from cart_recovery.models import (
    ConsentRecord,
    ConsentState,
    Contact,
    Notice,
    NoticeKind,
    OptIn,
    OptInState,
    Suppression,
    SuppressionChange,
)
from cart_recovery.provider_events import SuppressionReason as Why
from tests.factories import make_basket, make_contact, make_product

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shipped_wordings")]

PHONE = "+4915123456789"
NOW = dt.datetime(2026, 11, 3, 12, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


def ask(contact: Contact, channel: str = "email", **kwargs: Any) -> OptIn | None:
    defaults: dict[str, Any] = {
        "wording": current(f"checkout-{channel}", "de"), "source": "checkout",
        "source_url": "https://shop.example/kasse/", "now": NOW,
    }  # fmt: skip
    return opt_ins.ask(contact, channel=channel, **{**defaults, **kwargs})


def confirm(opt_in: OptIn | None, **kwargs: Any) -> list[ConsentRecord]:
    assert opt_in is not None
    return opt_ins.confirm(opt_in, **{"by": "link", "now": NOW + dt.timedelta(hours=1), **kwargs})


def may(contact: Contact, channel: str = "email") -> bool:
    contact.refresh_from_db()
    kind = "phone" if channel == "sms" else "email"
    return load([contact.pk]).is_granted(contact, channel, "cart_reminder", kind)


def states() -> list[str]:
    return list(OptIn.objects.order_by("pk").values_list("state", flat=True))


class TestAsking:
    @pytest.mark.parametrize("country", ["DE", "AT", "CH", "FR", "", "BR"])
    def test_a_form_permits_nothing_where_a_confirmation_is_wanted(self, country):
        contact = make_contact(country=country, phone=PHONE)
        for channel in ("email", "sms"):
            opt_in = ask(contact, channel)
            assert opt_in is not None
            assert opt_in.state == OptInState.PENDING
            assert opt_in.expires_at == NOW + 14 * DAY
            assert not may(contact, channel)
        assert not ConsentRecord.objects.exists()
        assert set(Notice.objects.values_list("kind", "channel", "opt_in__channel")) == {
            ("opt_in", "email", "email"), ("opt_in", "sms", "sms"),
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("country", "channel"), [("GB", "email"), ("GB", "sms"), ("US", "email")]
    )
    def test_a_form_is_enough_where_the_market_says_so(self, country, channel):
        contact = make_contact(country=country, phone=PHONE)
        assert ask(contact, channel) is None
        assert may(contact, channel)
        assert ConsentRecord.objects.get().method == "single"
        assert not Notice.objects.exists()

    def test_an_sms_needs_a_confirmation_in_the_us(self):
        contact = make_contact(country="US", phone="+12065550123")
        assert ask(contact, "sms") is not None
        assert not may(contact, "sms")

    def test_a_blocked_address_is_asked_for_a_confirmation_where_a_form_is_enough(self):
        contact = make_contact(country="GB")
        suppress("email", "email", contact.email, reason=Why.COMPLAINT, source="test")
        assert ask(contact) is not None
        assert not ConsentRecord.objects.exists()

    def test_the_notice_is_announced_once_committed(self, django_capture_on_commit_callbacks):
        heard: list[list[int]] = []

        def listen(notice_ids: list[int], **kwargs: Any) -> None:
            heard.append(notice_ids)

        signals.notice_planned.connect(listen)
        try:
            with django_capture_on_commit_callbacks(execute=True):
                ask(make_contact())
                assert heard == []
        finally:
            signals.notice_planned.disconnect(listen)
        assert heard == [[Notice.objects.get().pk]]

    def test_someone_without_the_address_cannot_be_asked(self):
        with pytest.raises(InvalidAddressError):
            ask(make_contact(), "sms")
        assert not OptIn.objects.exists()

    def test_a_wording_of_another_channel_is_refused(self):
        with pytest.raises(ValueError, match="not for channel"):
            ask(make_contact(), wording=current("checkout-sms", "de"))

    def test_a_tombstone_is_followed_to_the_living_contact(self):
        winner, loser = make_contact(email=None, phone=PHONE), make_contact()
        merge(winner, loser)
        opt_in = ask(Contact.objects.get(pk=loser.pk))
        assert opt_in is not None
        assert opt_in.contact == winner


class TestThrottle:
    """PAINS: a form is a way to send mail to strangers."""

    def test_the_same_question_goes_out_once_a_day(self):
        contact = make_contact()
        first = ask(contact)
        assert ask(contact, now=NOW + DAY / 2) == first
        assert Notice.objects.count() == 1
        second = ask(contact, now=NOW + DAY)
        assert second != first
        assert states() == ["cancelled", "pending"]
        assert Notice.objects.count() == 2

    def test_another_text_takes_the_place_of_the_one_that_waits(self):
        contact = make_contact()
        first = ask(contact)
        wording = publish(
            "checkout-email",
            "de",
            channel="email",
            purposes=["cart_reminder", "promotion"],
            text="Mehr.",
        )
        second = ask(contact, wording=wording)
        assert states() == ["cancelled", "pending"]
        assert confirm(first) == []
        assert {r.purpose for r in confirm(second)} == {"cart_reminder", "promotion"}

    def test_an_address_is_asked_three_times_a_month_at_the_most(self):
        contact = make_contact()
        for n in range(6):
            ask(contact, now=NOW + n * 2 * DAY)
        assert OptIn.objects.count() == Notice.objects.count() == 3
        assert ask(contact, now=NOW + 5 * DAY) is None
        assert ask(contact, now=NOW + 35 * DAY) is not None

    def test_what_was_confirmed_does_not_count(self):
        contact = make_contact()
        for n in range(5):
            moment = NOW + n * DAY
            confirm(ask(contact, now=moment), now=moment)
            withdraw(contact, channel="email", source="test")
        assert OptIn.objects.count() == 5

    def test_each_address_has_its_own_count(self):
        for _ in range(5):
            assert ask(make_contact()) is not None


class TestConfirming:
    """PROVIDERS.md §3, BGH I ZR 164/09: both steps are documented, each with time and place."""

    def test_both_halves_are_proven(self):
        contact = make_contact()
        opt_in = ask(contact)
        requested, granted = confirm(
            opt_in, source_url="https://shop.example/recovery/c/", evidence=""
        )
        assert (requested.action, requested.recorded_at) == ("requested", NOW)
        assert (requested.source, requested.source_url) == (
            "checkout",
            "https://shop.example/kasse/",
        )
        assert (granted.action, granted.method) == ("granted", "double")
        assert (granted.source, granted.evidence) == ("double_opt_in", "link")
        assert granted.recorded_at == NOW + dt.timedelta(hours=1)
        assert granted.source_url == "https://shop.example/recovery/c/"
        assert requested.wording == granted.wording == current("checkout-email", "de")
        assert states() == ["confirmed"]
        assert may(contact)
        assert verify_chain(contact) == []

    def test_the_words_of_the_reply_are_kept(self):
        records = confirm(ask(make_contact(phone=PHONE), "sms"), by="reply", evidence="Ja!")
        assert records[-1].evidence == "reply: Ja!"
        assert OptIn.objects.get().confirmed_by == "reply"

    def test_a_second_confirmation_changes_nothing(self):
        opt_in = ask(make_contact())
        assert confirm(opt_in)
        assert confirm(opt_in) == []
        assert ConsentRecord.objects.count() == 2

    def test_a_mail_proves_nothing_for_the_phone(self):
        contact = make_contact(phone=PHONE)
        mail, _sms = ask(contact), ask(contact, "sms")
        confirm(mail)
        assert may(contact)
        assert not may(contact, "sms")
        assert [
            o.channel for o in opt_ins.pending_at("sms", address_digest("phone", PHONE), NOW)
        ] == ["sms"]

    @pytest.mark.parametrize("late", [dt.timedelta(0), DAY])
    def test_after_fourteen_days_it_is_too_late(self, late):
        contact = make_contact()
        opt_in = ask(contact)
        assert confirm(opt_in, now=NOW + 14 * DAY + late) == []
        assert opt_ins.pending_at("email", opt_in.address_digest, NOW + 14 * DAY + late) == []
        assert not ConsentRecord.objects.exists()

    def test_the_last_moment_counts(self):
        assert confirm(ask(make_contact()), now=NOW + 14 * DAY - dt.timedelta(seconds=1))

    def test_a_new_address_is_not_confirmed_by_the_old_ones_link(self):
        contact = make_contact()
        opt_in = ask(contact)
        Contact.objects.filter(pk=contact.pk).update(
            email="neu@example.de", email_key="neu@example.de"
        )
        assert confirm(opt_in) == []
        assert states() == ["pending"]

    def test_it_follows_the_person_through_a_merge(self):
        winner, loser = make_contact(email=None, phone=PHONE), make_contact()
        opt_in = ask(loser)
        merge(winner, loser)
        assert confirm(opt_in)
        assert may(winner)

    def test_the_basket_goes_out_once_the_address_is_confirmed(self):
        contact = make_contact()
        basket = make_basket(make_product())
        opt_in = ask(contact, basket_id=basket.pk)
        assert not Notice.objects.filter(kind=NoticeKind.SAVED_BASKET).exists()
        confirm(opt_in)
        confirm(opt_in)
        notice = Notice.objects.get(kind=NoticeKind.SAVED_BASKET)
        assert (notice.basket, notice.contact, notice.channel) == (basket, contact, "email")

    def test_the_basket_goes_out_at_once_where_all_is_permitted(self):
        contact = make_contact(country="GB")
        assert ask(contact, basket_id=make_basket(make_product()).pk) is None
        assert Notice.objects.get().kind == NoticeKind.SAVED_BASKET


class TestTheNoWins:
    """PAINS 9: an old link never brings a yes back."""

    @pytest.mark.parametrize(
        "say_no",
        [
            lambda c: withdraw(c, channel="email", source="unsubscribe"),
            lambda c: withdraw(
                c, channel="email", purposes=["cart_reminder"], source="unsubscribe"
            ),
            lambda c: withdraw_everywhere(c, source="unsubscribe"),
            lambda c: withdraw_by_address("email", "email", c.email, source="mailto"),
        ],
    )
    def test_a_no_ends_what_waits(self, say_no):
        contact = make_contact()
        opt_in = ask(contact)
        say_no(contact)
        assert states() == ["cancelled"]
        assert confirm(opt_in) == []
        assert not may(contact)

    def test_a_no_to_another_purpose_or_channel_leaves_it(self):
        contact = make_contact(phone=PHONE)
        ask(contact)
        withdraw(contact, channel="email", purposes=["review_request"], source="test")
        withdraw(contact, channel="sms", source="test")
        assert states() == ["pending"]

    def test_a_used_link_does_not_bring_the_yes_back_after_a_no(self):
        contact = make_contact()
        opt_in = ask(contact)
        confirm(opt_in)
        withdraw(contact, channel="email", source="unsubscribe")
        assert confirm(opt_in) == []
        assert not may(contact)

    def test_a_fresh_one_does(self):
        contact = make_contact()
        confirm(ask(contact))
        withdraw(contact, channel="email", source="unsubscribe")
        again = timezone.now() + DAY
        confirm(ask(contact, now=again), now=again)
        assert may(contact)


class TestLifting:
    @pytest.mark.parametrize(
        ("reason", "by", "lifted"),
        [
            *[(reason, "link", True) for reason in (
                Why.STOP_REPLY, Why.UNSUBSCRIBED, Why.STAFF, Why.COMPLAINT, Why.HARD_BOUNCE, Why.ERASED)],
            (Why.CARRIER_BLOCK, "link", False), (Why.CARRIER_BLOCK, "reply", True),
            (Why.INVALID_ADDRESS, "link", False), (Why.INVALID_ADDRESS, "reply", False),
        ],
    )  # fmt: skip
    def test_a_confirmation_lifts_what_the_person_may_undo(self, reason, by, lifted):
        contact = make_contact(phone=PHONE)
        suppress("sms", "phone", PHONE, reason=reason, source="test")
        confirm(ask(contact, "sms", now=timezone.now()), by=by, now=timezone.now())
        assert Suppression.objects.exists() is not lifted
        changes = SuppressionChange.objects.order_by("pk").values_list("change", "reason", "source")
        expected = [("added", reason, "test")]
        if lifted:
            expected.append(("lifted", reason, f"double_opt_in_{by}"))
        assert list(changes) == expected

    def test_what_staff_blocked_after_the_question_stays_blocked(self):
        contact = make_contact()
        opt_in = ask(contact, now=timezone.now())
        suppress("email", "email", contact.email, reason=Why.STAFF, source="admin")
        confirm(opt_in, now=timezone.now())
        assert Suppression.objects.exists()

    def test_the_block_of_another_channel_stays(self):
        contact = make_contact(phone=PHONE)
        suppress("whatsapp", "phone", PHONE, reason=Why.STOP_REPLY, source="test")
        confirm(ask(contact, "sms"))
        assert Suppression.objects.get().channel == "whatsapp"

    def test_asking_lifts_nothing(self):
        contact = make_contact()
        suppress("email", "email", contact.email, reason=Why.COMPLAINT, source="test")
        ask(contact)
        assert Suppression.objects.exists()


class TestTokens:
    """Promise 6: unguessable, hashed at rest."""

    def test_a_token_finds_its_opt_in_and_is_not_kept(self):
        opt_in = ask(make_contact())
        token = opt_ins.issue_tokens([opt_in.pk])[opt_in.pk]
        assert opt_ins.find(token) == opt_ins.find(f"{token}).") == opt_in
        assert len(token) == 22
        assert token not in repr(OptIn.objects.values().get())

    @pytest.mark.parametrize("token", ["", "x", "../../etc", "A" * 22, "A" * 5000, "ä" * 22])
    def test_any_other_text_finds_nothing(self, token):
        ask(make_contact())
        assert opt_ins.find(token) is None

    def test_a_new_token_takes_the_old_ones_place(self):
        opt_in = ask(make_contact())
        old = opt_ins.issue_tokens([opt_in.pk])[opt_in.pk]
        assert opt_ins.find(opt_ins.issue_tokens([opt_in.pk])[opt_in.pk]) == opt_in
        assert opt_ins.find(old) is None

    def test_what_is_settled_gets_none(self):
        opt_in = ask(make_contact())
        confirm(opt_in)
        assert opt_ins.issue_tokens([opt_in.pk]) == {}

    @pytest.mark.parametrize("count", [1, 30])
    def test_many_cost_as_much_as_one(self, count, django_assert_num_queries):
        ids = [ask(make_contact()).pk for _ in range(count)]
        with django_assert_num_queries(2):
            assert len(opt_ins.issue_tokens(ids)) == count


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    @staticmethod
    def run(*functions: Any) -> None:
        barrier = threading.Barrier(len(functions))
        failures: list[BaseException] = []

        def work(function: Any) -> None:
            try:
                barrier.wait()
                function()
            except BaseException as error:
                failures.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=(f,)) for f in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []

    def test_one_of_many_clicks_confirms(self):
        contact = make_contact()
        opt_in = ask(contact)
        self.run(*[lambda: confirm(OptIn.objects.get(pk=opt_in.pk))] * 8)
        assert ConsentRecord.objects.count() == 2
        assert verify_chain(contact) == []

    def test_a_no_at_the_same_moment_ends_as_a_no(self):
        for n in range(3):
            contact = make_contact(phone=f"{PHONE[:-1]}{n}")
            opt_in = ask(contact)
            sms = ask(contact, "sms")
            self.run(
                lambda opt_in=opt_in: opt_ins.confirm(opt_in, by="link"),
                lambda sms=sms: opt_ins.confirm(sms, by="reply"),
                lambda contact=contact: withdraw_everywhere(contact, source="unsubscribe"),
            )
            assert not may(contact)
            assert not may(contact, "sms")
            assert verify_chain(contact) == []

    def test_one_question_goes_out_when_a_form_is_sent_many_times(self):
        contact = make_contact()
        self.run(*[lambda: ask(contact)] * 8)
        assert OptIn.objects.count() == Notice.objects.count() == 1
        assert not ConsentState.objects.exists()
