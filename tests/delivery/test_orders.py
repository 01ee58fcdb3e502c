"""What is said about orders, from the shop's change to the provider's door."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from oscar.core.loading import get_model

from cart_recovery import models
from cart_recovery.campaigns.defaults import install_defaults
from cart_recovery.campaigns.editing import StepDraft, VariantDraft, write_steps
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.consent import withdrawals
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.incentives.thanking import thank
from cart_recovery.models import (
    Campaign,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    Incentive,
    IncentiveKind,
    Message,
    MessageState,
    Purpose,
    Reason,
    StaffTask,
    Trigger,
)
from cart_recovery.stories import scopes
from cart_recovery.stories.telling import tell
from cart_recovery.stories.verdicts import prospect_text
from tests.delivery.test_pipeline import happens_after_the_outbox
from tests.factories import make_consent, make_contact, make_product, make_user
from tests.orders.kit import (
    enrolments,
    look,
    make_address,
    make_order,
    pay_by,
    refund,
    set_status,
    ship,
)
from tests.rendering.test_mail import soup
from tests.reviews.kit import fields

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = "+4915123456789"
LATER = dt.timedelta(days=30)


def switch_on(*triggers: str, **fields: Any) -> None:
    install_defaults()
    for campaign in Campaign.objects.filter(trigger__in=triggers):
        campaign.is_active = True
        campaign.save()
        Campaign.objects.filter(pk=campaign.pk).update(
            activated_at=timezone.now() - dt.timedelta(days=400), **fields
        )


def deliver(*, after: dt.timedelta = dt.timedelta(hours=1)) -> list[Any]:
    """What is planned comes due so much later; gives what went out by then."""
    LocmemChannel.outbox.clear()
    FollowUp.objects.filter(state=FollowUpState.PLANNED).update(
        planned_for=timezone.now() - dt.timedelta(minutes=1),
        due_at=timezone.now() - dt.timedelta(minutes=1),
    )
    deliver_due()
    return list(LocmemChannel.outbox)


def reasons(order: Any) -> list[tuple[str, str]]:
    rows = FollowUp.objects.filter(enrolment__order__order=order).order_by("pk")
    return list(rows.values_list("state", "reason"))


class TestNews:
    def test_shipped_by_text_with_the_way_of_the_parcel(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order(make_product("Kaffeemühle"), phone=PHONE)
        ship(order, {order.lines.get(): 1}, notes="DHL https://dhl.example/track/00340.")
        look()
        (sent,) = deliver()
        assert sent.to == PHONE
        assert order.number in sent.text
        assert "https://dhl.example/track/00340" in sent.text
        message = Message.objects.get()
        assert message.sms_parts <= 2
        assert enrolments(order)[0].state == EnrolmentState.COMPLETED

    def test_a_parcel_has_its_own_way_or_none(self) -> None:
        switch_on(Trigger.ORDER_PARTLY_SHIPPED, Trigger.ORDER_SHIPPED)
        order = make_order(make_product("Mühle"), make_product("Kanne"), quantity=2)
        mill, pot = order.lines.order_by("pk")
        told = []
        for pieces, notes in (
            ({mill: 1}, "https://dhl.example/1"),
            ({mill: 1}, "liegt bei der Nachbarin"),
            ({pot: 2}, "https://dhl.example/3"),
        ):
            ship(order, pieces, notes=notes)
            look()
            (sent,) = deliver()
            told.append(re.findall(r"https://dhl\.example/\d", sent.text))
        assert told == [["https://dhl.example/1"], [], ["https://dhl.example/3"]]

    @pytest.mark.parametrize("phone", [PHONE, ""])
    def test_two_parcels_in_one_message_have_a_link_each(self, phone: str) -> None:
        switch_on(Trigger.ORDER_PARTLY_SHIPPED, Trigger.ORDER_SHIPPED)
        order = make_order(make_product("Mühle"), make_product("Kanne"), phone=phone)
        for number, line in enumerate(order.lines.order_by("pk"), 1):
            ship(order, {line: 1}, notes=f"https://dhl.example/{number}")
        look()
        (sent,) = deliver()
        found = re.findall(r"https://dhl\.example/\d", sent.text)
        assert found == ["https://dhl.example/1", "https://dhl.example/2"]
        if not phone:
            assert all(f'href="{url}"' in sent.html for url in found)

    def test_the_label_knows_the_way_before_the_parcel_leaves(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order()
        line = order.lines.get()
        ship(order, {line: 1}, name="Label printed", notes="https://dhl.example/1")
        ship(order, {line: 1})
        look()
        (sent,) = deliver()
        assert "https://dhl.example/1" in sent.text

    def test_the_rest_does_not_follow_the_first_parcel(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order(make_product(), make_product())
        ship(order, {order.lines.first(): 1}, notes="https://dhl.example/1")
        look()
        set_status(order, "Shipped")
        look()
        (sent,) = deliver()
        assert "dhl.example" not in sent.text

    def test_by_mail_where_there_is_no_number(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order(make_product("Kaffeemühle"), email="erika@example.de")
        set_status(order, "Shipped")
        look()
        (sent,) = deliver()
        assert sent.to == "erika@example.de"
        assert "Kaffeemühle" in sent.html
        assert "Warenkorb" not in sent.html

    def test_a_part_of_which_nobody_knows_what_it_is(self) -> None:
        switch_on(Trigger.ORDER_PARTLY_SHIPPED)
        vague = make_order(make_product("Kaffeemühle"), email="erika@example.de")
        set_status(vague, "Teilweise versandt")
        look()
        (sent,) = deliver()
        assert vague.number in sent.subject
        assert "Zu Ihrer Bestellung gehören" in sent.html
        assert "Kaffeemühle" in sent.html
        assert "Das kommt noch" not in sent.html + sent.text
        assert "Auf dem Weg zu Ihnen" not in sent.html + sent.text

    def test_what_went_on_meanwhile_is_not_called_a_part(self) -> None:
        switch_on(Trigger.ORDER_PARTLY_SHIPPED)
        order = make_order(email="erika@example.de")
        set_status(order, "Teilweise versandt")
        look()
        type(order).objects.filter(pk=order.pk).update(status="Shipped")
        assert deliver() == []
        assert reasons(order) == [(FollowUpState.SKIPPED, Reason.OVERTAKEN)]

    def test_who_holds_the_parcel_is_not_told_that_it_has_left(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order(email="erika@example.de")
        set_status(order, "Shipped")
        look()
        type(order).objects.filter(pk=order.pk).update(status="Delivered")
        assert deliver() == []
        assert reasons(order) == [(FollowUpState.SKIPPED, Reason.OVERTAKEN)]

    def test_no_consent_is_needed_and_a_no_is_obeyed(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        contact = make_contact("erika@example.de", phone=PHONE)
        withdrawals.withdraw(contact, channel="sms", purposes=[Purpose.ORDER_STATUS], source="test")
        order = make_order(email="erika@example.de", phone=PHONE)
        set_status(order, "Shipped")
        look()
        (sent,) = deliver()
        assert sent.to == "erika@example.de", "not by text"

    def test_nothing_in_it_advertises(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        incentive = Incentive.objects.create(
            name="x", kind=IncentiveKind.PERCENTAGE, value=10, valid_for=LATER
        )
        models.Step.objects.filter(campaign__trigger=Trigger.ORDER_SHIPPED).update(
            incentive=incentive
        )
        models.MessageTemplate.objects.filter(code="order-shipped").update(
            html="<p>{{ order_number }}</p>{% if voucher %}{{ voucher.code }} Rabatt{% endif %}"
            "{% recommendations %}"
        )
        make_product("Verlockung")
        order = make_order(make_product("Kaffeemühle"))
        set_status(order, "Shipped")
        look()
        (sent,) = deliver()
        assert "Rabatt" not in sent.html
        assert "Verlockung" not in sent.html
        assert not models.VoucherGrant.objects.exists()

    def test_suggestions_where_the_law_lets_them(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        models.MessageTemplate.objects.filter(code="order-shipped").update(
            html="<p>{{ order_number }}</p>{% recommendations %}"
        )
        mill, beans = make_product("Kaffeemühle"), make_product("Kaffeebohnen")
        mill.primary_recommendations.create(recommendation=beans)
        seen = {}
        for country in ("DE", "US"):
            order = make_order(mill, country=country)
            set_status(order, "Shipped")
            look()
            (sent,) = deliver()
            seen[country] = "Kaffeebohnen" in sent.html
        assert seen == {"DE": False, "US": True}

    def test_set_back_after_the_claim_is_seen_at_the_last_look(self, monkeypatch: Any) -> None:
        from cart_recovery.delivery import outbox

        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order()
        set_status(order, "Shipped")
        look()
        open_calls = outbox.open_calls

        def change_meanwhile(*args: Any, **kwargs: Any) -> Any:
            held = open_calls(*args, **kwargs)
            type(order).objects.filter(pk=order.pk).update(status="Pending")
            return held

        monkeypatch.setattr(outbox, "open_calls", change_meanwhile)
        assert deliver() == []
        assert Message.objects.get().reason == Reason.SET_BACK

    def test_told_again_after_it_was_set_back_unsent(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order()
        set_status(order, "Shipped")
        look()
        set_status(order, "Pending")
        look()
        assert deliver() == []
        set_status(order, "Shipped")
        look()
        assert len(deliver()) == 1
        set_status(order, "Pending")
        look()
        set_status(order, "Shipped")
        look()
        assert deliver() == []

    def test_a_part_says_what_is_still_to_come(self) -> None:
        switch_on(Trigger.ORDER_PARTLY_SHIPPED, Trigger.ORDER_SHIPPED)
        order = make_order(make_product("Kaffeemühle"), make_product("Teekanne"))
        first, second = order.lines.order_by("pk")
        ship(order, {first: 1})
        look()
        (sent,) = deliver()
        assert "Kaffeemühle" in sent.text
        assert "Teekanne" in sent.text
        ship(order, {second: 1})
        look()
        (sent,) = deliver()
        assert "Teekanne" in sent.text
        assert "Kaffeemühle" not in sent.text

    @pytest.mark.parametrize("phone", [PHONE, ""])
    @pytest.mark.parametrize(
        ("trigger", "name"),
        [(Trigger.ORDER_DELIVERED, "Delivered"), (Trigger.ORDER_DELAYED, "Delayed")],
    )
    @pytest.mark.parametrize("language", ["de", "en"])
    def test_news_of_a_part_are_not_of_the_order(
        self, trigger: str, name: str, language: str, phone: str
    ) -> None:
        switch_on(trigger)
        order = make_order(make_product("Kanne"), make_product("Tasse"), phone=phone)
        models.TrackedOrder.objects.update(language=language)
        part = "ein teil ihrer bestellung" if language == "de" else "part of your order"
        told = []
        for line in order.lines.order_by("pk"):
            ship(order, {line: 1}, name=name)
            look()
            (sent,) = deliver()
            said = [sent.text] if phone else [sent.subject, sent.text, soup(sent.html).text]
            told.append([f"{part} {order.number}".lower() in text.lower() for text in said])
        assert told == [[True] * len(told[0]), [False] * len(told[0])]

    def test_some_pieces_of_a_line_are_a_part(self) -> None:
        switch_on(Trigger.ORDER_DELIVERED)
        order = make_order(make_product("Tasse"), quantity=2, phone=PHONE)
        ship(order, {order.lines.get(): 1}, name="Delivered")
        look()
        (sent,) = deliver()
        assert f"Ein Teil Ihrer Bestellung {order.number} wurde zugestellt" in sent.text

    def test_what_was_cancelled_is_no_rest(self) -> None:
        switch_on(Trigger.ORDER_DELIVERED)
        order = make_order(make_product("Kanne"), make_product("Tasse"), phone=PHONE)
        first, second = order.lines.order_by("pk")
        type(second).objects.filter(pk=second.pk).update(status="Cancelled")
        ship(order, {first: 1}, name="Delivered")
        look()
        (sent,) = deliver()
        assert f"Ihre Bestellung {order.number} wurde zugestellt" in sent.text

    @pytest.mark.parametrize("phone", [PHONE, ""])
    def test_no_rest_is_promised_that_was_cancelled_meanwhile(self, phone: str) -> None:
        switch_on(Trigger.ORDER_PARTLY_SHIPPED, Trigger.ORDER_SHIPPED)
        order = make_order(make_product("Kanne"), make_product("Tasse"), phone=phone)
        first, second = order.lines.order_by("pk")
        ship(order, {first: 1})
        look()
        type(second).objects.filter(pk=second.pk).update(status="Cancelled")
        (sent,) = deliver()
        assert f"Ihr Paket zur Bestellung {order.number} ist unterwegs" in sent.subject + sent.text
        for word in ("Rest", "Teil", "in mehreren Paketen", "Das kommt noch", "Tasse"):
            assert word not in sent.subject + sent.text + (sent.html and soup(sent.html).text)
        assert phone or "Kanne" in sent.text

    def test_no_rest_is_promised_that_leaves_at_the_same_time(self) -> None:
        switch_on(Trigger.ORDER_PARTLY_SHIPPED, Trigger.ORDER_SHIPPED)
        order = make_order(make_product("Kanne"), make_product("Tasse"), phone=PHONE)
        for line in order.lines.order_by("pk"):
            ship(order, {line: 1})
            look()
        assert not any("Rest" in sent.text for sent in deliver())

    def test_a_refund_names_the_amount(self) -> None:
        switch_on(Trigger.ORDER_REFUNDED)
        order = make_order()
        refund(order, "12.50")
        look()
        (sent,) = deliver()
        assert "12,50" in sent.html

    def test_each_refund_names_its_own_amount(self) -> None:
        switch_on(Trigger.ORDER_REFUNDED)
        order = make_order(make_product("Kanne"), make_product("Tasse"))
        told = []
        for amount in ("5.00", "7.50"):
            refund(order, amount)
            look()
            (sent,) = deliver()
            told.append(
                [part for part in ("5,00", "7,50", "12,50") if part in sent.subject + sent.html]
            )
        assert told == [["5,00"], ["7,50"]]

    def test_two_refunds_that_leave_together_name_their_own_amounts(self) -> None:
        switch_on(Trigger.ORDER_REFUNDED)
        order = make_order(make_product("Kanne"), make_product("Tasse"))
        for amount in ("5.00", "7.50"):
            refund(order, amount)
            look()
        sent = deliver()
        assert sorted(("5,00" in s.html, "7,50" in s.html) for s in sent) == [
            (False, True), (True, False),
        ]  # fmt: skip

    def test_a_refund_that_was_told_by_status_names_the_amount_once_it_is_known(self) -> None:
        switch_on(Trigger.ORDER_REFUNDED)
        order = make_order()
        set_status(order, "Refunded")
        look()
        refund(order, "12.50")
        look()
        (sent,) = deliver()
        assert "12,50" in sent.html

    def test_a_refund_that_was_taken_back_unseen_is_not_told(self) -> None:
        switch_on(Trigger.ORDER_REFUNDED)
        order = make_order()
        set_status(order, "Refunded")
        look()
        type(order).objects.filter(pk=order.pk).update(status="Delivered")
        assert deliver() == []
        assert reasons(order) == [(FollowUpState.SKIPPED, Reason.SET_BACK)]

    def test_one_person_with_many_orders_gets_no_burst(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        orders = [make_order(email="viel@example.de", phone=PHONE) for _ in range(9)]
        for order in orders:
            set_status(order, "Shipped")
        look()
        assert len(deliver()) == 4
        waiting = FollowUp.objects.filter(state=FollowUpState.PLANNED, reason=Reason.CAPPED)
        assert waiting.count() == 5

    def test_language_of_the_order(self, settings: Any) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order(make_product("Kaffeemühle"))
        models.TrackedOrder.objects.update(language="en")
        set_status(order, "Shipped")
        look()
        (sent,) = deliver()
        assert sent.language == "en"
        assert "shipped" in sent.text.lower() or "on its way" in sent.text.lower()

    @pytest.mark.parametrize("path", ["tests.delivery.test_orders.fail", "no.such.function"])
    def test_a_function_of_the_shop_that_fails_costs_the_link_alone(
        self, settings: Any, path: str
    ) -> None:
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "TRACKING_URL": path}
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order(make_product("Kaffeemühle"))
        set_status(order, "Shipped")
        look()
        assert len(deliver()) == 1

    @pytest.mark.parametrize("phone", [PHONE, ""])
    @pytest.mark.parametrize(
        ("said", "url"),
        [
            ("/parcels/1/", "https://shop.example/parcels/1/"),
            ("noch keines", ""),
            ("https://)", ""),
        ],
    )
    def test_what_a_function_of_the_shop_gives_costs_the_link_at_most(
        self, settings: Any, monkeypatch: Any, phone: str, said: str, url: str
    ) -> None:
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY,
            "TRACKING_URL": "tests.delivery.test_orders.fail",
        }
        monkeypatch.setattr("tests.delivery.test_orders.fail", lambda _order_id: said)
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order(make_product("Kaffeemühle"), phone=phone)
        set_status(order, "Shipped")
        look()
        (sent,) = deliver()
        assert ("Sendung verfolgen" in sent.text) is bool(url)
        assert url in sent.text

    def test_notes_that_hold_no_address_cost_the_link_alone(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order()
        ship(order, {order.lines.get(): 1}, notes="https://)")
        look()
        (sent,) = deliver()
        assert "Sendung verfolgen" not in sent.text


class TestReviews:
    def asked(self, *products: Any, **kwargs: Any) -> Any:
        switch_on(Trigger.REVIEW_REQUEST)
        contact = make_consent(make_contact("erika@example.de"), purpose=Purpose.REVIEW_REQUEST)
        order = make_order(*products, email="erika@example.de", **kwargs)
        set_status(order, "Delivered")
        look()
        assert contact.enrolments.count() == 1
        return order

    def test_asks_with_a_link_and_with_grades(self) -> None:
        order = self.asked(make_product("Kaffeemühle"))
        (sent,) = deliver()
        link = models.ReviewLink.objects.get()
        assert [str(key) for key in link.line_ids] == [str(order.lines.get().pk)]
        assert "/review/" in sent.html
        assert "score=1" in sent.html
        assert "Kaffeemühle" in sent.html
        assert "List-Unsubscribe" in sent.headers

    @pytest.mark.parametrize(
        ("scale", "words"),
        [
            ({"best": 1, "worst": 6}, "Note von 1 (sehr gut) bis 6 oder"),
            ({"best": 5, "worst": 1}, "Note von 5 (sehr gut) bis 1 oder"),
            ({"best": 10, "worst": 0}, "Note von 10 (sehr gut) bis 0 oder"),
        ],
    )
    def test_a_text_asks_for_a_grade_of_the_shops_own_scale(
        self, settings: Any, scale: dict[str, int], words: str
    ) -> None:
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "RATING_SCALE": scale}
        switch_on(Trigger.REVIEW_REQUEST)
        contact = make_contact("erika@example.de", phone=PHONE)
        make_consent(contact, "sms", purpose=Purpose.REVIEW_REQUEST)
        order = make_order(email="erika@example.de", phone=PHONE)
        set_status(order, "Delivered")
        look()
        (sent,) = deliver()
        assert words in sent.text

    def test_only_with_consent_for_review_requests(self) -> None:
        switch_on(Trigger.REVIEW_REQUEST)
        make_consent(make_contact("erika@example.de"), purpose=Purpose.CART_REMINDER)
        order = make_order(email="erika@example.de")
        set_status(order, "Delivered")
        look()
        assert deliver() == []
        assert reasons(order)[0] == (FollowUpState.SKIPPED, Reason.NO_CONSENT)

    def test_reminds_once_and_not_of_what_was_reviewed(self) -> None:
        order = self.asked(make_product("Kaffeemühle"), make_product("Teekanne"))
        deliver()
        line = order.lines.first()
        write_review(line)
        (sent,) = deliver()
        assert "Teekanne" in sent.html
        assert "Kaffeemühle" not in sent.html
        assert deliver() == []

    def test_stops_when_all_is_reviewed(self) -> None:
        order = self.asked(make_product("Kaffeemühle"))
        deliver()
        write_review(order.lines.get())
        assert deliver() == []
        assert reasons(order)[-1][1] == Reason.REVIEWED

    def test_not_of_what_is_no_longer_in_the_shop(self) -> None:
        order = self.asked(
            make_product("Kaffeemühle"), make_product("Teekanne"), make_product("Sieb")
        )
        show(order, "Kaffeemühle", is_public=False)
        order.lines.get(title="Sieb").product.delete()
        (sent,) = deliver()
        assert "Teekanne" in sent.html
        assert "Kaffeemühle" not in sent.html
        assert "Sieb" not in sent.html

    def test_waits_for_the_next_step_while_all_of_it_is_gone(self) -> None:
        order = self.asked(make_product("Kaffeemühle"))
        show(order, "Kaffeemühle", is_public=False)
        assert deliver() == []
        assert reasons(order)[0] == (FollowUpState.SKIPPED, Reason.GOODS_GONE)
        show(order, "Kaffeemühle", is_public=True)
        (sent,) = deliver()
        assert "Kaffeemühle" in sent.html

    def test_not_after_a_complaint(self) -> None:
        order = self.asked()
        StaffTask.objects.create(
            kind=models.StaffTaskKind.LOW_RATING, order=order, opened_at=timezone.now()
        )
        assert deliver() == []
        assert reasons(order) == [(FollowUpState.SKIPPED, Reason.COMPLAINT)]

    @pytest.mark.parametrize("way", ["refund", "return", "cancel"])
    def test_not_for_what_came_back(self, way: str) -> None:
        """PAINS 32, also where no sweep has looked since."""
        order = self.asked()
        line = order.lines.get()
        if way == "refund":
            refund(order, "20.00", {line: 1})
        elif way == "return":
            ship(order, {line: 1}, name="Returned")
        else:
            type(line).objects.filter(pk=line.pk).update(status="Cancelled")
        assert deliver() == []
        assert reasons(order)[0][1] in (Reason.TAKEN_BACK, Reason.ORDER_CANCELLED)

    def test_a_refunded_line_is_left_out_of_the_request(self) -> None:
        order = self.asked(make_product("Kaffeemühle"), make_product("Teekanne"))
        refund(order, "20.00", {order.lines.first(): 1})
        (sent,) = deliver()
        assert "Kaffeemühle" not in sent.html
        assert "Teekanne" in sent.html

    def thanked(self, *products: Any) -> Any:
        """An order of somebody who may be thanked for what they say of it."""
        incentive = Incentive.objects.create(
            name="Danke", kind=IncentiveKind.PERCENTAGE, value=Decimal(5), valid_for=LATER
        )
        switch_on(Trigger.REVIEW_REQUEST, thanks=incentive)
        make_consent(make_contact("erika@example.de"), purpose=Purpose.REVIEW_REQUEST)
        return make_order(*products, email="erika@example.de")

    def test_promises_thanks_whatever_is_said(self) -> None:
        set_status(self.thanked(), "Delivered")
        look()
        (sent,) = deliver()
        assert "Als Dank" in sent.text
        assert not models.VoucherGrant.objects.exists()

    def test_reminder_promises_nobody_what_they_have(self, client: Client) -> None:
        set_status(self.thanked(), "Delivered")
        look()
        (first,) = deliver()
        client.post(path_in(first), {"rating-score": "2"})
        assert models.VoucherGrant.objects.count() == 1
        (second,) = deliver()
        assert ("Als Dank" in first.text, "Als Dank" in second.text) == (True, False)

    def test_second_parcel_promises_no_second_voucher(self, client: Client) -> None:
        order = self.thanked(make_product("Kanne"), make_product("Tasse"))
        pot, cup = order.lines.order_by("pk")
        ship(order, {pot: 1}, name="Delivered")
        look()
        (first,) = deliver()
        client.post(path_in(first), fields(pot))
        ship(order, {cup: 1}, name="Delivered")
        look()
        (second,) = deliver()
        assert ("Tasse" in second.html, "Als Dank" in second.text) == (True, False)

    def test_promises_nothing_of_an_offer_that_staff_have_suspended(self) -> None:
        order = self.thanked()
        thank(
            make_order().pk, make_contact().pk, Incentive.objects.get(name="Danke"), timezone.now()
        )
        get_model("offer", "ConditionalOffer").objects.update(status="Suspended")
        set_status(order, "Delivered")
        look()
        (sent,) = deliver()
        assert "Als Dank" not in sent.text


def path_in(sent: Any) -> str:
    """Of the review page that a message leads to."""
    found = re.search(r"/recovery/review/[\w-]+", sent.html)
    assert found is not None
    return found[0]


class TestUnpaid:
    @pytest.fixture(autouse=True)
    def _shop(self, settings: Any) -> None:
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY,
            "UNPAID_ORDER_STATUSES": ["Pending payment"],
            "PAYMENT_RESUME_URL": "tests.delivery.test_orders.pay_here",
        }
        switch_on(Trigger.ORDER_UNPAID)

    def test_reminds_twice_then_staff_take_over(self) -> None:
        order = make_order(status="Pending payment", email="erika@example.de")
        look()
        (sent,) = deliver()
        assert f"https://shop.example/pay/{order.number}/de/" in sent.html
        assert not StaffTask.objects.exists()
        assert len(deliver()) == 1
        assert deliver() == []
        task = StaffTask.objects.get()
        assert (task.kind, task.order_id) == ("unpaid_order", order.pk)
        set_status(order, "Paid")
        look()
        task.refresh_from_db()
        assert task.closed_at is not None

    def test_the_task_opens_again_with_the_debt_unless_staff_have_closed_it(self) -> None:
        order = make_order(status="Pending payment", email="erika@example.de")
        look()
        assert len(deliver()) == len(deliver()) == 1
        task = StaffTask.objects.get()
        for _again in range(2):
            set_status(order, "Processing")
            look()
            task.refresh_from_db()
            assert task.closed_at is not None
            set_status(order, "Pending payment")
            look()
            task.refresh_from_db()
            assert task.closed_at is None
        StaffTask.objects.update(closed_at=timezone.now(), closed_by=make_user(is_staff=True))
        order.save()
        look()
        task.refresh_from_db()
        assert task.closed_at is not None
        assert deliver() == []

    @pytest.mark.parametrize("meanwhile", ["Processing", "Cancelled"])
    def test_a_mistake_between_two_reminders_costs_neither_the_second_nor_the_task(
        self, meanwhile: str
    ) -> None:
        order = make_order(status="Pending payment", email="erika@example.de")
        look()
        assert len(deliver()) == 1
        set_status(order, meanwhile)
        look()
        set_status(order, "Pending payment")
        look()
        assert not StaffTask.objects.exists()
        assert len(deliver()) == 1
        assert deliver() == []
        assert StaffTask.objects.get().closed_at is None

    def pay_at_the_last_look(self, monkeypatch: Any, order: Any) -> None:
        from cart_recovery.delivery import outbox

        open_calls = outbox.open_calls

        def pay(*args: Any, **kwargs: Any) -> Any:
            held = open_calls(*args, **kwargs)
            # past Oscar's signals: nobody looks at the order again by itself
            type(order).objects.filter(pk=order.pk).update(status="Processing")
            return held

        with monkeypatch.context() as patched:
            patched.setattr(outbox, "open_calls", pay)
            assert deliver() == []

    @pytest.mark.parametrize("reminded", [0, 1])
    def test_a_reminder_that_was_taken_back_has_said_nothing(
        self, monkeypatch: Any, reminded: int
    ) -> None:
        order = make_order(status="Pending payment", email="erika@example.de")
        look()
        for _n in range(reminded):
            assert len(deliver()) == 1
        self.pay_at_the_last_look(monkeypatch, order)
        assert enrolments(order)[0].reason == Reason.ORDER_PAID
        assert not StaffTask.objects.filter(closed_at=None).exists()
        set_status(order, "Pending payment")
        look()
        for _n in range(2 - reminded):
            assert len(deliver()) == 1
        assert deliver() == []
        assert StaffTask.objects.get().closed_at is None
        assert Message.objects.count() == 2

    def test_staff_have_nothing_to_do_with_an_order_that_was_deleted(self) -> None:
        order = make_order(status="Pending payment", email="erika@example.de")
        look()
        assert len(deliver()) == len(deliver()) == 1
        order.delete()
        look()
        assert StaffTask.objects.get().closed_at is not None

    def test_steps_that_change_places_between_two_reminders_are_each_sent_once(self) -> None:
        campaign = Campaign.objects.get(trigger=Trigger.ORDER_UNPAID)
        make_order(status="Pending payment", email="erika@example.de")
        look()
        assert len(deliver()) == 1
        first, second = campaign.steps.order_by("position")
        write_steps(campaign, [draft_of(first, hours=96), draft_of(second, hours=72)])
        assert len(deliver()) == 1
        assert deliver() == []
        assert StaffTask.objects.exists()

    def test_fewer_pieces_are_not_the_same_order_again(self) -> None:
        mill = make_product()
        order = make_order(mill, quantity=3, status="Pending payment", email="erika@example.de")
        look()
        make_order(mill, quantity=1, email="erika@example.de")
        (sent,) = deliver()
        assert order.number in sent.subject
        make_order(mill, quantity=2, email="erika@example.de")
        assert deliver() == []

    @pytest.mark.parametrize("status", ["Pending", "Pending payment"])
    def test_nobody_pays_for_an_order_that_they_have_placed_anew(self, status: str) -> None:
        mill, beans = make_product(), make_product()
        order = make_order(mill, status="Pending payment", email="erika@example.de")
        look()
        again = make_order(mill, beans, status=status, email="Erika@Example.de")
        deliver()
        assert reasons(order) == [
            (FollowUpState.SKIPPED, Reason.ORDERED_AGAIN), (FollowUpState.PLANNED, ""),
        ]  # fmt: skip
        if status == "Pending":
            # but of the one that holds nothing any more the first one is missed again
            type(again).objects.filter(pk=again.pk).update(status="Cancelled")
            assert [sent.to for sent in deliver()] == ["erika@example.de"]

    def test_staff_hear_of_what_was_ordered_anew_and_stays_unpaid(self) -> None:
        mill = make_product()
        order = make_order(mill, status="Pending payment", email="erika@example.de")
        look()
        make_order(mill, email="erika@example.de")
        assert deliver() == deliver() == []
        assert StaffTask.objects.get().order_id == order.pk

    @pytest.mark.parametrize("other", ["goods", "person", "earlier"])
    def test_another_order_is_no_reason_to_wait_for_no_money(self, other: str) -> None:
        mill = make_product()
        earlier = timezone.now() - dt.timedelta(hours=1)
        if other == "earlier":
            make_order(mill, email="erika@example.de", placed_at=earlier)
        order = make_order(mill, status="Pending payment", email="erika@example.de")
        if other == "goods":
            make_order(make_product(), email="erika@example.de")
        elif other == "person":
            make_order(mill, email="max@example.de")
        look()
        (sent,) = deliver()
        assert order.number in sent.subject

    def test_ordered_anew_after_the_claim_is_seen_at_the_last_look(self, monkeypatch: Any) -> None:
        from cart_recovery.delivery import outbox

        mill = make_product()
        order = make_order(mill, status="Pending payment", email="erika@example.de")
        look()
        open_calls = outbox.open_calls

        def order_meanwhile(*args: Any, **kwargs: Any) -> Any:
            held = open_calls(*args, **kwargs)
            make_order(mill, email="erika@example.de")
            return held

        monkeypatch.setattr(outbox, "open_calls", order_meanwhile)
        assert deliver() == []
        assert Message.objects.get().reason == Reason.ORDERED_AGAIN
        assert order.pk

    def test_looking_for_orders_placed_anew_costs_a_batch_the_same(self) -> None:
        def cost(number: int) -> int:
            for n in range(number):
                mill, email = make_product(), f"p{number}-{n}@example.de"
                make_order(mill, status="Pending payment", email=email)
                if n % 2:
                    make_order(mill, email=email)
            look()
            with CaptureQueriesContext(connection) as queries:
                deliver()
            assert len(LocmemChannel.outbox) == number - number // 2
            FollowUp.objects.filter(state=FollowUpState.PLANNED).update(
                state=FollowUpState.CANCELLED
            )
            return len(queries)

        cost(2)
        assert cost(4) == cost(12)

    def test_payment_without_a_word_is_seen_before_sending(self) -> None:
        order = make_order(status="Pending payment")
        look()
        type(order).objects.filter(pk=order.pk).update(status="Paid")
        assert deliver() == []
        assert reasons(order) == [(FollowUpState.SKIPPED, Reason.ORDER_PAID)]

    @pytest.mark.parametrize(
        "path",
        ["tests.delivery.test_orders.fail", "tests.delivery.test_orders.nowhere", "no:such-url"],
    )
    def test_a_link_that_the_shop_cannot_make_is_left_out(self, settings: Any, path: str) -> None:
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "PAYMENT_RESUME_URL": path}
        make_order(status="Pending payment")
        look()
        assert len(deliver()) == 1

    def test_the_shops_own_function_runs_in_the_language_of_the_order(self, settings: Any) -> None:
        path = "tests.delivery.test_orders.pay_in_language"
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "PAYMENT_RESUME_URL": path}
        order = make_order(status="Pending payment", email="erika@example.de")
        models.TrackedOrder.objects.update(language="en")
        look()
        (sent,) = deliver()
        assert f"/en/{order.number}" in sent.text

    def test_what_the_shops_own_function_says_of_a_person_is_not_logged(
        self, settings: Any, caplog: Any
    ) -> None:
        path = "tests.delivery.test_orders.fail"
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "PAYMENT_RESUME_URL": path}
        make_order(status="Pending payment")
        look()
        deliver()
        assert "PAYMENT_RESUME_URL failed: RuntimeError" in caplog.text
        assert "Mustermann" not in caplog.text

    @pytest.mark.parametrize(
        ("way", "due"),
        [("whole", "45,50"), ("part", "30,50"), ("cancelled", "25,50"), ("pieces", "45,50"),
         ("taken out of the total", "25,50"), ("part and cancelled", "10,50")],
    )  # fmt: skip
    def test_what_is_missing_is_asked_for(self, way: str, due: str) -> None:
        pot, mill = make_product("Kanne"), make_product("Mühle")
        order = make_order(pot, mill, status="Pending payment", email="erika@example.de")
        totals = {"total_incl_tax": Decimal("45.50"), "shipping_incl_tax": Decimal("5.50")}
        first = order.lines.first()
        if way == "pieces":
            type(first).objects.filter(pk=first.pk).update(quantity=2, line_price_incl_tax=40)
            totals["total_incl_tax"] += 20
            refund(order, "0", {first: 1})
        if "part" in way:
            pay_by(order, "Vorkasse", debited="15.00")
        if "cancelled" in way or way == "taken out of the total":
            order.lines.filter(pk=first.pk).update(status="Cancelled")
        if way == "taken out of the total":
            totals["total_incl_tax"] = Decimal("25.50")
        type(order).objects.filter(pk=order.pk).update(**totals)
        look()
        (sent,) = deliver()
        assert f"Die Zahlung über {due}\xa0€" in sent.text

    def test_whoever_turns_out_to_pay_later_is_left_alone(self) -> None:
        order = make_order(status="Pending payment")
        look()
        pay_by(order, "Rechnung")
        assert deliver() == []


def nowhere(*args: Any) -> str:
    return "https://)"


def fail(*args: Any) -> str:
    person = "".join(["Muster", "mann"])
    raise RuntimeError(f"{person} cannot pay")


def draft_of(step: models.Step, *, hours: int) -> StepDraft:
    variants = [
        VariantDraft(v.channel, v.template_code, v.weight, v.label, v.pk)
        for v in step.variants.all()
    ]
    return StepDraft(delay=dt.timedelta(hours=hours), key=step.pk, variants=variants)


def pay_in_language(number: str, _language: str) -> str:
    return f"/{translation.get_language()}/{number}"


def pay_here(number: str, language: str) -> str:
    return f"/pay/{number}/{language}/"


class TestWhoseNumber:
    """A text names the order: it goes to the order's number, and else the news go by mail."""

    OTHER = "+4915122222222"

    def told(self, order: Any) -> Any:
        set_status(order, "Shipped")
        look()
        (sent,) = deliver()
        return sent

    def test_not_to_an_older_number_of_the_guest(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        make_order(email="erika@example.de", phone=PHONE)
        look()
        order = make_order(email="erika@example.de", phone=self.OTHER)
        assert self.told(order).to == "erika@example.de"
        followup = FollowUp.objects.get()
        assert followup.choice_reason == "fallback: sms other_number"

    def test_not_to_a_stranger_who_ordered_first_under_the_same_address(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        make_order(email="erika@example.de", phone=PHONE, status="Cancelled")
        look()
        assert self.told(make_order(email="erika@example.de")).to == "erika@example.de"

    def test_not_instead_of_a_landline(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        make_order(email="erika@example.de", phone=PHONE)
        look()
        order = make_order(email="erika@example.de", phone="+4922112345678")
        assert self.told(order).to == "erika@example.de"

    def test_not_to_the_number_that_a_customer_has_given_up(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        user = make_user("kunde@example.de")
        row = give_address(user, PHONE)
        make_order(user=user, phone=PHONE)
        look()
        row.phone_number = self.OTHER
        row.save()
        assert self.told(make_order(user=user, phone=self.OTHER)).to == "kunde@example.de"

    def test_an_account_has_a_number_where_the_order_has_none(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        user = make_user("kunde@example.de")
        give_address(user, PHONE)
        assert self.told(make_order(user=user)).to == PHONE

    def test_a_number_that_was_agreed_to_where_the_order_has_none(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        contact = make_contact("erika@example.de", phone=PHONE)
        make_consent(contact, "sms", purpose=Purpose.ORDER_STATUS)
        assert self.told(make_order(email="erika@example.de")).to == PHONE

    def test_a_text_about_the_payment_or_a_review_is_no_different(self, settings: Any) -> None:
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY,
            "UNPAID_ORDER_STATUSES": ["Pending payment"],
        }
        switch_on(Trigger.ORDER_UNPAID, Trigger.REVIEW_REQUEST)
        models.Variant.objects.exclude(channel="sms").delete()
        contact = make_contact("erika@example.de", phone=PHONE)
        make_consent(contact, "sms", purpose=Purpose.REVIEW_REQUEST)
        for status in ("Pending payment", "Delivered"):
            order = make_order(email="erika@example.de", phone=self.OTHER, status=status)
            look()
            steps = FollowUp.objects.filter(enrolment__order__order=order)
            assert models.Variant.objects.filter(step__followups__in=steps).exists()
            assert deliver() == []
            assert reasons(order)[0] == (FollowUpState.SKIPPED, Reason.OTHER_NUMBER)

    def test_the_spelling_makes_no_other_number(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order(email="erika@example.de", phone=PHONE)
        look()
        type(order.shipping_address).objects.update(phone_number="0151 23456789")
        assert self.told(order).to == PHONE

    def test_a_number_that_is_corrected_at_the_last_moment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order(email="erika@example.de", phone=PHONE)
        set_status(order, "Shipped")
        look()
        address = type(order.shipping_address).objects.filter(pk=order.shipping_address_id)
        with monkeypatch.context() as patched:
            happens_after_the_outbox(patched, lambda: address.update(phone_number=self.OTHER))
            assert deliver() == []
        assert Message.objects.get().reason == Reason.OTHER_PERSON
        assert deliver() == []
        look()
        assert [sent.to for sent in deliver()] == ["erika@example.de"]

    def test_a_contact_that_gets_another_number_at_the_last_moment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        order = make_order(email="erika@example.de", phone=PHONE)
        set_status(order, "Shipped")
        look()
        contact = models.Contact.objects.filter(email_key="erika@example.de")
        happens_after_the_outbox(monkeypatch, lambda: contact.update(phone=self.OTHER))
        assert deliver() == []
        assert Message.objects.get().reason == Reason.OTHER_NUMBER

    def test_staff_read_why(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        make_contact("erika@example.de", phone=PHONE)
        order = make_order(email="erika@example.de", phone=self.OTHER)
        set_status(order, "Shipped")
        look()
        (prospect,) = tell(scopes.of_order(order.pk), timezone.now()).prospects
        text, *_rest = prospect_text(prospect).channels
        assert str(Reason.OTHER_NUMBER.label) in text


class TestWhoseOrder:
    """What is planned is for whom the order names now."""

    @pytest.fixture(autouse=True)
    def _shop(self) -> None:
        switch_on(Trigger.ORDER_SHIPPED)
        self.order = make_order(email="erkia@example.de")
        set_status(self.order, "Shipped")
        look()

    def correct(self) -> None:
        """Without a word, as an import does it."""
        type(self.order).objects.filter(pk=self.order.pk).update(guest_email="erika@example.de")

    def test_a_correction_that_was_told_of(self) -> None:
        self.correct()
        self.order.refresh_from_db()
        self.order.save()
        look()
        assert [sent.to for sent in deliver()] == ["erika@example.de"]

    def test_a_correction_without_a_word_is_seen_before_sending(self) -> None:
        self.correct()
        assert deliver() == []
        assert reasons(self.order) == [(FollowUpState.PLANNED, Reason.OTHER_PERSON)]
        look()
        assert [sent.to for sent in deliver()] == ["erika@example.de"]

    def test_a_correction_at_the_last_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patched:
            happens_after_the_outbox(patched, self.correct)
            assert deliver() == []
        message = Message.objects.get()
        assert (message.state, message.reason) == (MessageState.RETRY, Reason.OTHER_PERSON)
        assert deliver() == []
        look()
        assert [sent.to for sent in deliver()] == ["erika@example.de"]
        message.refresh_from_db()
        assert message.contact == enrolments(self.order)[0].contact
        assert message.contact is not None
        assert message.contact.email == "erika@example.de"

    def test_an_order_that_moves_at_the_last_moment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def move() -> None:
            self.correct()
            self.order.refresh_from_db()
            self.order.save()
            look()

        with monkeypatch.context() as patched:
            happens_after_the_outbox(patched, move)
            assert deliver() == []
        assert deliver() == []
        look()
        assert [sent.to for sent in deliver()] == ["erika@example.de"]

    def test_who_refused_the_news_does_not_get_those_of_another_order(self) -> None:
        right = make_contact("erika@example.de")
        withdrawals.withdraw(right, channel="email", purposes=[Purpose.ORDER_STATUS], source="test")
        self.correct()
        assert deliver() == []
        look()
        assert deliver() == []
        assert reasons(self.order) == [(FollowUpState.SKIPPED, Reason.NO_CONSENT)]

    def test_staff_read_that_it_names_somebody_else(self) -> None:
        self.correct()
        (prospect,) = tell(scopes.of_order(self.order.pk), timezone.now()).prospects
        assert str(Reason.OTHER_PERSON.label) in prospect_text(prospect).summary


def give_address(user: Any, phone: str) -> Any:
    """The customer's own, as their address book has it."""
    country = make_address("", "DE").country
    return get_model("address", "UserAddress").objects.create(
        user=user, first_name="Erika", last_name="Mustermann", line1="Heidestraße 17",
        line4="Köln", postcode="51147", country=country, phone_number=phone,
        is_default_for_shipping=True,
    )  # fmt: skip


class TestCrossSell:
    def sold(self, *products: Any, **kwargs: Any) -> Any:
        switch_on(Trigger.CROSS_SELL)
        make_consent(make_contact("erika@example.de"), purpose=Purpose.PROMOTION)
        order = make_order(*products, email="erika@example.de", **kwargs)
        set_status(order, "Delivered")
        look()
        return order

    def recommend(self, primary: Any, other: Any) -> None:
        primary.primary_recommendations.create(recommendation=other)

    def test_suggests_what_goes_with_it(self) -> None:
        mill, beans = make_product("Kaffeemühle"), make_product("Kaffeebohnen")
        self.recommend(mill, beans)
        self.sold(mill)
        (sent,) = deliver()
        assert "Kaffeebohnen" in sent.html

    def test_never_what_was_bought_before(self) -> None:
        mill, beans, pot = (make_product(t) for t in ("Kaffeemühle", "Kaffeebohnen", "Teekanne"))
        self.recommend(mill, beans)
        self.recommend(mill, pot)
        make_order(beans, email="Erika@example.de")
        self.sold(mill)
        (sent,) = deliver()
        assert "Kaffeebohnen" not in sent.html
        assert "Teekanne" in sent.html

    def test_nothing_to_suggest_is_not_sent(self) -> None:
        order = self.sold(make_product("Kaffeemühle"))
        assert deliver() == []
        assert reasons(order) == [(FollowUpState.SKIPPED, Reason.NOTHING_TO_SUGGEST)]

    def test_needs_consent_for_offers(self) -> None:
        mill, beans = make_product("Kaffeemühle"), make_product("Kaffeebohnen")
        self.recommend(mill, beans)
        switch_on(Trigger.CROSS_SELL)
        order = make_order(mill, user=make_user("kunde@example.de"))
        set_status(order, "Delivered")
        look()
        assert deliver() == []
        assert reasons(order) == [(FollowUpState.SKIPPED, Reason.NO_CONSENT)]


def test_a_batch_costs_the_same_whatever_its_size() -> None:
    switch_on(Trigger.ORDER_DELIVERED, Trigger.REVIEW_REQUEST, Trigger.CROSS_SELL)
    partner = make_product("Dazu passt")

    def cost(number: int) -> int:
        for _ in range(number):
            product = make_product()
            product.primary_recommendations.create(recommendation=partner)
            order = make_order(product, make_product())
            contact = make_contact(order.guest_email)
            make_consent(contact, purpose=Purpose.REVIEW_REQUEST)
            make_consent(contact, purpose=Purpose.PROMOTION)
            set_status(order, "Delivered")
        look()
        FollowUp.objects.filter(state=FollowUpState.PLANNED).exclude(step__position=1).update(
            due_at=timezone.now() + LATER
        )
        FollowUp.objects.filter(state=FollowUpState.PLANNED, step__position=1).update(
            planned_for=timezone.now(), due_at=timezone.now()
        )
        LocmemChannel.outbox.clear()
        with CaptureQueriesContext(connection) as queries:
            deliver_due()
        assert len(LocmemChannel.outbox) >= number * 3
        return len(queries)

    cost(1)
    assert cost(2) == cost(12)


def show(order: Any, title: str, *, is_public: bool) -> None:
    product = order.lines.get(title=title).product
    product.is_public = is_public
    product.save()


def write_review(line: Any) -> None:
    """As somebody writes it behind the link of the request."""
    client = Client()
    path = re.search(r"/review/[A-Za-z0-9_-]+", LocmemChannel.outbox[-1].html)
    assert path is not None
    page = client.get(f"/recovery{path[0]}", follow=True)
    assert page.status_code == 200
    response = client.post(page.request["PATH_INFO"], fields(line))
    assert response.status_code in (200, 302)
    assert models.LineReview.objects.filter(line=line).exists()
