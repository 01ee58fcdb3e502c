"""A shopper in a real browser, and the inbox and phone that the simulators show."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any


@dataclass
class Shopper:
    """Drives one page of a browser profile through the sandbox shop."""

    page: Any
    shop: str

    def register(self, email: str, *, agrees: bool) -> None:
        self.page.goto(f"{self.shop}/accounts/login/")
        form = self.page.locator("#register_form")
        form.locator("input[type=email]").fill(email)
        for field in form.locator("input[type=password]").all():
            field.fill("Sehr-geheim-77")
        box = form.locator("input[name=recovery_consent_email]")
        assert not box.is_checked(), "consent boxes are never ticked in advance"
        if agrees:
            box.check()
        form.locator("button[type=submit]").click()
        self.page.wait_for_url("**/accounts/profile/**")

    def fill_basket(self, *, place: int = 0) -> str:
        """Put the first product of the catalogue, or one behind it, into the basket; gives its title."""
        self.page.goto(f"{self.shop}/catalogue/")
        card = self.page.locator("article.product_pod", has=self.page.locator("form")).nth(place)
        title = card.locator("h3 a").get_attribute("title") or card.locator("h3").inner_text()
        with self.page.expect_navigation():
            card.locator("form button").click()
        return str(title).strip()

    def confirm(self, message: dict[str, Any]) -> None:
        """Follow the link of a double opt-in and press its button, after a scanner has been there."""
        link = confirm_link(message)
        for _n in range(2):
            self.page.request.get(link)
            self.page.request.head(link)
        self.page.goto(link)
        assert self.page.locator("blockquote").inner_text().strip()
        self.page.locator("form button[type=submit]").click()
        self.page.locator("[role=status]").wait_for()

    def leave(self) -> None:
        self.page.goto("about:blank")

    def begin_checkout_as_guest(self, email: str, *, agrees: bool = False) -> None:
        self.page.goto(f"{self.shop}/checkout/")
        self.page.fill("input[name=username]", email)
        self.page.check("input[name=options][value=anonymous]")
        if agrees:
            self.page.check("input[name=recovery_consent_email]")
        self.page.locator("form:has(input[name=username]) button[type=submit]").click()
        self.page.wait_for_url("**/checkout/shipping-address/")

    def give_address(self, *, phone: str = "", agrees_to_sms: bool = False) -> None:
        address = {
            "first_name": "Gerda", "last_name": "Gast", "line1": "Speicherweg 1",
            "line4": "Hamburg", "postcode": "20457", "phone_number": phone,
        }  # fmt: skip
        for name, value in address.items():
            self.page.fill(f"input[name={name}]", value)
        if agrees_to_sms:
            self.page.check("input[name=recovery_consent_sms]")
        self.page.locator("form:has(input[name=line1]) button[type=submit]").click()
        self.page.wait_for_url("**/checkout/payment-details/")

    def choose_payment(self, *, agrees_to: Collection[str] = (), card: str = "") -> None:
        """The payment's page, with the channels on which the shopper may be asked for a review."""
        form = self.page.locator("#payment_details")
        form.locator(f"input[name=card][value='{card}']").check()
        for channel in agrees_to:
            box = form.locator(f"input[name=recovery_consent_{channel}]")
            assert not box.is_checked(), "consent boxes are never ticked in advance"
            box.check()
        form.locator("button[type=submit]").click()
        self.page.wait_for_url("**/checkout/preview/")

    def order_number(self) -> str:
        """Of the order whose thank-you page is open."""
        return str(self.page.locator("p.lead strong").inner_text()).strip()

    def pay(self) -> None:
        """From the payment page to the thank-you page."""
        self.page.goto(f"{self.shop}/checkout/preview/")
        self.page.locator("#place-order, #place_order_form button").first.click()
        self.page.wait_for_url("**/checkout/thank-you/**")

    def basket_lines(self) -> dict[str, int]:
        """Title -> quantity of what is in the basket now."""
        self.page.goto(f"{self.shop}/basket/")
        lines: dict[str, int] = {}
        for item in self.page.locator(".basket-items").all():
            title = item.locator("h4, h3").first.inner_text().strip()
            lines[title] = int(item.locator("input[name$=-quantity]").input_value())
        return lines

    def vouchers(self) -> str:
        """What the basket's page says, for looking up a voucher's code."""
        self.page.goto(f"{self.shop}/basket/")
        return str(self.page.inner_text("body"))


@dataclass
class Viewer:
    """The simulators' message viewer, read as its users' tools do."""

    url: str

    def messages(self, to: str) -> list[dict[str, Any]]:
        """Newest first."""
        with urllib.request.urlopen(f"{self.url}/messages.json", timeout=10) as answer:
            return [m for m in json.load(answer) if m["to"] == to]

    def wait_for(self, to: str, count: int, *, timeout: float) -> dict[str, Any]:
        """The newest message, once there are `count` for this recipient."""
        found = wait_until(lambda: self.messages(to), lambda m: len(m) >= count, timeout=timeout)
        return found[0]

    def reply(self, message_id: str, text: str) -> None:
        request = urllib.request.Request(
            f"{self.url}/reply",
            data=json.dumps({"message": message_id, "text": text}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.status == 200


def restore_link(message: dict[str, Any]) -> str:
    return next(link for link in message["links"] if "/r/" in link)


def review_link(message: dict[str, Any]) -> str:
    return next(link for link in message["links"] if "/review/" in link and "score=" not in link)


def confirm_link(message: dict[str, Any]) -> str:
    return next(link for link in message["links"] if "/c/" in link)


def wait_until(read: Callable[[], Any], is_enough: Callable[[Any], bool], *, timeout: float) -> Any:
    ends = time.monotonic() + timeout
    while not is_enough(value := read()):
        assert time.monotonic() < ends, f"not within {timeout} s; there is: {value!r}"[:2000]
        time.sleep(0.5)
    return value
