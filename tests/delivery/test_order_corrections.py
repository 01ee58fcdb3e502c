"""What shops write down by mistake, correct, take back, or say in parts: told once, and as it is."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery import models
from cart_recovery.models import Purpose, Reason, Trigger
from tests.delivery.test_orders import deliver, reasons, switch_on
from tests.factories import make_consent, make_contact, make_product
from tests.orders.kit import enrolments, look, make_order, pay_by, refund, set_status, ship

pytestmark = pytest.mark.django_db(transaction=True)
PARCELS = (Trigger.ORDER_PARTLY_SHIPPED, Trigger.ORDER_SHIPPED)


def goods(sent: Any) -> list[str]:
    """Such as "2 × Tasse": what a mail says it is about, and what is to come."""
    return [line[2:] for line in sent.text.splitlines() if line.startswith("* ")]


def amounts(sent: list[Any]) -> list[str]:
    """The first sum in each message."""
    return [re.findall(r"\d+,\d\d", message.text)[0] for message in sent]


def delete(event: Any) -> None:
    event.line_quantities.all().delete()
    event.delete()


class TestPieces:
    def test_each_parcel_names_its_own(self) -> None:
        switch_on(*PARCELS)
        order = make_order(make_product("Tasse"), quantity=3)
        line = order.lines.get()
        told = []
        for pieces in (2, 1):
            ship(order, {line: pieces})
            look()
            (sent,) = deliver()
            told.append(goods(sent)[0])
        assert told == ["2 × Tasse", "Tasse"]

    def test_each_return_names_its_own(self) -> None:
        switch_on(Trigger.ORDER_RETURNED)
        order = make_order(make_product("Tasse"), quantity=3)
        line = order.lines.get()
        ship(order, {line: 3})
        told = []
        for pieces in (1, 2):
            ship(order, {line: pieces}, name="Returned")
            look()
            (sent,) = deliver()
            told += goods(sent)
        assert told == ["Tasse", "2 × Tasse"]

    def test_a_piece_that_came_back_is_not_one_that_never_left(self) -> None:
        switch_on(*PARCELS)
        order = make_order(make_product("Tasse"), quantity=3)
        line = order.lines.get()
        ship(order, {line: 1})
        ship(order, {line: 1}, name="Returned")
        look()
        ship(order, {line: 1})
        look()
        (sent,) = deliver()
        assert enrolments(order)[-1].campaign.trigger == Trigger.ORDER_PARTLY_SHIPPED
        assert goods(sent) == ["Tasse", "1 × Tasse"], "this one, and one that is to come"

    def test_cancelled_and_returned_pieces_add_up(self) -> None:
        """No review of what nobody has."""
        switch_on(Trigger.REVIEW_REQUEST)
        make_consent(make_contact("erika@example.de"), purpose=Purpose.REVIEW_REQUEST)
        order = make_order(make_product("Tasse"), quantity=2, email="erika@example.de")
        line = order.lines.get()
        ship(order, {line: 1}, name="Cancelled")
        ship(order, {line: 1}, name="Delivered")
        ship(order, {line: 1}, name="Returned")
        look()
        assert enrolments(order) == []

    def test_a_return_is_no_news_of_a_delivery(self) -> None:
        switch_on(Trigger.ORDER_DELIVERED, Trigger.ORDER_RETURNED)
        order = make_order(make_product("Tasse"), quantity=2)
        line = order.lines.get()
        ship(order, {line: 2})
        ship(order, {line: 1}, name="Returned")
        look()
        assert [e.campaign.trigger for e in enrolments(order)] == [Trigger.ORDER_RETURNED]

    def test_an_event_without_lines_is_about_all_of_them(self) -> None:
        switch_on(*PARCELS)
        order = make_order(make_product("Tasse"), make_product("Kanne"))
        kind = get_model("order", "ShippingEventType").objects.get_or_create(name="Shipped")[0]
        order.shipping_events.create(event_type=kind, notes="https://dhl.example/1")
        look()
        (sent,) = deliver()
        assert goods(sent) == ["Tasse", "Kanne"]
        assert "https://dhl.example/1" in sent.text


class TestMistakes:
    def test_all_by_mistake_then_one_line(self) -> None:
        switch_on(*PARCELS)
        order = make_order(make_product("Tasse"), make_product("Kanne"))
        first, second = order.lines.order_by("pk")
        for status in ("Shipped", "Pending"):
            set_status(order, status)
            look()
        assert deliver() == []
        ship(order, {first: 1})
        look()
        (sent,) = deliver()
        assert goods(sent) == ["Tasse", "1 × Kanne"]
        assert "Das kommt noch" in sent.text
        ship(order, {second: 1})
        look()
        (sent,) = deliver()
        assert goods(sent) == ["Kanne"]

    def test_too_many_pieces_then_the_right_number(self) -> None:
        switch_on(*PARCELS)
        order = make_order(make_product("Tasse"), quantity=3)
        line = order.lines.get()
        delete(ship(order, {line: 2}))
        event = ship(order, {line: 2})
        look()
        delete(event)
        ship(order, {line: 1})
        look()
        (sent,) = deliver()
        assert goods(sent) == ["Tasse", "2 × Tasse"]

    def test_set_back_and_forward_again_tells_once(self) -> None:
        switch_on(*PARCELS)
        order = make_order(make_product("Tasse"))
        for status in ("Shipped", "Pending", "Shipped"):
            set_status(order, status)
            look()
        assert len(deliver()) == 1
        for status in ("Pending", "Shipped"):
            set_status(order, status)
            look()
        assert deliver() == []

    def test_a_review_is_asked_for_after_a_delivery_that_was_set_back(self) -> None:
        switch_on(Trigger.REVIEW_REQUEST)
        make_consent(make_contact("erika@example.de"), purpose=Purpose.REVIEW_REQUEST)
        order = make_order(make_product("Tasse"), make_product("Kanne"), email="erika@example.de")
        first, second = order.lines.order_by("pk")
        for status in ("Delivered", "Pending"):
            set_status(order, status)
            look()
        for line in (first, second):
            ship(order, {line: 1}, name="Delivered")
            look()
        asked = [sent for sent in deliver() if "Bewertung" in sent.text or "/review/" in sent.text]
        assert len(asked) == 2

    @pytest.mark.parametrize("name", ["Returned", "Shipped"])
    def test_an_event_that_was_deleted_is_not_told(self, name: str) -> None:
        """Deleting sends no signal: it is seen right before the message leaves."""
        switch_on(Trigger.ORDER_RETURNED, *PARCELS)
        order = make_order(make_product("Tasse"), quantity=3)
        line = order.lines.get()
        ship(order, {line: 1})
        ship(order, {line: 1}, name=name)
        look()
        deliver()
        event = ship(order, {line: 1}, name=name)
        look()
        delete(event)
        assert deliver() == []
        assert reasons(order)[-1][1] == Reason.SET_BACK


class TestMoney:
    def test_a_refund_that_was_deleted_is_not_told(self) -> None:
        switch_on(Trigger.ORDER_REFUNDED)
        order = make_order(make_product("Tasse"), make_product("Kanne"))
        refund(order, "5.00")
        look()
        assert len(deliver()) == 1
        event = refund(order, "7.50")
        look()
        event.delete()
        assert deliver() == []

    def test_an_amount_that_was_corrected_downwards_is_no_refund(self) -> None:
        switch_on(Trigger.ORDER_REFUNDED)
        order = make_order(make_product("Tasse"), make_product("Kanne"))
        source = pay_by(order, "Karte", debited="40")
        told = []
        for amount in ("20", "15", "30"):
            source.amount_refunded = Decimal(amount)
            source.save()
            look()
            told.append(
                [
                    a
                    for sent in deliver()
                    for a in re.findall(r"(\d+,\d\d)", sent.subject + sent.text)[:1]
                ]
            )
        assert told == [["20,00"], [], ["10,00"]]

    def test_a_correction_before_it_is_told_is_what_is_told(self) -> None:
        switch_on(Trigger.ORDER_REFUNDED)
        order = make_order(make_product("Tasse"), make_product("Kanne"))
        source = pay_by(order, "Karte", debited="40")
        for amount in ("20", "15"):
            source.amount_refunded = Decimal(amount)
            source.save()
            look()
        (sent,) = deliver()
        assert "15,00" in sent.text
        assert "20,00" not in sent.text


class TestWordsLearnedLater:
    """A shop maps a name that the checks have listed: what happened long ago is no news."""

    PAST = dt.timedelta(days=60)

    def old_order(self) -> Any:
        past = timezone.now() - self.PAST
        switch_on(Trigger.ORDER_DELIVERED)
        order = make_order(make_product("Tasse"), placed_at=past)
        models.TrackedOrder.objects.update(created_at=past, changed_at=past)
        look()
        return order

    def learn(self, settings: Any, order: Any) -> None:
        look()
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY, "STATUS_MILESTONES": {"Beim Kunden": "delivered"}
        }  # fmt: skip
        order.refresh_from_db()
        order.save()
        look()

    def test_of_a_status(self, settings: Any) -> None:
        order = self.old_order()
        set_status(order, "Beim Kunden")
        change = get_model("order", "OrderStatusChange").objects.create(
            order=order, old_status="Pending", new_status="Beim Kunden"
        )
        type(change).objects.update(date_created=timezone.now() - self.PAST)
        self.learn(settings, order)
        assert deliver() == []

    def test_of_an_event(self, settings: Any) -> None:
        order = self.old_order()
        event = ship(order, {order.lines.get(): 1}, name="Beim Kunden")
        type(event).objects.update(date_created=timezone.now() - self.PAST)
        self.learn(settings, order)
        assert deliver() == []

    def test_of_yesterday_is_told(self, settings: Any) -> None:
        order = self.old_order()
        ship(order, {order.lines.get(): 1}, name="Beim Kunden")
        self.learn(settings, order)
        assert len(deliver()) == 1
