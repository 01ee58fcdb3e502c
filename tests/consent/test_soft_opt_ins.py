"""Existing customers, UWG §7(3) and PROVIDERS §3: only after a sale, with a notice, until they object."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from django.template import Context, Template
from django.test import Client
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery.channels.base import OutgoingMessage
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.consent import permissions, soft_opt_ins
from cart_recovery.consent.wordings import current
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import ConsentRecord, Contact, Enrolment, TrackedCart
from tests import checkout
from tests.consent.words import say
from tests.factories import make_basket, make_contact, make_followup, make_product, make_user

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("shipped_wordings")]

EMAIL = "gast@example.de"


@pytest.fixture(autouse=True)
def shop(settings):
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "SOFT_OPT_IN": True}
    settings.MIDDLEWARE = [
        *settings.MIDDLEWARE, "cart_recovery.consent.middleware.ConsentMiddleware"
    ]  # fmt: skip


def notice(*, objected: bool = False) -> dict[str, str]:
    """What the form of the shipping address carries with our notice inside."""
    fields = {soft_opt_ins.WORDING_FIELD: str(current("checkout-soft-email", "de").pk)}
    return fields | ({soft_opt_ins.OBJECTION_FIELD: "yes"} if objected else {})


def order(client: Client | None = None, *, email: str = EMAIL, **fields: str):
    client = client or Client()
    checkout.add_to_basket(client, make_product())
    checkout.enter_as_guest(client, email)
    checkout.enter_address(client, **fields)
    checkout.go_to_preview(client)
    return checkout.placed_order(checkout.submit_order(client))


def remind(contact: Contact, product) -> OutgoingMessage | None:
    """Let a reminder of a basket with this product become due, a while after the sale."""
    at = timezone.now() + dt.timedelta(days=30)
    basket = make_basket(product)
    followup = make_followup(contact=contact, basket=basket, due_at=at)
    TrackedCart.objects.filter(basket=basket).update(created_at=at, last_activity_at=at)
    Enrolment.objects.filter(pk=followup.enrolment_id).update(clock_at=at)
    deliver_due(clock=lambda: at)
    return LocmemChannel.outbox.pop() if LocmemChannel.outbox else None


def may_be_written_to(contact: Contact, *, is_similar: bool = True) -> bool:
    return permissions.load([contact.pk]).is_granted(
        contact, "email", "cart_reminder", "email", is_similar=is_similar
    )


def test_a_sale_with_the_notice_is_written_down_when_the_order_is_placed():
    placed = order(**notice())

    contact = Contact.objects.get(email_key=EMAIL)
    records = ConsentRecord.objects.filter(contact=contact)
    assert {r.purpose for r in records} == {"cart_reminder", "promotion", "review_request"}
    assert {r.method for r in records} == {"soft"}
    assert {r.wording for r in records} == {current("checkout-soft-email", "de")}
    assert json.loads(records[0].evidence) == {"order": placed.pk, "number": placed.number}
    assert soft_opt_ins.orders_behind([contact.pk]) == {contact.pk: {placed.pk}}
    assert may_be_written_to(contact)


def test_other_goods_need_a_consent_when_only_a_sale_speaks_for_the_person():
    order(**notice())
    assert not may_be_written_to(Contact.objects.get(email_key=EMAIL), is_similar=False)


def test_only_similar_goods_are_recommended_when_a_reminder_is_due():
    LocmemChannel.reset()
    shoes = get_model("catalogue", "Category").add_root(name="Schuhe")
    bought, similar, other = make_product(), make_product(), make_product()
    for product in (bought, similar):
        product.categories.add(shoes)
    client = Client()
    checkout.add_to_basket(client, bought)
    checkout.enter_as_guest(client, EMAIL)
    checkout.enter_address(client, **notice())
    checkout.go_to_preview(client)
    checkout.placed_order(checkout.submit_order(client))
    contact = Contact.objects.get(email_key=EMAIL)

    assert remind(contact, other) is None
    sent = remind(contact, similar)

    assert sent is not None
    # the notice in every use, §7(3) Nr. 4
    assert "at basic rates" in sent.text or "nach den Basistarifen" in sent.text


def test_nothing_is_written_when_the_checkout_showed_no_notice():
    order()
    assert not ConsentRecord.objects.exists()


def test_nothing_is_written_when_the_person_objects_at_once():
    order(**notice(objected=True))
    contact = Contact.objects.get(email_key=EMAIL)
    assert set(ConsentRecord.objects.values_list("action", flat=True)) == {"withdrawn"}
    assert not may_be_written_to(contact)


def test_an_objection_stays_when_the_person_buys_again():
    contact = make_contact(EMAIL)
    say(contact, "withdrawn")
    order(**notice())
    assert not may_be_written_to(Contact.objects.get(pk=contact.pk))
    # what was never refused is another matter
    assert ConsentRecord.objects.filter(purpose="promotion", method="soft").exists()


def test_a_real_consent_is_not_weakened_when_its_owner_buys():
    contact = make_contact(EMAIL)
    say(contact, "granted")
    order(**notice())
    assert may_be_written_to(Contact.objects.get(pk=contact.pk), is_similar=False)


def test_a_later_objection_ends_it_when_the_link_in_a_mail_is_used():
    order(**notice())
    contact = Contact.objects.get(email_key=EMAIL)
    say(contact, "withdrawn")
    assert not may_be_written_to(contact)


@pytest.mark.parametrize(
    "changed", [{"SOFT_OPT_IN": False}, {"MARKETS": {"DE": {"allows_soft_opt_in": False}}}]
)
def test_it_permits_nothing_when_shop_or_market_do_not_know_the_rule(settings, changed):
    order(**notice())
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, **changed}
    assert not may_be_written_to(Contact.objects.get(email_key=EMAIL))


def test_a_forged_or_foreign_wording_proves_nothing_when_it_is_sent():
    for number in ("999999", "x", str(current("checkout-sms", "de").pk)):
        order(email=f"gast-{number}@example.de", **{soft_opt_ins.WORDING_FIELD: number})
    assert not ConsentRecord.objects.exists()


def test_a_member_is_known_by_the_account_when_the_order_is_theirs():
    client, user = Client(), make_user("kundin@example.de")
    client.force_login(user, backend="oscar.apps.customer.auth_backends.EmailBackend")
    checkout.add_to_basket(client, make_product())
    client.get("/checkout/")
    checkout.enter_address(client, **notice())
    checkout.go_to_preview(client)
    checkout.placed_order(checkout.submit_order(client))
    assert may_be_written_to(Contact.objects.get(user=user))


def test_the_notice_shows_its_text_and_an_unticked_box_when_it_is_on(settings):
    tag = Template("{% load cart_recovery %}{% recovery_soft_opt_in %}")
    html = tag.render(Context())
    assert current("checkout-soft-email", "de").text in html
    assert "checked" not in html
    settings.CART_RECOVERY = {**settings.CART_RECOVERY, "SOFT_OPT_IN": False}
    assert tag.render(Context()).strip() == ""
