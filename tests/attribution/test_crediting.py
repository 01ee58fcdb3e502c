"""Which order is credited to which message (PAINS 26), through the shop's own pages."""

from __future__ import annotations

import datetime as dt
import threading
from decimal import Decimal
from functools import partial

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery import models, sweep
from cart_recovery.attribution.crediting import credit_order, credit_pending
from cart_recovery.attribution.reversals import take_back
from cart_recovery.campaigns.order_planning import plan_orders
from cart_recovery.signals import order_credited
from tests import checkout, factories
from tests.restore_links import kit
from tests.restore_links.test_restoring import place_directly

pytestmark = pytest.mark.django_db
NOW = timezone.now()
EMAIL = "erika@example.de"


def sent_link(basket=None, contact=None, *, campaign=None, channel="email"):
    """A link whose message was sent; gives (token, message)."""
    basket = basket or factories.make_basket(factories.make_product("Teekanne", stock=100))
    token = kit.make_link(basket, contact)
    link = models.RestoreLink.objects.latest("pk")
    if campaign:
        models.Campaign.objects.filter(pk=link.followup.step.campaign_id).update(**campaign)
    message = models.Message.objects.create(
        followup=link.followup, contact=link.contact, channel=channel, language="de",
        to_address="x", address_digest="x", sending_at=NOW, created_at=NOW,
    )  # fmt: skip
    return token, message


def move_clicks(**delta):
    """Put all clicks so far into the past."""
    for click in models.LinkClick.objects.all():
        models.LinkClick.objects.filter(pk=click.pk).update(
            clicked_at=click.clicked_at - dt.timedelta(**delta)
        )


def conversion_of(order):
    """As it is after the next sweep."""
    credit_order(order.pk)
    plan_orders(timezone.now(), on_change=partial(take_back, now=timezone.now()))
    return models.Conversion.objects.filter(order=order).first()


def test_the_restored_basket_is_credited_with_all_facts(client):
    token, message = sent_link()
    kit.tap(client, token)
    order = checkout.place_order_as_guest(client, None, email="gast@example.de")
    conversion = conversion_of(order)
    step = message.followup.step
    assert (conversion.amount, conversion.currency) == (order.total_incl_tax, "EUR")
    assert (conversion.message, conversion.step) == (message, step)
    assert (conversion.campaign, conversion.channel) == (step.campaign, "email")
    assert conversion.basis == "restored_basket"
    assert conversion.contact == message.contact
    assert conversion.order_number == order.number
    assert conversion.refunded_amount == 0


def test_the_restored_basket_counts_however_long_it_takes(client):
    token, _message = sent_link()
    kit.tap(client, token)
    move_clicks(days=20)
    assert conversion_of(checkout.place_order_as_guest(client, None)).basis == "restored_basket"


def test_ones_own_basket_counts_as_restored(client):
    checkout.add_to_basket(client, factories.make_product())
    token, _message = sent_link(kit.basket_of(client))
    kit.tap(client, token)
    assert conversion_of(checkout.place_order_as_guest(client, None)).basis == "restored_basket"


def guest_in_another_spelling(product):
    return checkout.place_order_as_guest(Client(), product, email=" Erika@EXAMPLE.de".strip())


def guest_with_the_same_number(product):
    return checkout.place_order_as_guest(
        Client(), product, email="neu@example.de", phone="0151 23456789"
    )


def guest_turned_customer(product):
    user = get_user_model().objects.create_user("erika", "ERIKA@example.de", "geheim-123")
    return checkout.place_order_as_user(Client(), user, product)


def guest_who_pays_later(product):
    return place_directly(factories.make_basket(product), email=EMAIL)


@pytest.mark.parametrize(
    "buy",
    [guest_in_another_spelling, guest_with_the_same_number, guest_turned_customer, guest_who_pays_later],
)  # fmt: skip
def test_the_same_person_is_known_in_another_browser_with_another_basket(client, buy):
    contact = factories.make_contact(EMAIL, phone="+4915123456789")
    token, message = sent_link(contact=contact)
    kit.tap(client, token)
    order = buy(factories.make_product("Etwas anderes"))
    conversion = conversion_of(order)
    assert (conversion.message, conversion.basis) == (message, "click")


