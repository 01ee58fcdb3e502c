"""What messages suggest beside what they are about, and to whom they may."""

from __future__ import annotations

import datetime as dt

import pytest
from django.utils import timezone

from cart_recovery import models
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.models import Purpose, Trigger
from cart_recovery.rendering.defaults import install_defaults
from tests.delivery.test_orders import PHONE, deliver, switch_on
from tests.factories import make_basket, make_consent, make_contact, make_followup, make_product
from tests.orders.kit import look, make_order, set_status
from tests.recommendations.purchases import recommend_with

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


class TestOrders:
    def test_never_what_was_bought_under_the_same_number(self) -> None:
        mill, beans, pot = (make_product(t) for t in ("Kaffeemühle", "Kaffeebohnen", "Teekanne"))
        recommend_with(mill, beans)
        recommend_with(mill, pot)
        switch_on(Trigger.CROSS_SELL)
        make_consent(make_contact("neu@example.de", phone=PHONE), purpose=Purpose.PROMOTION)
        make_order(beans, email="alt@example.de", phone=PHONE)
        set_status(make_order(mill, email="neu@example.de", phone=PHONE), "Delivered")
        look()
        (sent,) = deliver()
        assert "Kaffeebohnen" not in sent.html
        assert "Teekanne" in sent.html
