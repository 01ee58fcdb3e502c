"""The "why (not)?" pages: found by what a shopper names, told in sentences, masked, bounded."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from cart_recovery.consent.suppression import suppress
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import Campaign, Message
from tests.admin.desk import Desk
from tests.checkout import place_order_as_user
from tests.factories import (
    make_basket,
    make_cart,
    make_consent,
    make_contact,
    make_followup,
    make_product,
    make_user,
)

SEARCH = "admin:cart_recovery_followup_search"
browser = pytest.mark.django_db(transaction=True)


def why_url(row: Any) -> str:
    return reverse(f"admin:cart_recovery_{row._meta.model_name}_why", args=[row.pk])


@pytest.mark.usefixtures("in_english")
@pytest.mark.django_db
class TestSearch:
    def test_address_leads_to_the_contact_and_stays_out_of_the_url(self, staff: Client) -> None:
        contact = make_contact("anna@example.de")
        answer = staff.post(reverse(SEARCH), {"term": " Anna@Example.DE "})
        assert (answer.status_code, answer["Location"]) == (303, why_url(contact))
        assert staff.get(reverse(SEARCH), {"term": "anna@example.de"}).context["term"] == ""

    def test_order_number_leads_to_its_story(self, staff: Client) -> None:
        user = make_user()
        order = place_order_as_user(Client(), user, make_product())
        page = staff.post(reverse(SEARCH), {"term": order.number}, follow=True)
        text = page.content.decode()
        if "Several things" in text:
            (url,) = (c["url"] for c in page.context["choices"] if "order" in c["url"])
            text = staff.get(url).content.decode()
        assert f"Order {order.number} over" in text
        json = staff.get(reverse("admin:cart_recovery_followup_order_json", args=[order.pk])).json()
        assert "order_placed" in [fact["kind"] for fact in json["facts"]]

    def test_blocked_address_without_a_contact_is_told(self, staff: Client) -> None:
        suppress("email", "email", "weg@example.de", reason="complaint", source="t")  # type: ignore[arg-type]  # as rows hold it
        page = staff.post(reverse(SEARCH), {"term": "weg@example.de"})
        assert "The address was blocked for e‑mail: complaint." in page.content.decode()

    @pytest.mark.parametrize("term", ["nix", "<script>alert(1)</script>", "x" * 1_000_000, "\x00"])
    def test_nothing_found_says_what_to_do(self, staff: Client, term: str) -> None:
        page = staff.post(reverse(SEARCH), {"term": term})
        text = page.content.decode()
        assert page.status_code == 200
        assert "Nothing was found" in text
        assert "<script>alert" not in text
        assert len(text) < 100_000


@pytest.mark.usefixtures("in_english")
@pytest.mark.django_db
class TestStory:
    def test_planned_step_shows_rule_by_rule(self, staff: Client) -> None:
        followup = make_followup()
        for row in (followup, followup.enrolment, followup.enrolment.cart):
            text = staff.get(why_url(row)).content.decode()
            assert "this step would be skipped: no consent" in text
            assert "← this decides" in text
            assert "All times are in the time zone" in text

    def test_cart_without_a_sequence_says_why(self, staff: Client) -> None:
        cart = make_cart(make_basket(make_product()), state="abandoned")
        text = staff.get(why_url(cart)).content.decode()
        assert "Nobody knows whose it is" in text

    def test_pages_lead_to_it_for_who_may_read_it(self, staff: Client) -> None:
        followup = make_followup(contact=make_consent(make_contact()))
        deliver_due()
        for row in (
            followup, followup.enrolment, followup.enrolment.cart, followup.enrolment.contact,
            Message.objects.get(),
        ):  # fmt: skip
            name = row._meta.model_name
            change = reverse(f"admin:cart_recovery_{name}_change", args=[row.pk])
            assert why_url(row) in staff.get(change).content.decode()
            assert staff.get(why_url(row)).status_code == 200
            clerk = make_user(is_staff=True)
            clerk.user_permissions.add(Permission.objects.get(codename=f"view_{name}"))
            other = Client()
            other.force_login(clerk)
            if name != "followup":
                assert why_url(row) not in other.get(change).content.decode()
                assert other.get(why_url(row)).status_code == 403

    def test_what_staff_and_shoppers_wrote_is_not_executed(self, staff: Client) -> None:
        followup = make_followup(contact=make_consent(make_contact()))
        Campaign.objects.update(name="<script>alert(1)</script>")
        deliver_due()
        text = staff.get(why_url(followup)).content.decode()
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text


def fill() -> Any:
    """A cart with a sent step and a planned one, for pictures."""
    import datetime as dt

    from tests.factories import make_campaign

    campaign = make_campaign(
        delays=(dt.timedelta(0), dt.timedelta(hours=24)), channels=("sms", "email")
    )
    contact = make_consent(make_contact("anna@example.de", preferred_channel="sms"))
    followup = make_followup(contact=contact, campaign=campaign)
    deliver_due()
    return followup


@browser
def test_support_finds_out_by_keyboard_alone(desk: Desk) -> None:
    followup = fill()
    page = desk.open(reverse(SEARCH))
    desk.assert_accessible(page)
    desk.look(page, "why-search")
    # the one field has the focus
    page.keyboard.type("anna@example.de")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{why_url(followup.enrolment.contact)}")
    assert "anna@example.de" in page.inner_text("#content")
    desk.assert_accessible(page)
    desk.look(page, "why")


@browser
def test_story_of_a_cart_that_is_left_alone(desk: Desk) -> None:
    make_followup()
    cart = make_cart(make_basket(make_product()), make_contact(), state="abandoned")
    page = desk.open(why_url(cart), locale="en-GB")
    desk.assert_accessible(page)
    desk.look(page, "why-not")
