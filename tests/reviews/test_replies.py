"""Rating by SMS: which answers are one, whose they are, and how the app answers."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone, translation

from cart_recovery import models
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.channels.registry import get_channel
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.inbound.ratings import read_rating
from cart_recovery.inbound.replies import take_texts
from cart_recovery.provider_events import InboundText
from tests import factories
from tests.incentives.test_granting import make_incentive
from tests.reviews import kit

NUMBER = "+4915112345678"
SCHOOL = (1, 2, 3, 4, 5, 6)


@pytest.mark.parametrize(
    ("text", "score", "comment"),
    [
        ("2", 2, ""), ("2.", 2, ""), ("Note 2", 2, ""), (" 2 !", 2, ""), ("zwei", 2, ""),
        ("two", 2, ""), ("Fünf", 5, ""), ("2 danke, alles super", 2, "danke, alles super"),
        ("2️⃣", 2, ""), ("２", 2, ""), ("2+", 2, ""), ("2-", 2, ""), ("Note: 2", 2, ""),
        ("ich gebe eine 2", 2, ""), ("2 👍", 2, "👍"), ("(2)", 2, ""),
        ("2\nKam zu spät", 2, "Kam zu spät"), ("4, aber 3 Tage gewartet", 4, "aber 3 Tage gewartet"),
        ("6 schlecht", 6, "schlecht"), ("Die Note ist 3", 3, ""), ("2. Alles gut", 2, "Alles gut"),
        ("2 danke war super", 2, "danke war super"), ("1 sehr gut", 1, "sehr gut"),
        ("6 alles kaputt", 6, "alles kaputt"), ("6, kaputt", 6, "kaputt"), ("(1) gut", 1, "gut"),
        ("2 danke, nach 3 Tagen da", 2, "danke, nach 3 Tagen da"), ("2 :)", 2, ""),
        ("ich  gebe   eine\t 2", 2, ""), ("2 \n \n Danke", 2, "Danke"),
    ],
)  # fmt: skip
def test_rating_is_understood(text: str, score: int, comment: str) -> None:
    found = read_rating(text, SCHOOL)
    assert found is not None
    assert (found.score, found.comment) == (score, comment)


@pytest.mark.parametrize(
    "text",
    ["10", "2 3", "ich habe 2 Pakete", "2 Pakete", "2 Pakete fehlen", "2,5", "2.11.", "1-2", "0",
     "7", "2 oder 3", "2/6", "22", "2x", "2%", "2€", "2 Uhr", "2. Paket fehlt", "zweiter", "1 1/2",
     "", "Hallo", "2 - 3", "2, 3", "Note", "3 Tage gewartet", "2 days late", "-2", "2 4 danke",
     "Bestellung 2", "5 Sterne", "?",
     # what is counted, and what is wrong with it
     "1 ist kaputt", "2 waren kaputt", "2 der Tassen waren kaputt", "one was broken",
     "1 nicht angekommen", "1 leider defekt", "2 not working", "1 not received", "1 bitte umtauschen",
     "1 passt nicht", "2 mit Kratzern", "1 da, 2 fehlt", "2 gut, 1 kaputt", "2 viel zu klein",
     "1 alles kaputt", "2 schnell kaputt", "2, fehlen noch", "1: fehlt", "2 und 3 fehlen",
     "2, 3 und 5 fehlen", "1, 2 oder 3?", "1 - 2 Tage zu spät geliefert", "2 €", "2 € zu viel",
     # points of a list, and questions
     "1) Falsche Farbe 2) Kaputt", "1) Falsche Farbe", "1. Kam zu spät. 2. Karton kaputt",
     "1. Alles zu spät. 2. Karton kaputt", "2? Was soll das", "2?"],
)  # fmt: skip
def test_whatever_may_be_anything_else_is_no_rating(text: str) -> None:
    assert read_rating(text, SCHOOL) is None


@pytest.mark.parametrize(
    ("text", "is_one"), [("5", True), ("0", True), ("10", True), ("11", False)]
)
def test_scale_decides_which_numbers_count(text: str, is_one: bool) -> None:
    assert (read_rating(text, range(10, -1, -1)) is not None) is is_one


@pytest.mark.parametrize(
    ("text", "comment"),
    [
        ("2 Sterne", ""),
        ("2 stars", ""),
        ("2 Sterne, langsam", "langsam"),
        ("2*", ""),
        ("2 ⭐⭐", ""),
    ],
)
def test_stars_count_where_many_are_good(text: str, comment: str) -> None:
    found = read_rating(text, (5, 4, 3, 2, 1))
    assert found is not None
    assert (found.score, found.comment) == (2, comment)
    assert read_rating("2 Sterne fehlen", (5, 4, 3, 2, 1)) is None
    assert read_rating(text, SCHOOL) is None


def asked(*, sent: dt.timedelta = dt.timedelta(hours=1), contact: Any = None, **kwargs: Any) -> Any:
    """The order that a person was asked about by SMS."""
    order = kit.make_order()
    contact = contact or models.Contact.objects.filter(phone=NUMBER).first()
    contact = contact or factories.make_contact(order.guest_email, phone=NUMBER)
    followup = kit.make_request(order, channel="sms", contact=contact, **kwargs)
    kit.make_link(order, followup=followup)
    at = timezone.now() - sent
    models.Message.objects.create(
        followup=followup, contact=contact, channel="sms", language="de", to_address=NUMBER,
        state=models.MessageState.SENT, sending_at=at, sent_at=at, created_at=at,
    )  # fmt: skip
    return order


def say(text: str) -> models.Reply:
    key = f"SM{next(factories.counter)}"
    take_texts([InboundText("sms", NUMBER, "+491", text, key, "")], get_channel("sms"))
    return models.Reply.objects.get(provider_message_id=key)


def sent() -> list[str]:
    deliver_due()
    return [message.text for message in LocmemChannel.outbox]


@pytest.mark.django_db
class TestReply:
    def test_is_recorded_for_the_order_and_thanked(self) -> None:
        order = asked()
        assert say("2 danke, alles super").keyword == "RATING"
        rating = models.ServiceRating.objects.get()
        assert (rating.order, rating.score, rating.source) == (order, 2, "sms")
        assert rating.comment == "danke, alles super"
        assert models.ReviewLink.objects.get().answered_at is not None
        assert not models.StaffTask.objects.exists()
        (text,) = sent()
        assert "2" in text
        assert models.Notice.objects.get().kind == "rating_thanks"

    def test_low_one_opens_a_task_and_says_so(self) -> None:
        order = asked()
        say("5")
        task = models.StaffTask.objects.get()
        assert (task.kind, task.order, task.closed_at) == ("low_rating", order, None)
        (text,) = sent()
        assert text.count(".") >= 2

    def test_brings_the_voucher_whatever_the_score(self) -> None:
        for score in ("1", "6"):
            LocmemChannel.reset()
            models.Notice.objects.all().delete()
            asked(thanks=make_incentive(valid_for=dt.timedelta(days=30)))
            say(score)
            (text,) = sent()
            assert models.VoucherGrant.objects.latest("pk").code in text
        assert models.VoucherGrant.objects.count() == 2

    def test_second_one_changes_it_within_a_day_and_is_thanked_once(self) -> None:
        asked()
        say("5")
        say("2")
        rating, task = models.ServiceRating.objects.get(), models.StaffTask.objects.get()
        assert (rating.score, task.closed_at is not None) == (2, True)
        assert models.Notice.objects.count() == 1
        models.ServiceRating.objects.update(rated_at=timezone.now() - dt.timedelta(days=2))
        assert say("6").keyword == "RATING"
        rating.refresh_from_db()
        assert rating.score == 2

    def test_answers_the_latest_request(self) -> None:
        asked(sent=dt.timedelta(days=3))
        latest = asked()
        say("3")
        assert models.ServiceRating.objects.get().order == latest

    def settle(self) -> None:
        models.ServiceRating.objects.update(rated_at=timezone.now() - dt.timedelta(days=3))

    def test_late_complaint_stays_to_be_read_and_opens_a_task(self) -> None:
        order = asked()
        say("1")
        self.settle()
        answer = say("6, nach drei Tagen ist alles kaputt, rufen Sie mich an")
        assert (answer.keyword, models.ServiceRating.objects.get().score) == ("", 1)
        task = models.StaffTask.objects.get()
        assert (task.order, task.closed_at, task.note[-1]) == (order, None, "6")
        assert models.Notice.objects.count() == 1

    def test_late_praise_stays_to_be_read(self) -> None:
        asked()
        say("2")
        self.settle()
        assert say("1, inzwischen sogar sehr gut").keyword == ""
        assert not models.StaffTask.objects.exists()
        assert say("2").keyword == "RATING"

    def test_late_low_number_alone_opens_a_task_anew(self) -> None:
        asked()
        say("5")
        self.settle()
        models.StaffTask.objects.update(closed_at=timezone.now(), note="angerufen")
        assert say("6").keyword == "RATING"
        task = models.StaffTask.objects.get()
        assert (task.closed_at, task.note.startswith("angerufen\n")) == (None, True)

    def test_answers_rather_an_order_that_can_still_be_rated(self) -> None:
        first = asked(sent=dt.timedelta(days=5))
        second = asked(sent=dt.timedelta(days=4))
        say("1")
        assert models.ServiceRating.objects.get().order == second
        self.settle()
        say("6")
        assert models.ServiceRating.objects.get(order=first).score == 6

    def test_note_for_staff_is_in_the_shop_s_language(self) -> None:
        asked()
        with translation.override("en"):
            say("6")
            say("1")
        assert models.StaffTask.objects.get().note == "Der Kunde hat die Bewertung geändert."

    def test_that_comes_too_late_is_a_text_like_any_other(self) -> None:
        asked(sent=dt.timedelta(days=31))
        assert say("2").keyword == ""
        assert not models.ServiceRating.objects.exists()

    def test_of_nobody_who_was_asked(self) -> None:
        factories.make_contact(phone=NUMBER)
        assert say("2").keyword == ""
        assert not models.ServiceRating.objects.exists()

    def test_stop_goes_first(self) -> None:
        asked()
        assert say("6 STOP").keyword == "STOP"
        assert not models.ServiceRating.objects.exists()

    def test_after_stop_is_recorded_and_not_answered(self) -> None:
        asked()
        say("STOP")
        deliver_due()
        LocmemChannel.reset()
        assert say("6").keyword == "RATING"
        assert sent() == []
        assert models.StaffTask.objects.count() == 1
        assert models.Notice.objects.get(kind="rating_thanks").reason == "suppressed"

    def test_that_is_delivered_twice_counts_once(self) -> None:
        asked()
        text = InboundText("sms", NUMBER, "+491", "2", "SM-twice", "")
        assert take_texts([text], get_channel("sms")) == 1
        assert take_texts([text], get_channel("sms")) == 0
        assert models.Notice.objects.count() == 1
