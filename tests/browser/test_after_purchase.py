"""What a shop says after the order, as shoppers and staff see it: nothing faked but the providers.

Staff work in Oscar's own dashboard. The news of the order and the request for a review come to a
phone, a number in reply is the rating, and the review that is written behind the link waits where
Oscar's staff moderate. Who gets the money back is asked nothing; who has not paid is reminded until
the payment.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from django.utils import translation
from django.utils.text import capfirst

from cart_recovery.models import Trigger
from tests.browser.sandboxes import own_sandbox
from tests.browser.shopper import Shopper, Viewer, review_link, wait_until
from tests.browser.staff import Staff
from tests.browser.test_main_job import (
    CONFIRMATION,
    PHONE,
    address,
    new_shopper,
    number,
    voucher_code,
)
from tests.sandbox.running import RunningSandbox

pytestmark = pytest.mark.browser

#: at the next sweep, which comes once a minute
NEWS: Final = 120.0
#: a minute after delivery, then at the next sweep
REQUEST: Final = 200.0
REQUESTS: Final = "followup/?q={}"
PARCEL: Final = "https://dhl.example/track/00340434161094"
HEADLINE: Final = "Leise und gründlich"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with own_sandbox(tmp_path_factory) as running:
        yield running


@dataclass(frozen=True)
class Order:
    """An order of two products by a guest. `phone` is "" for who gave none."""

    number: str
    mail: str
    phone: str
    titles: tuple[str, str]


@dataclass(frozen=True)
class Ordered:
    """By phone: asked and told by SMS. By mail: has no phone. Sent back: gets the money back. Unpaid:
    left the payment unfinished."""

    by_phone: Order
    by_mail: Order
    sent_back: Order
    unpaid: Order


@pytest.fixture(scope="module")
def staff(browser: Any, sandbox: RunningSandbox) -> Staff:
    desk = new_shopper(browser, sandbox, viewport={"width": 1280, "height": 900})
    found = Staff(desk.page, sandbox.shop_url)
    found.log_in()
    return found


@pytest.fixture(scope="module")
def ordered(browser: Any, sandbox: RunningSandbox, staff: Staff) -> Ordered:
    """All orders, and what staff do first, at once: the tests only wait once."""
    viewer = Viewer(sandbox.viewer_url)
    by_phone = order(new_shopper(browser, sandbox, **PHONE), "telefon", agrees_to="sms")
    viewer.reply(viewer.wait_for(by_phone.phone, 1, timeout=CONFIRMATION)["id"], "Ja")
    staff.set_status(by_phone.number, "Shipped")
    unpaid = order(new_shopper(browser, sandbox, **PHONE), "offen", card="later")
    others = []
    for who in ("post", "zurueck"):
        shopper = new_shopper(browser, sandbox, **PHONE)
        others.append(order(shopper, who, agrees_to="email"))
        shopper.confirm(viewer.wait_for(others[-1].mail, 1, timeout=CONFIRMATION))
    by_mail, sent_back = others
    staff.ship(by_mail.number, [0, 1], reference=f"DHL {PARCEL}")
    staff.set_status(sent_back.number, "Shipped")
    staff.set_line_status(sent_back.number, [0, 1], "Delivered")
    return Ordered(by_phone, by_mail, sent_back, unpaid)


def order(shopper: Shopper, who: str, *, agrees_to: str = "", card: str = "") -> Order:
    """As a guest who buys two things and may be asked what they are like, on one channel or none."""
    mail, phone = address(who), number() if agrees_to == "sms" else ""
    titles = shopper.fill_basket(place=0), shopper.fill_basket(place=1)
    shopper.begin_checkout_as_guest(mail)
    shopper.give_address(phone=phone)
    look(shopper.page, f"{who}-1-payment")
    shopper.choose_payment(agrees_to=[agrees_to] if agrees_to else [], card=card)
    shopper.pay()
    look(shopper.page, f"{who}-2-thanks")
    return Order(shopper.order_number(), mail, phone, titles)


@pytest.fixture(scope="module")
def campaign() -> str:
    """Name of the campaign of the requests, as it was made in the shop's language."""
    with translation.override("de"):
        return capfirst(str(Trigger.REVIEW_REQUEST.label))


@pytest.fixture(scope="module")
def reminder() -> str:
    with translation.override("de"):
        return capfirst(str(Trigger.ORDER_UNPAID.label))


@pytest.fixture
def viewer(sandbox: RunningSandbox) -> Viewer:
    return Viewer(sandbox.viewer_url)