def test_a_member_is_known_whatever_address_the_account_has_now(client):
    user = factories.make_user("alt@example.de")
    contact = factories.make_contact(EMAIL, user=user)
    token, message = sent_link(contact=contact)
    kit.tap(client, token)
    order = checkout.place_order_as_user(Client(), user, factories.make_product(), phone="")
    assert conversion_of(order).message == message


def test_a_friend_who_signs_in_before_ordering_is_credited_by_the_session(client):
    token, message = sent_link()
    kit.tap(client, token)
    friend = factories.make_user()
    order = checkout.place_order_as_user(client, friend, None, phone="")
    assert conversion_of(order).message == message
    assert conversion_of(order).basis == "restored_basket"
    # a later order of the friend is their own
    move_clicks(days=6)
    later = checkout.place_order_as_user(client, friend, factories.make_product(), phone="")
    assert conversion_of(later) is None


def test_a_stranger_is_not_credited(client):
    token, _message = sent_link(contact=factories.make_contact(EMAIL))
    kit.tap(client, token)
    order = checkout.place_order_as_guest(
        Client(), factories.make_product(), email="fremd@example.de", phone=""
    )
    assert conversion_of(order) is None


def test_nobody_is_credited_without_a_click(client):
    sent_link(contact=factories.make_contact(EMAIL))
    order = checkout.place_order_as_guest(client, factories.make_product(), email=EMAIL)
    assert conversion_of(order) is None


def test_a_look_is_not_a_click(client):
    token, _message = sent_link(contact=factories.make_contact(EMAIL))
    kit.show(client, token)
    order = checkout.place_order_as_guest(client, factories.make_product(), email=EMAIL)
    assert conversion_of(order) is None


def test_a_machines_click_does_not_count(client):
    token, _message = sent_link(contact=factories.make_contact(EMAIL))
    client.post(kit.link_path(token), {"tap": "1"}, HTTP_USER_AGENT="SomeBot/1.0")
    assert models.LinkClick.objects.get().is_machine
    order = checkout.place_order_as_guest(client, None, email=EMAIL)
    assert conversion_of(order) is None


def test_a_click_after_the_order_does_not_count(client):
    contact = factories.make_contact(EMAIL)
    token, _message = sent_link(contact=contact)
    order = checkout.place_order_as_guest(Client(), factories.make_product(), email=EMAIL)
    kit.tap(client, token)
    assert models.LinkClick.objects.exists()
    assert conversion_of(order) is None


@pytest.mark.parametrize(
    ("campaign", "days", "counts"),
    [({}, 4.9, True), ({}, 5.1, False),
     ({"attribution_window": dt.timedelta(days=10)}, 9.9, True),
     ({"attribution_window": dt.timedelta(days=10)}, 10.1, False),
     ({"attribution_window": dt.timedelta(days=1)}, 1.1, False),
     ({"attribution_window": dt.timedelta(0)}, 0.1, False)],
)  # fmt: skip
def test_the_window_of_the_campaign_or_else_of_the_settings_holds(client, campaign, days, counts):
    token, _message = sent_link(contact=factories.make_contact(EMAIL), campaign=campaign)
    kit.tap(client, token)
    move_clicks(days=days)
    order = checkout.place_order_as_guest(Client(), factories.make_product(), email=EMAIL)
    assert (conversion_of(order) is not None) is counts


def test_the_last_touch_wins(client):
    contact = factories.make_contact(EMAIL)
    first, _early = sent_link(contact=contact)
    second, late = sent_link(contact=contact, channel="sms")
    kit.tap(client, first)
    move_clicks(hours=2)
    kit.tap(Client(), second)
    order = checkout.place_order_as_guest(Client(), factories.make_product(), email=EMAIL)
    assert conversion_of(order).message == late
    assert conversion_of(order).channel == "sms"


def test_an_order_is_credited_once(client):
    token, _message = sent_link()
    kit.tap(client, token)
    order = checkout.place_order_as_guest(client, None)
    for _ in range(3):
        credit_order(order.pk)
        credit_pending(NOW, 100)
    assert models.Conversion.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("is_friend", [False, True])
