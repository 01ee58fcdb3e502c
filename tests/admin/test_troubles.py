"""The list of failed checkouts: counts by reason, bounded by the period; and the cart's story."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from cart_recovery.models import CartState, CheckoutTrouble, LinkClick, RestoreLink, TroubleKind
from tests.admin.campaign_forms import page_url
from tests.admin.desk import Desk
from tests.factories import (
    make_basket,
    make_campaign,
    make_cart,
    make_contact,
    make_product,
    make_user,
)

pytestmark = pytest.mark.django_db
LIST = "admin:cart_recovery_checkouttrouble_changelist"
DAY = dt.timedelta(days=1)


@pytest.fixture
def staff() -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(make_user(is_staff=True, is_superuser=True))
    return client


def fail(reason: str, *, ago: dt.timedelta = DAY, kind: str = TroubleKind.PAYMENT_REFUSED,
         state: str = CartState.ABANDONED) -> CheckoutTrouble:  # fmt: skip
    cart = make_cart(make_basket(make_product()), make_contact(), state=state)
    return CheckoutTrouble.objects.create(
        cart=cart, contact=cart.contact, kind=kind, reason=reason, stage="checkout:preview",
        occurred_at=timezone.now() - ago,
    )  # fmt: skip


def summary(page: Any) -> list[list[str]]:
    html = page.content.decode()
    start = html.index("cr-reasons-title")
    table = html[start : html.index("</section>", start)]
    rows = re.findall(r"<tr>(<td>.*?)</tr>", table)
    return [re.findall(r"<td>(.*?)</td>", row) for row in rows]


class TestSummary:
    def test_counts_by_reason_the_most_frequent_first(self, staff: Client) -> None:
        fail("card_expired")
        fail("card_expired", state=CartState.ORDERED)
        fail("KeyError", kind=TroubleKind.PAYMENT_ERROR)
        page = staff.get(reverse(LIST))
        assert summary(page) == [
            ["payment refused", "card_expired", "2", "1"],
            ["error while paying", "KeyError", "1", "0"],
        ]
        assert "3 failed checkouts in the last 30 days" in page.content.decode()

    def test_what_was_bought_by_a_link_on_another_device_counts(self, staff: Client) -> None:
        trouble = fail("card_expired")
        fail("card_expired")
        copy = make_cart(make_basket(make_product()), state=CartState.ORDERED)
        link = RestoreLink.objects.create(
            token_hash="x", contact=trouble.contact, cart=trouble.cart,
            created_at=timezone.now(), expires_at=timezone.now(),
        )  # fmt: skip
        for visit in "ab":
            LinkClick.objects.create(
                link=link, visit=visit, clicked_at=timezone.now(), basket_id=copy.basket_id
            )
        assert summary(staff.get(reverse(LIST))) == [["payment refused", "card_expired", "2", "1"]]

    def test_is_of_the_period_that_is_chosen(self, staff: Client) -> None:
        fail("old", ago=40 * DAY)
        fail("new")
        assert [row[1] for row in summary(staff.get(reverse(LIST)))] == ["new"]
        since = (timezone.localdate() - 50 * DAY).isoformat()
        until = (timezone.localdate() - 30 * DAY).isoformat()
        page = staff.get(reverse(LIST), {"since": since, "until": until})
        assert [row[1] for row in summary(page)] == ["old"]
        assert [row.reason for row in page.context["cl"].result_list] == ["old"]

    def test_rare_reasons_are_added_up(self, staff: Client) -> None:
        for n in range(17):
            fail(f"reason_{n:02}")
        page = staff.get(reverse(LIST))
        assert len(summary(page)) == 15
        assert "2 more for other reasons" in page.content.decode()

    def test_says_so_where_nothing_failed(self, staff: Client) -> None:
        assert "No checkout failed" in staff.get(reverse(LIST)).content.decode()


def test_list_takes_the_same_queries_for_one_row_and_for_many(staff: Client) -> None:
    def run(rows: int) -> int:
        for _n in range(rows):
            fail("card_expired")
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(reverse(LIST)).status_code == 200
        return len(queries)

    run(1)
    assert run(1) == run(12)


def test_rows_lead_to_cart_and_contact_and_name_nobody(staff: Client) -> None:
    trouble = fail("card_expired")
    html = staff.get(reverse(LIST)).content.decode()
    assert reverse("admin:cart_recovery_trackedcart_change", args=[trouble.cart_id]) in html
    assert reverse("admin:cart_recovery_contact_change", args=[trouble.contact_id]) in html
    assert trouble.contact is not None
    assert trouble.contact.email not in html


def test_file_has_the_reasons_and_nobody(staff: Client) -> None:
    trouble = fail("card_expired")
    answer = staff.get(reverse("admin:cart_recovery_checkouttrouble_export"))
    text = b"".join(answer.streaming_content).decode()
    assert "card_expired" in text
    assert trouble.contact is not None
    assert trouble.contact.email not in text


def test_story_of_the_cart_tells_it(staff: Client) -> None:
    trouble = fail("card_expired")
    url = reverse("admin:cart_recovery_trackedcart_why", args=[trouble.cart_id])
    html = staff.get(url).content.decode()
    assert f"The checkout of cart {trouble.cart_id} failed: payment refused." in html
    assert "Reason: card_expired." in html


@pytest.mark.django_db(transaction=True)
def test_list_can_be_read_on_every_screen(desk: Desk) -> None:
    for n in range(3):
        fail("card_expired" if n else "a_long_reason_that_a_shop_has_chosen_for_its_gateway")
    page = desk.open(reverse(LIST))
    desk.assert_accessible(page, within="main")
    desk.look(page, "troubles")


@pytest.mark.django_db(transaction=True)
def test_form_follows_the_trigger_that_is_chosen(desk: Desk) -> None:
    cache.clear()
    with translation.override("en"):
        campaign = make_campaign(is_active=False)
    page = desk.open(page_url(campaign), locale="en-GB")
    page.locator(".cr-step tbody tr").first.wait_for()
    assert not page.locator(".field-starts_with").is_visible()
    assert not page.locator(".field-thanks").is_visible()
    page.select_option("#id_trigger", "review_request")
    assert page.locator(".field-starts_with").is_visible()
    assert page.locator(".field-thanks").is_visible()
    purpose = page.locator("#id_purpose")
    assert (purpose.input_value(), purpose.is_disabled()) == ("review_request", True)
    page.select_option("#id_starts_with", "shipped")
    help_ = page.locator(".cr-step [data-counted]").first
    assert help_.inner_text() == "Counted from when the order was shipped."
    page.get_by_role("button", name="Add a step").click()
    assert page.locator(".cr-step [data-counted]").nth(1).inner_text() == help_.inner_text()
    desk.assert_accessible(page, within="main")
    page.select_option("#id_trigger", "basket_abandoned")
    assert (purpose.input_value(), purpose.is_disabled()) == ("cart_reminder", False)
    assert not page.locator(".field-thanks").is_visible()