@pytest.fixture
def device(browser: Any, sandbox: RunningSandbox) -> Shopper:
    """Somebody's phone, on which nobody is logged in."""
    return new_shopper(browser, sandbox, **PHONE)


class Phone:
    """The phone that the viewer shows, in a browser of its own."""

    def __init__(self, browser: Any, viewer: Viewer, own_number: str) -> None:
        self.viewer, self.number = viewer, own_number
        self.page = browser.new_context(**PHONE).new_page()
        self.page.set_default_timeout(30_000)

    def wait_for(self, words: str, *, timeout: float) -> dict[str, Any]:
        """The SMS that says so, as its owner sees it: on the screen."""

        def read() -> list[dict[str, Any]]:
            return [sms for sms in self.viewer.messages(self.number) if words in sms["text"]]

        sms: dict[str, Any] = wait_until(read, bool, timeout=timeout)[0]
        self.page.goto("about:blank")
        self.page.goto(f"{self.viewer.url}/#m/{sms['id']}")
        self.page.locator(".bubbles .theirs", has_text=words).last.wait_for()
        return sms

    def answer(self, text: str) -> None:
        self.page.locator(".reply input").fill(text)
        self.page.locator(".reply button").click()
        self.page.locator(".bubbles .mine", has_text=text).last.wait_for()


@pytest.fixture(scope="module")
def phone(browser: Any, sandbox: RunningSandbox, ordered: Ordered) -> Phone:
    return Phone(browser, Viewer(sandbox.viewer_url), ordered.by_phone.phone)


@pytest.fixture(scope="module")
def parcel_mail(sandbox: RunningSandbox, ordered: Ordered) -> dict[str, Any]:
    """The news of the parcel for who has no phone."""

    def read() -> list[dict[str, Any]]:
        mails = Viewer(sandbox.viewer_url).messages(ordered.by_mail.mail)
        return [mail for mail in mails if PARCEL in mail["links"]]

    found: dict[str, Any] = wait_until(read, bool, timeout=NEWS)[0]
    return found


@pytest.fixture(scope="module")
def delivered(
    ordered: Ordered, phone: Phone, parcel_mail: dict[str, Any], staff: Staff, campaign: str
) -> Ordered:
    """The first news have come. The parcels arrive, and one order's money goes back while its request
    is planned: that is a minute after delivery."""
    phone.wait_for(f"{ordered.by_phone.number} ist unterwegs", timeout=NEWS)
    look(phone.page, "phone-1-shipped")
    staff.wait_for_row(REQUESTS.format(ordered.sent_back.mail), campaign, timeout=NEWS)
    staff.refund(ordered.sent_back.number, [0, 1])
    staff.set_status(ordered.by_phone.number, "Delivered")
    staff.set_status(ordered.by_mail.number, "Shipped")
    staff.set_status(ordered.by_mail.number, "Delivered")
    return ordered


@pytest.fixture(scope="module")
def request_sms(delivered: Ordered, phone: Phone) -> dict[str, Any]:
    """The request for a review, on the phone's screen."""
    phone.wait_for("/review/", timeout=REQUEST)
    return newest_request(phone.viewer, phone.number)


def newest_request(viewer: Viewer, to: str, *, timeout: float = REQUEST) -> dict[str, Any]:
    def read() -> list[dict[str, Any]]:
        return [m for m in viewer.messages(to) if any("/review/" in url for url in m["links"])]

    found: dict[str, Any] = wait_until(read, bool, timeout=timeout)[0]
    return found


