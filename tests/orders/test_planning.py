"""Which orders set which campaigns going: statuses, parcels, flips, and what ends them again."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery import models
from cart_recovery.campaigns.planning import stop
from cart_recovery.contacts.identities import merge, resolve_users
from cart_recovery.models import EnrolmentState, FollowUpState, Reason, Trigger
from cart_recovery.privacy.erasure import erase
from cart_recovery.shop.progress import load_progress
from cart_recovery.shop.refunds import taken_back
from tests.factories import make_contact, make_product, make_user
from tests.orders.kit import (
    enrolments,
    lines_of,
    look,
    make_order,
    make_order_campaign,
    pay_by,
    refund,
    set_status,
    ship,
)

pytestmark = pytest.mark.django_db
DAY = dt.timedelta(days=1)


def states(order, trigger=""):
    return [(e.state, e.reason) for e in enrolments(order, trigger)]


def set_told():
    """As if all that is planned had been sent."""
    models.FollowUp.objects.update(state=FollowUpState.DONE)
    models.Enrolment.objects.update(state=EnrolmentState.COMPLETED)


class TestStatus:
    def test_a_shipped_order_is_told_once(self):
        campaign = make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order(make_product())
        look()
        assert enrolments(order) == []
        set_status(order, "Shipped")
        look()
        (enrolment,) = enrolments(order)
        assert enrolment.campaign == campaign
        assert enrolment.contact.email == order.guest_email
        assert lines_of(enrolment) == {order.lines.get().pk: 1}
        followup = enrolment.followups.get()
        assert followup.due_at == enrolment.clock_at + dt.timedelta(minutes=10)

    def test_looking_again_changes_nothing(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order()
        set_status(order, "Shipped")
        for _ in range(3):
            look()
            order.save()
        assert len(enrolments(order)) == 1

    @pytest.mark.parametrize(
        ("status", "trigger"),
        [
            ("Delivered", Trigger.ORDER_DELIVERED), ("Zugestellt", Trigger.ORDER_DELIVERED),
            ("versandt", Trigger.ORDER_SHIPPED), ("Delayed", Trigger.ORDER_DELAYED),
            ("Return received", Trigger.ORDER_RETURNED), ("Refunded", Trigger.ORDER_REFUNDED),
        ],
    )  # fmt: skip
    def test_words_of_shops(self, status, trigger):
        make_order_campaign(trigger)
        order = make_order()
        set_status(order, status)
        look()
        assert len(enrolments(order, trigger)) == 1

    def test_a_status_may_say_partly_without_saying_what(self):
        make_order_campaign(Trigger.ORDER_PARTLY_SHIPPED)
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order(make_product(), make_product())
        for _ in range(2):
            set_status(order, "Partially shipped")
            look()
        (enrolment,) = enrolments(order)
        assert enrolment.campaign.trigger == Trigger.ORDER_PARTLY_SHIPPED
        assert lines_of(enrolment) == {}
        set_status(order, "Being processed")
        look()
        assert states(order) == [(EnrolmentState.STOPPED, Reason.SET_BACK)]
        set_status(order, "Partially shipped")
        look()
        assert states(order) == [(EnrolmentState.ACTIVE, "")]
        set_status(order, "Shipped")
        look()
        assert states(order, Trigger.ORDER_PARTLY_SHIPPED) == [
            (EnrolmentState.STOPPED, Reason.OVERTAKEN)
        ], "what is outdated is not said any more"
        assert states(order, Trigger.ORDER_SHIPPED) == [(EnrolmentState.ACTIVE, "")]

    def test_who_says_what_has_left_is_believed_before_a_status(self):
        make_order_campaign(Trigger.ORDER_PARTLY_SHIPPED)
        order = make_order(make_product(), make_product())
        first = order.lines.first()
        ship(order, {first: 1}, name="Teilversandt")
        set_status(order, "Partly shipped")
        look()
        (enrolment,) = enrolments(order)
        assert lines_of(enrolment) == {first.pk: 1}

    def test_a_shop_names_its_own_words(self, settings):
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY,
            "STATUS_MILESTONES": {"Auf der Reise": "shipped", "Shipped": ""},
        }
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order, other = make_order(), make_order()
        set_status(order, "auf der reise")
        set_status(other, "Shipped")
        look()
        assert len(enrolments(order)) == 1
        assert enrolments(other) == [], "the shop's word goes before ours"

    def test_what_the_shop_takes_for_cancelled_goes_before_the_usual_words(self, settings):
        own = {**settings.CART_RECOVERY, "CANCELLED_ORDER_STATUSES": ["On hold", "Refunded"]}
        settings.CART_RECOVERY = own
        make_order_campaign(Trigger.ORDER_SHIPPED)
        make_order_campaign(Trigger.ORDER_REFUNDED)
        first, second, refunded = make_order(), make_order(), make_order()
        ship(first, {first.lines.get(): 1})
        set_status(first, "On hold")
        set_status(refunded, "Refunded")
        look()
        assert enrolments(first) == []
        assert len(enrolments(refunded)) == 1, "that its credit is taken back says less"
        settings.CART_RECOVERY = {**own, "STATUS_MILESTONES": {"On Hold": "placed"}}
        ship(second, {second.lines.get(): 1})
        set_status(second, "On hold")
        look()
        assert len(enrolments(second)) == 1, "the mapping goes before both"

    def test_delivered_says_nothing_of_shipping_that_was_told(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order()
        set_status(order, "Shipped")
        look()
        set_told()
        set_status(order, "Delivered")
        look()
        assert states(order) == [(EnrolmentState.COMPLETED, "")]

    @pytest.mark.parametrize(
        ("trigger", "earlier", "later"),
        [
            (Trigger.ORDER_SHIPPED, "Shipped", "Delivered"),
            (Trigger.ORDER_PARTLY_SHIPPED, "Partly shipped", "Delivered"),
            (Trigger.ORDER_DELAYED, "Delayed", "Delivered"),
        ],
    )
    def test_what_the_order_has_left_behind_is_not_told_any_more(self, trigger, earlier, later):
        make_order_campaign(trigger)
        order = make_order(make_product(), make_product())
        set_status(order, earlier)
        look()
        assert states(order) == [(EnrolmentState.ACTIVE, "")]
        set_status(order, later)
        for _ in range(2):
            look()
            order.save()
        assert states(order) == [(EnrolmentState.STOPPED, Reason.OVERTAKEN)]
        set_status(order, earlier)
        look()
        assert states(order) == [(EnrolmentState.ACTIVE, "")], "that was a mistake"

    def test_an_order_that_is_delivered_at_once_was_never_on_its_way(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        make_order_campaign(Trigger.ORDER_DELIVERED)
        order = make_order()
        set_status(order, "Delivered")
        look()
        assert [e.campaign.trigger for e in enrolments(order)] == [Trigger.ORDER_DELIVERED]

    def test_a_delay_that_was_an_event_is_over_when_the_parcel_leaves(self):
        make_order_campaign(Trigger.ORDER_DELAYED)
        order = make_order()
        line = order.lines.get()
        ship(order, {line: 1}, name="Delayed")
        look()
        ship(order, {line: 1})
        look()
        assert states(order) == [(EnrolmentState.STOPPED, Reason.OVERTAKEN)]

    def test_a_parcel_is_told_while_another_one_has_arrived(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        make_order_campaign(Trigger.ORDER_PARTLY_SHIPPED)
        order = make_order(make_product(), quantity=5)
        line = order.lines.get()
        ship(order, {line: 2})
        look()
        ship(order, {line: 3})
        look()
        ship(order, {line: 2}, name="Delivered")
        look()
        assert states(order, Trigger.ORDER_PARTLY_SHIPPED) == [
            (EnrolmentState.STOPPED, Reason.OVERTAKEN)
        ]
        assert states(order, Trigger.ORDER_SHIPPED) == [(EnrolmentState.ACTIVE, "")]

    def test_flipping_to_and_fro_tells_once(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order()
        for status in ("Shipped", "Pending", "Shipped", "Pending", "Shipped"):
            set_status(order, status)
            look()
        (enrolment,) = enrolments(order)
        assert enrolment.state == EnrolmentState.ACTIVE
        assert [f.state for f in enrolment.followups.all()] == [FollowUpState.PLANNED]

    def test_set_back_before_it_was_told_tells_nothing(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order()
        set_status(order, "Shipped")
        look()
        set_status(order, "Pending")
        look()
        assert states(order) == [(EnrolmentState.STOPPED, Reason.SET_BACK)]
        assert models.FollowUp.objects.get().state == FollowUpState.CANCELLED

    def test_what_was_told_is_never_told_again(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order()
        set_status(order, "Shipped")
        look()
        set_told()
        set_status(order, "Pending")
        look()
        set_status(order, "Shipped")
        look()
        assert [f.state for f in models.FollowUp.objects.all()] == [FollowUpState.DONE]

    def test_a_cancelled_order_ends_what_is_planned(self):
        make_order_campaign(Trigger.REVIEW_REQUEST)
        order = make_order()
        set_status(order, "Delivered")
        look()
        set_status(order, "Cancelled")
        look()
        assert states(order) == [(EnrolmentState.STOPPED, Reason.ORDER_CANCELLED)]


class TestCutOff:
    def test_nothing_from_before_the_campaign_was_switched_on(self):
        campaign = make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order()
        set_status(order, "Shipped")
        models.Campaign.objects.filter(pk=campaign.pk).update(
            activated_at=timezone.now() + dt.timedelta(minutes=1)
        )
        look()
        assert enrolments(order) == []

    def test_an_old_order_that_somebody_touches_has_not_just_arrived(self):
        """As on the day on which the app is installed."""
        make_order_campaign(Trigger.REVIEW_REQUEST)
        order = make_order(status="Delivered", placed_at=timezone.now() - 200 * DAY)
        models.TrackedOrder.objects.all().delete()
        order.save()
        look()
        assert enrolments(order) == []

    def test_an_old_order_that_moves_on_today_is_told_of(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order(placed_at=timezone.now() - 20 * DAY)
        models.TrackedOrder.objects.all().delete()
        ship(order, dict.fromkeys(order.lines.all(), 1))
        look()
        assert len(enrolments(order)) == 1

    def test_days_after_placing_are_not_counted_from_last_year(self):
        make_order_campaign(Trigger.CROSS_SELL, starts_with="placed")
        order = make_order(placed_at=timezone.now() - 100 * DAY)
        look()
        assert enrolments(order) == []


class TestParcels:
    def test_each_parcel_is_told_and_the_last_one_completes(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        make_order_campaign(Trigger.ORDER_PARTLY_SHIPPED)
        order = make_order(make_product(), make_product())
        first, second = order.lines.order_by("pk")
        ship(order, {first: 1})
        look()
        (partly,) = enrolments(order, Trigger.ORDER_PARTLY_SHIPPED)
        assert lines_of(partly) == {first.pk: 1}
        assert enrolments(order, Trigger.ORDER_SHIPPED) == []
        ship(order, {second: 1})
        look()
        (whole,) = enrolments(order, Trigger.ORDER_SHIPPED)
        assert lines_of(whole) == {second.pk: 1}
        assert len(enrolments(order)) == 2

    def test_pieces_of_one_line(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        make_order_campaign(Trigger.ORDER_PARTLY_SHIPPED)
        make_order_campaign(Trigger.REVIEW_REQUEST, starts_with="shipped")
        order = make_order(make_product(), quantity=5)
        line = order.lines.get()
        ship(order, {line: 3})
        look()
        assert len(enrolments(order, Trigger.ORDER_PARTLY_SHIPPED)) == 1
        assert enrolments(order, Trigger.REVIEW_REQUEST) == []
        ship(order, {line: 2})
        look()
        assert len(enrolments(order, Trigger.ORDER_SHIPPED)) == 1
        assert len(enrolments(order, Trigger.REVIEW_REQUEST)) == 1

    def test_reviews_are_asked_for_by_line(self):
        make_order_campaign(Trigger.REVIEW_REQUEST)
        order = make_order(make_product(), make_product(), make_product())
        first, second, third = order.lines.order_by("pk")
        ship(order, {first: 1}, name="Delivered")
        look()
        ship(order, {second: 1, third: 1}, name="Delivered")
        look()
        assert [lines_of(e) for e in enrolments(order)] == [
            {first.pk: 1}, {second.pk: 1, third.pk: 1},
        ]  # fmt: skip

    def test_nobody_is_asked_twice_for_a_line_of_which_pieces_came_back(self):
        make_order_campaign(Trigger.REVIEW_REQUEST)
        order = make_order(make_product(), quantity=5)
        line = order.lines.get()
        ship(order, {line: 3}, name="Delivered")
        look()
        ship(order, {line: 2}, name="Delivered")
        look()
        (asked,) = enrolments(order)
        ship(order, {line: 3}, name="Returned")
        look()
        assert [e.pk for e in enrolments(order)] == [asked.pk]
        assert enrolments(order)[0].state == EnrolmentState.ACTIVE

    def test_a_refunded_line_is_not_asked_about(self):
        make_order_campaign(Trigger.REVIEW_REQUEST)
        order = make_order(make_product(), make_product())
        first, second = order.lines.order_by("pk")
        ship(order, {first: 1, second: 1}, name="Delivered")
        refund(order, "20.00", {first: 1})
        look()
        (enrolment,) = enrolments(order)
        assert lines_of(enrolment) == {second.pk: 1}

    @pytest.mark.parametrize("way", ["refund", "return", "cancel"])
    def test_what_came_back_withdraws_the_request(self, way):
        make_order_campaign(Trigger.REVIEW_REQUEST)
        order = make_order(make_product())
        line = order.lines.get()
        ship(order, {line: 1}, name="Delivered")
        look()
        if way == "refund":
            refund(order, "20.00", {line: 1})
        elif way == "return":
            ship(order, {line: 1}, name="Returned")
        else:
            line.status = "Cancelled"
            line.save()
            order.save()
        look()
        expected = Reason.ORDER_CANCELLED if way == "cancel" else Reason.TAKEN_BACK
        assert states(order) == [(EnrolmentState.STOPPED, expected)]


class TestRefunds:
    def test_each_refund_is_told(self):
        make_order_campaign(Trigger.ORDER_REFUNDED)
        order = make_order(make_product(), make_product())
        refund(order, "5.00")
        look()
        refund(order, "7.50")
        look()
        look()
        assert len(enrolments(order)) == 2

    def test_an_event_of_the_shops_own_name_is_one_as_well(self, settings):
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY,
            "STATUS_MILESTONES": {"Geld zurück": "refunded", "Geliefert": "delivered"},
        }
        make_order_campaign(Trigger.ORDER_REFUNDED)
        make_order_campaign(Trigger.REVIEW_REQUEST)
        order = make_order(make_product(), make_product())
        first, second = order.lines.order_by("pk")
        ship(order, {first: 1, second: 1}, name="Geliefert")
        refund(order, "20.00", {first: 1}, name="Geld da")
        look()
        assert [e.campaign.trigger for e in enrolments(order)] == [Trigger.REVIEW_REQUEST]
        refund(order, "20.00", {first: 1}, name="geld zurück ")
        look()
        by_trigger = {e.campaign.trigger: e for e in enrolments(order)}
        assert by_trigger[Trigger.ORDER_REFUNDED].state == EnrolmentState.ACTIVE
        request = by_trigger[Trigger.REVIEW_REQUEST]
        progress = load_progress([order.pk])[order.pk]
        assert [line.line_id for line in progress.open_lines] == [second.pk]
        assert (request.state, set(lines_of(request))) == (
            EnrolmentState.ACTIVE,
            {first.pk, second.pk},
        )
        assert taken_back([order.pk])[order.pk].amount == Decimal("20.00")

    @pytest.mark.parametrize(
        ("name", "words", "is_told"),
        [
            ("Erstattung", {}, True),
            ("Teilerstattung PayPal", {}, True),
            ("Gutschrift", {}, True),
            ("Partial refund", {}, True),
            ("Refund requested", {}, False),
            ("Refund declined", {}, False),
            ("Erstattung beantragt", {}, False),
            ("Refund of shipping", {"refund of shipping": ""}, False),
            ("Refund requested", {"refund-requested": "refunded"}, True),
        ],
    )
    def test_an_event_that_only_speaks_of_a_refund_is_none(self, settings, name, words, is_told):
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "STATUS_MILESTONES": words}
        make_order_campaign(Trigger.ORDER_REFUNDED)
        order = make_order()
        refund(order, "20.00", {order.lines.get(): 1}, name=name)
        look()
        assert len(enrolments(order)) == is_told

    @pytest.mark.parametrize("way", ["status", "lines", "amount"])
    def test_a_mistake_that_is_taken_back_in_time_is_not_told(self, way):
        make_order_campaign(Trigger.ORDER_REFUNDED)
        order = make_order(make_product(), make_product(), status="Delivered")
        if way == "status":
            set_status(order, "Refunded")
        elif way == "lines":
            order.lines.update(status="Refunded")
            order.save()
        else:
            event = refund(order, "5.00")
        look()
        assert states(order) == [(EnrolmentState.ACTIVE, "")]
        order.lines.update(status="Delivered")
        if way == "amount":
            event.delete()
        set_status(order, "Delivered")
        look()
        assert states(order) == [(EnrolmentState.STOPPED, Reason.SET_BACK)]

    def test_lines_whose_status_says_so_are_told_without_an_amount(self):
        make_order_campaign(Trigger.ORDER_REFUNDED)
        order = make_order(make_product(), make_product())
        first = order.lines.order_by("pk")[0]
        order.lines.filter(pk=first.pk).update(status="Refunded")
        order.save()
        look()
        (enrolment,) = enrolments(order)
        assert lines_of(enrolment) == {first.pk: 1}

    @pytest.mark.parametrize("way", ["status", "lines"])
    def test_an_amount_that_comes_later_is_the_same_refund(self, way):
        make_order_campaign(Trigger.ORDER_REFUNDED)
        order = make_order(make_product(), make_product())
        first, second = order.lines.order_by("pk")
        if way == "status":
            set_status(order, "Refunded")
        else:
            order.lines.filter(pk=first.pk).update(status="Refunded")
            order.save()
        look()
        refund(order, "20.00", {first: 1})
        look()
        assert len(enrolments(order)) == 1
        if way == "lines":
            refund(order, "20.00", {second: 1})
            look()
            assert len(enrolments(order)) == 2, "the other line's is another one"

    def test_lines_that_are_deleted_leave_what_was_told(self):
        make_order_campaign(Trigger.ORDER_REFUNDED)
        order = make_order(make_product(), make_product())
        order.lines.filter(pk=order.lines.first().pk).update(status="Refunded")
        order.save()
        look()
        order.lines.first().delete()
        refund(order, "5.00")
        look()
        assert states(order)[0] == (EnrolmentState.ACTIVE, "")

    def test_a_cancelled_line_is_no_refund_yet(self):
        make_order_campaign(Trigger.ORDER_REFUNDED)
        order = make_order(make_product(), make_product())
        line = order.lines.first()
        line.status = "Cancelled"
        line.save()
        order.save()
        look()
        assert enrolments(order) == []


class TestUnpaid:
    @pytest.fixture(autouse=True)
    def _shop(self, settings):
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY,
            "UNPAID_ORDER_STATUSES": ["Pending payment"],
            "UNPAID_BY_SOURCES": True,
        }
        self.campaign = make_order_campaign(
            Trigger.ORDER_UNPAID, delays=(DAY, 3 * DAY, 5 * DAY)
        )  # fmt: skip

    def test_by_status_until_it_is_paid(self):
        order = make_order(status="Pending payment")
        look()
        assert states(order) == [(EnrolmentState.ACTIVE, "")]
        set_status(order, "Processing")
        look()
        assert states(order) == [(EnrolmentState.STOPPED, Reason.ORDER_PAID)]

    def test_an_order_without_lines_is_owed_as_a_whole(self):
        order = make_order(status="Pending payment")
        order.lines.all().delete()
        payment = load_progress([order.pk])[order.pk].payment
        assert (payment.is_due, payment.amount_due) == (True, order.total_incl_tax)

    def test_the_time_is_counted_from_when_the_money_was_missed(self):
        """As after a direct debit that came back."""
        order = make_order(placed_at=timezone.now() - 20 * DAY)
        get_model("order", "OrderStatusChange").objects.create(
            order=order, old_status="Pending", new_status="Pending payment"
        )
        set_status(order, "Pending payment")
        look()
        (enrolment,) = enrolments(order)
        assert timezone.now() - enrolment.clock_at < dt.timedelta(minutes=1)
        assert enrolment.followups.get().due_at == enrolment.clock_at + DAY

    @pytest.mark.parametrize("is_told", [False, True])
    def test_paid_by_mistake(self, is_told):
        order = make_order(status="Pending payment")
        look()
        if is_told:
            models.FollowUp.objects.update(state=FollowUpState.DONE)
        set_status(order, "Processing")
        look()
        set_status(order, "Pending payment")
        look()
        assert states(order) == [(EnrolmentState.ACTIVE, "")]
        followups = enrolments(order)[0].followups.order_by("pk")
        told = [FollowUpState.DONE] if is_told else []
        assert [f.state for f in followups] == [*told, FollowUpState.PLANNED]

    def test_by_payment_sources(self):
        order = make_order()
        source = pay_by(order, "Kreditkarte", allocated="5.00")
        look()
        assert states(order) == [(EnrolmentState.ACTIVE, "")]
        source.debit(Decimal("20.00"))
        look()
        assert states(order) == [(EnrolmentState.STOPPED, Reason.ORDER_PAID)]

    def test_an_order_without_sources_owes_nothing(self):
        order = make_order()
        look()
        assert enrolments(order) == []

    @pytest.mark.parametrize("method", ["Rechnung", "Invoice", "Nachnahme"])
    def test_whoever_pays_later_is_left_alone(self, method):
        """PAINS 31, whatever the status says."""
        order = make_order(status="Pending payment")
        pay_by(order, method)
        order.save()
        look()
        assert enrolments(order) == []

    @pytest.mark.parametrize(
        ("name", "code"),
        [("Zahlung an der Haustür", "cash-on-delivery"), ("Später zahlen", "pay_later"),
         ("Kauf per Rechnung", "kauf-auf-rechnung")],
    )  # fmt: skip
    def test_whoever_pays_later_is_known_by_the_code_as_well(self, name, code):
        order = make_order(status="Pending payment")
        kind = get_model("payment", "SourceType").objects.create(name=name, code=code)
        get_model("payment", "Source").objects.create(order=order, source_type=kind)
        look()
        assert enrolments(order) == []

    def test_money_that_was_taken_is_paid_though_the_status_lags(self):
        order, other = make_order(status="Pending payment"), make_order(status="Pending payment")
        pay_by(order, "Kreditkarte", debited="20.00")
        # reserved is not taken: of that the status knows more
        pay_by(other, "Kreditkarte", allocated="20.00")
        look()
        assert enrolments(order) == []
        assert states(other) == [(EnrolmentState.ACTIVE, "")]

    @pytest.mark.parametrize("way", ["free", "cancelled", "returned", "refunded"])
    def test_where_nothing_is_to_be_paid_nobody_is_reminded(self, way):
        order = make_order(make_product(), make_product(), status="Pending payment")
        first, second = order.lines.all()
        if way == "free":
            type(order).objects.filter(pk=order.pk).update(total_incl_tax=0)
        elif way == "refunded":
            refund(order, "0", {first: 1, second: 1})
        else:
            first.status = "Cancelled"
            second.status = "Returned" if way == "returned" else "Cancelled"
            first.save()
            second.save()
        look()
        assert enrolments(order) == []

    def test_a_line_that_was_cancelled_is_not_owed(self):
        order = make_order(make_product(), make_product())
        order.lines.filter(pk=order.lines.first().pk).update(status="Cancelled")
        pay_by(order, "Vorkasse", debited="20.00")
        look()
        assert enrolments(order) == []

    def test_the_shop_names_who_pays_later(self, settings):
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "PAY_LATER_METHODS": ["Bankeinzug"]}
        order, other = make_order(), make_order()
        pay_by(order, "Bankeinzug")
        pay_by(other, "Rechnung")
        look()
        assert enrolments(order) == []
        assert len(enrolments(other)) == 1

    def test_a_cancelled_order_is_not_reminded(self):
        order = make_order(status="Pending payment")
        look()
        set_status(order, "Cancelled")
        look()
        assert states(order) == [(EnrolmentState.STOPPED, Reason.ORDER_CANCELLED)]

    def test_payment_closes_the_task_of_staff(self):
        order = make_order(status="Pending payment")
        look()
        task = models.StaffTask.objects.create(
            kind=models.StaffTaskKind.UNPAID_ORDER, order=order, opened_at=timezone.now()
        )
        order.save()
        look()
        task.refresh_from_db()
        assert task.closed_at is None
        set_status(order, "Processing")
        look()
        task.refresh_from_db()
        assert task.closed_at is not None


class TestSeveralCampaigns:
    """Of one trigger: what one of them has said, no other one says again."""

    def two(self, trigger=Trigger.ORDER_SHIPPED, **kwargs):
        first = make_order_campaign(trigger, priority=10, **kwargs)
        return first, make_order_campaign(trigger, priority=20, **kwargs)

    def switch_off(self, campaign):
        """Keeps the date on which it was switched on: it may be on again in a minute."""
        models.Campaign.objects.filter(pk=campaign.pk).update(is_active=False)

    def switch_on(self, campaign):
        models.Campaign.objects.filter(pk=campaign.pk).update(is_active=True)

    def swap(self, first, second):
        models.Campaign.objects.filter(pk=second.pk).update(priority=first.priority - 1)

    def touch(self, order):
        order.save()
        look()

    @pytest.mark.parametrize("how", ["off", "swapped"])
    def test_what_was_told_is_not_told_by_the_other_one(self, how):
        first, second = self.two()
        order = make_order()
        set_status(order, "Shipped")
        look()
        set_told()
        self.switch_off(first) if how == "off" else self.swap(first, second)
        self.touch(order)
        assert [e.campaign for e in enrolments(order)] == [first]

    def test_what_is_planned_stays_where_it_is_as_long_as_its_campaign_is_on(self):
        first, second = self.two()
        order = make_order()
        set_status(order, "Shipped")
        look()
        self.swap(first, second)
        self.touch(order)
        (enrolment,) = enrolments(order)
        assert (enrolment.campaign, enrolment.state) == (first, EnrolmentState.ACTIVE)

    def test_what_a_campaign_could_not_say_any_more_another_one_says(self):
        first, second = self.two()
        order = make_order()
        set_status(order, "Shipped")
        look()
        self.switch_off(first)
        self.touch(order)
        assert states(order) == [
            (EnrolmentState.STOPPED, Reason.SUPERSEDED), (EnrolmentState.ACTIVE, ""),
        ]  # fmt: skip
        assert [e.campaign for e in enrolments(order)] == [first, second]
        # both are on again: nobody hears it twice
        self.switch_on(first)
        self.touch(order)
        assert [e.state for e in enrolments(order)] == ["stopped", "active"]

    def test_what_staff_have_cancelled_stays_cancelled(self):
        first, _second = self.two()
        order = make_order()
        set_status(order, "Shipped")
        look()
        stop(enrolments(order), Reason.STAFF, timezone.now())
        self.switch_off(first)
        self.touch(order)
        assert states(order) == [(EnrolmentState.STOPPED, Reason.STAFF)]

    @pytest.mark.parametrize("start", ["delivered", "shipped"])
    def test_nobody_is_asked_twice_for_a_review(self, start):
        """Also where the other campaign begins at another milestone."""
        first, second = self.two(Trigger.REVIEW_REQUEST, starts_with="delivered")
        models.Campaign.objects.filter(pk=second.pk).update(starts_with=start)
        order = make_order(make_product(), make_product())
        one, two = order.lines.order_by("pk")
        ship(order, {one: 1, two: 1})
        ship(order, {one: 1}, name="Delivered")
        look()
        set_told()
        self.switch_off(first)
        self.touch(order)
        ship(order, {two: 1}, name="Delivered")
        look()
        asked = [(e.campaign, lines_of(e)) for e in enrolments(order)]
        assert asked == [(first, {one.pk: 1}), (second, {two.pk: 1})]

    @pytest.mark.parametrize("start", ["delivered", "shipped"])
    def test_a_request_that_was_not_made_is_taken_over(self, start):
        first, second = self.two(Trigger.REVIEW_REQUEST, starts_with="delivered")
        models.Campaign.objects.filter(pk=second.pk).update(starts_with=start)
        order = make_order()
        set_status(order, "Delivered")
        look()
        self.switch_off(first)
        self.touch(order)
        self.switch_on(first)
        self.touch(order)
        running = [e.campaign for e in enrolments(order) if e.state == EnrolmentState.ACTIVE]
        assert running == [second]

    def test_two_reminders_to_pay_over_all_campaigns(self, settings):
        settings.CART_RECOVERY = {
            **settings.CART_RECOVERY,
            "UNPAID_ORDER_STATUSES": ["Pending payment"],
        }
        first, _second = self.two(Trigger.ORDER_UNPAID, delays=(DAY, 3 * DAY))
        order = make_order(status="Pending payment")
        look()
        models.FollowUp.objects.update(state=FollowUpState.DONE)
        self.switch_off(first)
        self.touch(order)
        assert [e.campaign for e in enrolments(order)] == [first]


class TestPeople:
    def test_the_guest_who_is_known_already(self):
        contact = make_contact("erika@example.de", phone="+4915123456789")
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order(email="Erika@Example.de")
        set_status(order, "Shipped")
        look()
        assert enrolments(order)[0].contact == contact

    def test_the_number_that_an_order_brings(self):
        """As where an app places orders and nobody walks through the checkout's pages."""
        contact = make_contact("erika@example.de")
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order(email="erika@example.de", phone="+4915123456789")
        set_status(order, "Shipped")
        look()
        contact.refresh_from_db()
        assert enrolments(order)[0].contact == contact
        assert contact.phone == "+4915123456789"

    def test_the_customer(self):
        user = make_user("kunde@example.de")
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order(user=user)
        set_status(order, "Shipped")
        look()
        assert enrolments(order)[0].contact.user == user

    def test_nobody_where_no_campaign_wants_them(self):
        order = make_order(email="unbekannt@example.de")
        set_status(order, "Shipped")
        look()
        assert not models.Contact.objects.filter(email_key="unbekannt@example.de").exists()

    def test_whoever_was_erased_stays_unknown(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order(email="weg@example.de")
        set_status(order, "Shipped")
        look()
        erase([enrolments(order)[0].contact], source="staff", now=timezone.now())
        set_status(order, "Pending")
        set_status(order, "Shipped")
        look()
        assert enrolments(order) == []
        assert not models.Contact.objects.filter(email_key="weg@example.de").exists()

    def shipped(self, **whose):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order(**whose)
        set_status(order, "Shipped")
        look()
        return order

    def correct(self, order, email):
        order.guest_email = email
        order.save()
        look()

    def test_a_mistyped_address_is_corrected(self):
        order = self.shipped(email="erkia@example.de")
        self.correct(order, "erika@example.de")
        (enrolment,) = enrolments(order)
        assert enrolment.contact.email == "erika@example.de"
        assert enrolment.state == EnrolmentState.ACTIVE
        assert models.TrackedOrder.objects.get().contact == enrolment.contact

    def test_an_order_that_is_given_to_another_account(self):
        user = make_user("kunde@example.de")
        order = self.shipped(email="gast@example.de")
        order.user, order.guest_email = user, ""
        order.save()
        look()
        assert enrolments(order)[0].contact.user == user

    def test_a_customer_changes_the_address_of_the_account(self):
        user = make_user("alt@example.de")
        order = self.shipped(user=user)
        user.email = "neu@example.de"
        user.save()
        order.save()
        look()
        (enrolment,) = enrolments(order)
        assert (enrolment.contact.user, enrolment.contact.email) == (user, "neu@example.de")

    def test_what_was_told_stays_with_whom_it_was_told(self):
        order = self.shipped(email="erkia@example.de")
        set_told()
        self.correct(order, "erika@example.de")
        (enrolment,) = enrolments(order)
        assert enrolment.contact.email == "erkia@example.de"

    def test_what_ended_begins_again_for_the_right_person(self):
        order = self.shipped(email="erkia@example.de")
        set_status(order, "Pending")
        look()
        order.guest_email = "erika@example.de"
        set_status(order, "Shipped")
        look()
        (enrolment,) = enrolments(order)
        assert enrolment.contact.email == "erika@example.de"
        assert enrolment.state == EnrolmentState.ACTIVE

    def test_an_address_that_nobody_can_be_reached_at_ends_it_until_it_is_corrected(self):
        order = self.shipped(email="erkia@example.de")
        self.correct(order, "keine Adresse")
        assert states(order) == [(EnrolmentState.STOPPED, Reason.OTHER_PERSON)]
        assert models.TrackedOrder.objects.get().contact is None
        self.correct(order, "erika@example.de")
        (enrolment,) = enrolments(order)
        assert enrolment.state == EnrolmentState.ACTIVE
        assert enrolment.contact.email == "erika@example.de"

    @pytest.mark.parametrize("is_member", [False, True])
    def test_nobody_who_was_erased_comes_back_with_a_corrected_order(self, is_member):
        user = make_user("weg@example.de")
        contact = resolve_users([user.pk])[user.pk]
        erase([contact], source="staff", now=timezone.now())
        order = self.shipped(email="gast@example.de")
        order.user = user if is_member else None
        self.correct(order, "" if is_member else "weg@example.de")
        assert states(order) == [(EnrolmentState.STOPPED, Reason.OTHER_PERSON)]
        assert not models.Contact.objects.filter(email_key="weg@example.de").exists()

    def test_a_spelling_and_a_deleted_account_name_nobody_else(self):
        user = make_user("kunde@example.de")
        order, other = self.shipped(user=user), make_order(email="gast@example.de")
        look()
        contact = enrolments(order)[0].contact
        self.correct(other, "Gast@Example.DE")
        get_model("order", "Order").objects.filter(pk=order.pk).update(user=None)
        order.refresh_from_db()
        order.save()
        look()
        assert enrolments(order)[0].contact == contact
        assert models.Contact.objects.filter(email_key="gast@example.de").count() == 1

    def test_a_merged_contact_stays_the_right_one(self):
        order = self.shipped(email="gast@example.de")
        winner = make_contact("erika@example.de")
        merge(winner, enrolments(order)[0].contact)
        order.save()
        look()
        assert enrolments(order)[0].contact == winner

    def test_orders_from_before_this_was_kept_keep_their_contact(self):
        order = self.shipped(email="gast@example.de")
        contact = make_contact("erika@example.de")
        models.TrackedOrder.objects.update(named_digest="", contact=contact)
        order.save()
        look()
        tracked = models.TrackedOrder.objects.get()
        assert tracked.contact == contact
        assert len(tracked.named_digest) == 64

    def test_corrections_cost_a_batch_the_same_whatever_its_size(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)

        def cost(number):
            orders = [make_order(email=f"alt{number}-{n}@example.de") for n in range(number)]
            for order in orders:
                set_status(order, "Shipped")
            look()
            for n, order in enumerate(orders):
                order.guest_email = f"neu{number}-{n}@example.de"
                make_contact(order.guest_email)
                order.save()
            with CaptureQueriesContext(connection) as queries:
                look()
            assert all("neu" in enrolments(order)[0].contact.email for order in orders)
            return len(queries)

        assert cost(2) == cost(20)

    def test_a_new_order_ends_carts_and_not_news_of_the_last_order(self):
        make_order_campaign(Trigger.ORDER_SHIPPED)
        order = make_order(email="erika@example.de")
        set_status(order, "Shipped")
        look()
        make_order(email="erika@example.de")
        look()
        assert states(order) == [(EnrolmentState.ACTIVE, "")]


def test_a_batch_costs_the_same_whatever_its_size():
    make_order_campaign(Trigger.ORDER_DELIVERED)
    make_order_campaign(Trigger.REVIEW_REQUEST)
    make_order_campaign(Trigger.ORDER_UNPAID)

    def cost(number):
        orders = [make_order(make_product(), make_product()) for _ in range(number)]
        for order in orders:
            make_contact(order.guest_email)
            set_status(order, "Delivered")
        with CaptureQueriesContext(connection) as queries:
            assert look().looked_at == number
        assert models.Enrolment.objects.filter(order__order__in=orders).count() == number * 2
        return len(queries)

    assert cost(2) == cost(20)


def test_what_changes_while_it_is_looked_at_is_looked_at_again(monkeypatch):
    make_order_campaign(Trigger.ORDER_SHIPPED)
    order = make_order()
    from cart_recovery.orders import looking

    keep = looking.keep

    def change_meanwhile(sightings):
        keep(sightings)

    def look_and_change(limit):
        found = original(limit)
        models.TrackedOrder.objects.update(changed_at=timezone.now() + dt.timedelta(seconds=1))
        return found

    original = looking.look
    monkeypatch.setattr(looking, "look", look_and_change)
    monkeypatch.setattr(looking, "keep", change_meanwhile)
    set_status(order, "Shipped")
    assert look().looked_at == 0
    monkeypatch.setattr(looking, "look", original)
    assert look().looked_at == 1
    assert len(enrolments(order)) == 1


def test_a_failing_reversal_is_tried_again():
    order = make_order()

    def fail(order_ids):
        raise RuntimeError("conversions cannot be settled")

    from cart_recovery.campaigns.order_planning import plan_orders

    with pytest.raises(RuntimeError):
        plan_orders(timezone.now(), on_change=fail)
    assert models.TrackedOrder.objects.get(order=order).changed_at is not None


def test_an_order_that_is_deleted_leaves_nothing_to_do():
    order = make_order()
    get_model("order", "Order").objects.filter(pk=order.pk).delete()
    assert look().looked_at == 1
    assert look().looked_at == 0
