"""What messages suggest beside what they are about, and to whom they may."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery import models
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.consent import wordings
from cart_recovery.consent.soft_opt_ins import note_sale
from cart_recovery.models import Contact, FollowUpState, Purpose, Reason, Trigger
from cart_recovery.rendering.defaults import install_defaults
from cart_recovery.shop.orders import order_facts
from tests.checkout import make_country
from tests.consent.test_soft_opt_ins import remind
from tests.delivery.test_orders import LATER, PHONE, deliver, reasons, switch_on
from tests.factories import make_basket, make_consent, make_contact, make_followup, make_product
from tests.orders.kit import look, make_order, set_status
from tests.recommendations.purchases import make_category, recommend_with

pytestmark = pytest.mark.django_db(transaction=True)
EMAIL = "erika@example.de"


@pytest.fixture(autouse=True)
def _outbox() -> None:
    LocmemChannel.reset()


def suggest_in(code: str, link: str) -> None:
    """Let a mail show nothing but suggestions and the link that it cannot do without."""
    install_defaults()
    models.MessageTemplate.objects.filter(code=code, channel="email").update(
        html=f'<p><a href="{{{{ {link} }}}}">x</a></p>{{% recommendations %}}'
    )


def bill_to(order: Any, country: str) -> None:
    order.billing_address = get_model("order", "BillingAddress").objects.create(
        last_name="Mustermann", line1="Heidestraße 17", line4="Köln", postcode="51147",
        country=make_country(country, country),
    )  # fmt: skip
    order.save()


class TestReminders:
    def test_never_what_was_bought_before(self) -> None:
        mill, beans, pot = (make_product(t) for t in ("Kaffeemühle", "Kaffeebohnen", "Teekanne"))
        recommend_with(mill, beans)
        recommend_with(mill, pot)
        suggest_in("abandoned-basket-1", "restore_url")
        contact = make_consent(make_contact(EMAIL))
        make_order(beans, email=EMAIL, placed_at=timezone.now() - dt.timedelta(days=30))
        make_followup(contact=contact, basket=make_basket(mill))
        (sent,) = deliver()
        assert "Kaffeebohnen" not in sent.html
        assert "Teekanne" in sent.html


@pytest.fixture
def _soft_opt_in(settings: Any) -> None:
    wordings.install_defaults()
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "SOFT_OPT_IN": True}


def sold_with_notice(*products: Any) -> Any:
    """An order whose checkout showed the notice of UWG §7(3)."""
    order = make_order(*products, email=EMAIL)
    facts = order_facts(order.pk)
    assert facts is not None
    assert note_sale(facts, wordings.current("checkout-soft-email", "de"), objected=False)
    return order


@pytest.mark.usefixtures("_soft_opt_in")
class TestExistingCustomers:
    """Nothing but a sale permits to write to them: similar goods alone (UWG §7(3))."""

    def test_reminders(self) -> None:
        boots, shoes, polish, chair = (
            make_product(t) for t in ("Stiefel", "Schuhe", "Fett", "Stuhl")
        )
        make_category("Schuhe", boots, shoes, polish)
        make_category("Garten", chair)
        recommend_with(shoes, chair)
        recommend_with(shoes, polish)
        suggest_in("abandoned-basket-1", "restore_url")
        sold_with_notice(boots)
        sent = remind(Contact.objects.get(email_key=EMAIL), shoes)
        assert sent is not None
        assert "Basistarifen" in sent.text
        assert "Fett" in sent.html
        assert "Stuhl" not in sent.html

    @pytest.mark.parametrize("is_similar", [True, False])
    def test_cross_sell(self, is_similar: bool) -> None:
        mill, beans, chair = (make_product(t) for t in ("Mühle", "Bohnen", "Stuhl"))
        make_category("Kaffee", mill, *([beans] if is_similar else []))
        recommend_with(mill, chair)
        recommend_with(mill, beans)
        switch_on(Trigger.CROSS_SELL)
        order = sold_with_notice(mill)
        set_status(order, "Delivered")
        look()
        sent = deliver()
        if is_similar:
            assert "Bohnen" in sent[0].html
            assert "Basistarifen" in sent[0].text
            assert "Stuhl" not in sent[0].html
        else:
            assert sent == []
            assert reasons(order) == [(FollowUpState.SKIPPED, Reason.NOTHING_TO_SUGGEST)]


class TestReviewRequests:
    @pytest.mark.parametrize("agreed_to_offers", [True, False])
    def test_only_to_who_agreed_to_offers(self, agreed_to_offers: bool) -> None:
        mill, beans = make_product("Mühle"), make_product("Bohnen")
        recommend_with(mill, beans)
        switch_on(Trigger.REVIEW_REQUEST)
        suggest_in("review-request-1", "action_url")
        contact = make_consent(make_contact(EMAIL), purpose=Purpose.REVIEW_REQUEST)
        if agreed_to_offers:
            make_consent(contact, purpose=Purpose.PROMOTION)
        set_status(make_order(mill, email=EMAIL), "Delivered")
        look()
        (sent,) = deliver()
        assert ("Bohnen" in sent.html) == agreed_to_offers


class TestOrders:
    @pytest.mark.parametrize(
        ("goes_to", "paid_from", "is_shown"),
        [("US", "US", True), ("US", "", True), ("US", "DE", False), ("DE", "US", False)],
    )
    def test_news_advertise_where_all_the_order_s_countries_let_them(
        self, goes_to: str, paid_from: str, is_shown: bool
    ) -> None:
        mill, beans = make_product("Mühle"), make_product("Bohnen")
        recommend_with(mill, beans)
        switch_on(Trigger.ORDER_SHIPPED)
        suggest_in("order-shipped", "action_url")
        order = make_order(mill, country=goes_to)
        if paid_from:
            bill_to(order, paid_from)
        set_status(order, "Shipped")
        look()
        (sent,) = deliver()
        assert ("Bohnen" in sent.html) == is_shown

    def test_no_voucher_for_what_is_not_sent(self) -> None:
        incentive = models.Incentive.objects.create(
            name="Danke", kind=models.IncentiveKind.PERCENTAGE, value=10, valid_for=LATER
        )
        switch_on(Trigger.CROSS_SELL)
        models.Step.objects.filter(campaign__trigger=Trigger.CROSS_SELL).update(incentive=incentive)
        mill, beans, pot = make_product("Mühle"), make_product("Bohnen"), make_product("Kanne")
        recommend_with(mill, beans)
        orders = []
        for number, product in enumerate((mill, pot)):
            make_consent(make_contact(f"x{number}@example.de"), purpose=Purpose.PROMOTION)
            orders.append(make_order(product, email=f"x{number}@example.de"))
            set_status(orders[-1], "Delivered")
        look()
        (sent,) = deliver()
        assert reasons(orders[1]) == [(FollowUpState.SKIPPED, Reason.NOTHING_TO_SUGGEST)]
        assert models.VoucherGrant.objects.get().code in sent.html
        assert get_model("voucher", "Voucher").objects.count() == 1

    @pytest.mark.parametrize("knows_number", [True, False])
    def test_never_what_was_bought_under_the_same_number(self, knows_number: bool) -> None:
        mill, beans, pot = (make_product(t) for t in ("Kaffeemühle", "Kaffeebohnen", "Teekanne"))
        recommend_with(mill, beans)
        recommend_with(mill, pot)
        switch_on(Trigger.CROSS_SELL)
        contact = make_contact("neu@example.de", phone=PHONE if knows_number else None)
        make_consent(contact, purpose=Purpose.PROMOTION)
        make_order(beans, email="alt@example.de", phone=PHONE)
        set_status(make_order(mill, email="neu@example.de", phone=PHONE), "Delivered")
        look()
        (sent,) = deliver()
        assert "Kaffeebohnen" not in sent.html
        assert "Teekanne" in sent.html