def look(page: Any, name: str) -> None:
    """Nothing scrolls sideways on a phone; with SCREENSHOTS set, a picture of it."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_who_has_not_paid_is_led_back_to_the_payment(
    ordered: Ordered, device: Shopper, viewer: Viewer
) -> None:
    # the first test: the second reminder is due five minutes after the order
    mails = wait_until(
        lambda: [m for m in viewer.messages(ordered.unpaid.mail) if payment_links(m)],
        bool,
        timeout=REQUEST,
    )
    assert ordered.unpaid.number in mails[0]["subject"]
    device.page.goto(payment_links(mails[0])[0])
    look(device.page, "unpaid-1-asked")
    assert ordered.unpaid.mail not in device.page.content()
    with device.page.expect_navigation():
        device.page.locator("#pay button").tap()
    assert "nichts mehr zu bezahlen" in device.page.inner_text("[role=status]")
    look(device.page, "unpaid-2-paid")


def payment_links(message: dict[str, Any]) -> list[str]:
    return [link for link in message["links"] if "/checkout/pay/" in link]


def test_news_of_the_parcel_come_by_mail_to_who_has_no_phone(
    ordered: Ordered, parcel_mail: dict[str, Any]
) -> None:
    assert ordered.by_mail.number in parcel_mail["text"]
    assert "Gutschein" not in parcel_mail["text"]


def test_request_for_what_was_refunded_is_withdrawn(
    delivered: Ordered, staff: Staff, campaign: str, viewer: Viewer
) -> None:
    mail = delivered.sent_back.mail
    withdrawn = f"{REQUESTS.format(mail)}&state=cancelled"
    staff.wait_for_row(withdrawn, campaign, timeout=NEWS)
    planned = staff.rows(f"{REQUESTS.format(mail)}&state=planned")
    assert [row for row in planned if campaign in row] == []
    wait_until(
        lambda: [m["subject"] for m in viewer.messages(mail)],
        lambda subjects: any("Erstattung" in subject for subject in subjects),
        timeout=NEWS,
    )


def test_news_of_the_delivery_come_to_the_phone(delivered: Ordered, phone: Phone) -> None:
    phone.wait_for(f"{delivered.by_phone.number} wurde zugestellt", timeout=NEWS)


def test_number_in_reply_is_the_rating_and_is_thanked(
    ordered: Ordered, request_sms: dict[str, Any], phone: Phone, staff: Staff
) -> None:
    asked = len(phone.viewer.messages(phone.number))
    look(phone.page, "phone-2-request")
    phone.answer("2")
    thanks = phone.viewer.wait_for(phone.number, asked + 1, timeout=CONFIRMATION)
    assert voucher_code(thanks["text"])
    phone.wait_for(thanks["text"][:30], timeout=CONFIRMATION)
    look(phone.page, "phone-3-thanked")
    (row,) = [r for r in staff.rows("servicerating/") if ordered.by_phone.number in r]
    assert "2" in row.split(ordered.by_phone.number)[0]


def test_review_is_written_on_a_phone_and_waits_for_moderation(
    ordered: Ordered,
    request_sms: dict[str, Any],
    device: Shopper,
    staff: Staff,
    viewer: Viewer,
) -> None:
    link = review_link(request_sms)
    for _n in range(2):
        device.page.request.get(link)
        device.page.request.head(link)
    device.page.goto(link)
    look(device.page, "review-1-asked")
    body = device.page.inner_text("main")
    assert all(title.split(",")[0] in body for title in ordered.by_phone.titles)
    assert ordered.by_phone.mail not in device.page.content()
    subject = device.page.locator(
        ".cr-subject", has=device.page.locator("input[name$=title]")
    ).first
    subject.locator(".cr-star").nth(3).tap()
    subject.locator("input[name$=title]").fill(HEADLINE)
    subject.locator("textarea").fill("Mahlt <b>gleichmäßig</b> & leise.")
    with device.page.expect_navigation():
        device.page.locator("#review button[type=submit]").last.tap()
    assert device.page.locator(".cr-error:visible, [role=alert]").count() == 0
    look(device.page, "review-2-thanks")
    (thanks,) = device.page.locator(".cr-code").all_inner_texts()
    assert thanks == voucher_code(viewer.messages(ordered.by_phone.phone)[0]["text"]), (
        "once an order"
    )

    staff.page.goto(f"{staff.shop}/dashboard/reviews/")
    row = staff.page.locator("#update_reviews_form tr", has_text=HEADLINE)
    assert row.locator(".badge-info").count() == 1, "not published yet"
    assert "4" in row.inner_text()


def test_grade_is_tapped_in_the_mail(ordered: Ordered, device: Shopper, viewer: Viewer) -> None:
    mail = newest_request(viewer, ordered.by_mail.mail)
    assert mail["channel"] == "email"
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    device.page.goto(next(link for link in mail["links"] if "score=1" in link))
    look(device.page, "rating-1-asked")
    with device.page.expect_navigation():
        device.page.locator("#review button[type=submit]").first.tap()
    look(device.page, "rating-2-thanks")


def test_who_has_paid_meanwhile_is_not_reminded_again(
    ordered: Ordered, staff: Staff, viewer: Viewer, reminder: str
) -> None:
    rows = f"followup/?q={ordered.unpaid.mail}&state="
    staff.wait_for_row(f"{rows}cancelled", reminder, timeout=NEWS)
    assert [row for row in staff.rows(f"{rows}planned") if reminder in row] == []
    assert len([m for m in viewer.messages(ordered.unpaid.mail) if payment_links(m)]) == 1