def test_the_order_itself_sets_the_crediting_off(client, is_friend):
    """Whatever receivers and commits there are in a shop; nobody calls anything by hand."""
    heard = []

    def listen(sender, conversion, **kwargs):
        heard.append(conversion)
        raise ValueError("a shop's receiver may fail")

    order_credited.connect(listen)
    try:
        token, message = sent_link()
        kit.tap(client, token)
        if is_friend:
            order = checkout.place_order_as_user(client, factories.make_user(), None, phone="")
        else:
            order = checkout.place_order_as_guest(client, None)
    finally:
        order_credited.disconnect(listen)
    assert [(c.order, c.message) for c in heard] == [(order, message)]
    assert not models.TrackedCart.objects.filter(order=order, credited_at=None).exists()
    order.set_status("Cancelled")
    sweep.run(timezone.now())
    assert models.Conversion.objects.get().reversed_at is not None


def test_two_orders_of_one_click_are_two_conversions(client):
    token, _message = sent_link(contact=factories.make_contact(EMAIL))
    kit.tap(client, token)
    one = checkout.place_order_as_guest(client, None, email=EMAIL)
    two = checkout.place_order_as_guest(Client(), factories.make_product(), email=EMAIL)
    assert [conversion_of(o).basis for o in (one, two)] == ["restored_basket", "click"]


@pytest.mark.parametrize("number", [1, 30])
def test_the_sweep_credits_what_the_signals_missed(client, number):
    for n in range(number):
        token, _message = sent_link()
        visitor = Client()
        kit.tap(visitor, token)
        basket = kit.basket_of(visitor)
        order = get_model("order", "Order").objects.create(
            number=f"api-{n}", basket=basket, total_incl_tax=10, total_excl_tax=10, currency="EUR",
            date_placed=timezone.now(), status="Pending",
        )  # fmt: skip
        models.TrackedCart.objects.filter(basket=basket).update(
            state="ordered", order=order, closed_at=NOW
        )
    with CaptureQueriesContext(connection) as queries:
        assert credit_pending(timezone.now(), 100) == number
    assert len(queries) <= 26
    assert credit_pending(timezone.now(), 100) == 0
    assert models.Conversion.objects.count() == number
    assert not models.TrackedCart.objects.filter(state="ordered", credited_at=None).exists()


def test_carts_without_merit_are_looked_at_once(client):
    checkout.place_order_as_guest(client, factories.make_product())
    assert models.TrackedCart.objects.filter(state="ordered", credited_at=None).count() == 1
    assert credit_pending(NOW, 100) == 0
    with CaptureQueriesContext(connection) as queries:
        assert credit_pending(NOW, 100) == 0
    assert len(queries) == 1


def test_an_order_that_is_gone_is_no_error():
    assert credit_order(12345) is None


def test_a_cancelled_order_is_not_credited_late(client):
    token, _message = sent_link()
    kit.tap(client, token)
    order = checkout.place_order_as_guest(client, None)
    models.Conversion.objects.all().delete()
    order.set_status("Cancelled")
    assert conversion_of(order) is None


# --- taking it back -----------------------------------------------------------------------------------


@pytest.fixture
def credited(client):
    """An order of 100.00 and its conversion."""
    product = factories.make_product("Teekanne", price="100.00")
    token, _message = sent_link(factories.make_basket(product))
    kit.tap(client, token)
    order = checkout.place_order_as_guest(client, None)
    assert conversion_of(order).amount == Decimal("100.00")
    return order


def source_of(order):
    kind, _ = get_model("payment", "SourceType").objects.get_or_create(name="Karte")
    return get_model("payment", "Source").objects.create(
        order=order, source_type=kind, amount_allocated=100, amount_debited=100
    )


def payment_event(order, amount, name="Refunded"):
    kind, _ = get_model("order", "PaymentEventType").objects.get_or_create(name=name)
    get_model("order", "PaymentEvent").objects.create(order=order, amount=amount, event_type=kind)


@pytest.mark.parametrize("how", ["set_status", "save"])
def test_a_cancelled_order_is_taken_back_whole(credited, how):
    if how == "set_status":
        credited.set_status("Cancelled")
    else:
        credited.status = "Storniert"
        credited.save()
    conversion = conversion_of(credited)
    assert conversion.refunded_amount == Decimal("100.00")
    assert conversion.reversed_at is not None


@pytest.mark.parametrize("status", ["Being processed"])
def test_other_statuses_take_nothing_back(credited, status):
    credited.set_status(status)
    assert conversion_of(credited).refunded_amount == 0


def test_refunds_of_a_payment_source_add_up(credited):
    source = source_of(credited)
    source.refund(Decimal("30.00"))
    assert conversion_of(credited).refunded_amount == Decimal("30.00")
    assert conversion_of(credited).reversed_at is None
    source.refund(Decimal("70.00"))
    assert conversion_of(credited).refunded_amount == Decimal("100.00")
    assert conversion_of(credited).reversed_at is not None


@pytest.mark.parametrize("name", ["Refunded", "Refund", "Partial refund"])
def test_refund_events_of_an_order_count(credited, name):
    payment_event(credited, 25, name)
    payment_event(credited, 10, name)
    assert conversion_of(credited).refunded_amount == Decimal("35.00")


def test_other_payment_events_do_not_count(credited):
    payment_event(credited, 100, "Paid")
    assert conversion_of(credited).refunded_amount == 0


def test_one_refund_that_is_told_three_ways_counts_once(credited):
    source_of(credited).refund(Decimal("30.00"))
    payment_event(credited, 30)
    assert conversion_of(credited).refunded_amount == Decimal("30.00")


def test_a_refund_beyond_the_order_takes_back_the_order_and_no_more(credited):
    source_of(credited).refund(Decimal("150.00"))
    assert conversion_of(credited).refunded_amount == Decimal("100.00")


def test_a_refund_that_is_undone_gives_the_credit_back(credited):
    source = source_of(credited)
    source.amount_refunded = 100
    source.save()
    assert conversion_of(credited).reversed_at is not None
    source.amount_refunded = 40
    source.save()
    assert conversion_of(credited).reversed_at is None
    assert conversion_of(credited).refunded_amount == Decimal("40.00")


def test_a_refund_before_the_crediting_is_found_by_it(client, credited):
    models.Conversion.objects.all().delete()
    source_of(credited).refund(Decimal("30.00"))
    assert conversion_of(credited).refunded_amount == Decimal("30.00")


def test_cancelled_lines_count_by_their_price(settings, client):
    settings.OSCAR_LINE_STATUS_PIPELINE = {"Pending": ("Cancelled",), "Cancelled": ()}
    tea = factories.make_product("Teekanne", price="60.00")
    cup = factories.make_product("Tasse", price="40.00")
    token, _message = sent_link(factories.make_basket(tea, cup))
    kit.tap(client, token)
    order = checkout.place_order_as_guest(client, None)
    line_model = get_model("order", "Line")
    pipeline, line_model.pipeline = line_model.pipeline, settings.OSCAR_LINE_STATUS_PIPELINE
    try:
        order.lines.get(product=cup).set_status("Cancelled")
        assert conversion_of(order).refunded_amount == Decimal("40.00")
        assert conversion_of(order).reversed_at is None
        order.lines.get(product=tea).set_status("Cancelled")
        assert conversion_of(order).reversed_at is not None
    finally:
        line_model.pipeline = pipeline


def test_a_deleted_order_leaves_its_conversion_standing(credited):
    number = credited.number
    credited.delete()
    assert models.Conversion.objects.get(order_number=number).order is None


def test_orders_that_were_never_credited_cost_one_query(client):
    order = checkout.place_order_as_guest(client, factories.make_product())
    with CaptureQueriesContext(connection) as queries:
        take_back([order.pk], NOW)
    assert len(queries) == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_many_at_once_credit_an_order_once(client):
    token, _message = sent_link()
    kit.tap(client, token)
    order = checkout.place_order_as_guest(client, None)
    models.Conversion.objects.all().delete()
    barrier = threading.Barrier(4, timeout=20)
    results = []

    def credit():
        try:
            barrier.wait()
            results.append(credit_order(order.pk))
        finally:
            connection.close()

    threads = [threading.Thread(target=credit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert models.Conversion.objects.count() == 1
    assert len({r.pk for r in results}) == 1
