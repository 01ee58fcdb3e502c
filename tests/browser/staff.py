"""Staff of the shop at their desk: Oscar's dashboard, where orders are worked on, and the admin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.browser.shopper import wait_until


@dataclass
class Staff:
    """Drives one page of a browser profile that is logged in. One log-in serves both."""

    page: Any
    shop: str

    def log_in(self) -> None:
        self.page.goto(f"{self.shop}/dashboard/login/")
        form = self.page.locator("form:has(input[type=password])").first
        form.locator("input[name$=username]").fill("admin@example.com")
        form.locator("input[name$=password]").fill("admin")
        form.locator("[type=submit]").first.click()
        self.page.wait_for_url(re.compile(r"/dashboard/$"))

    def open_order(self, number: str) -> None:
        self.page.goto(f"{self.shop}/dashboard/orders/{number}/")

    def set_status(self, number: str, status: str) -> None:
        """Of the whole order."""
        self.open_order(number)
        form = self.page.locator("#order_status_form")
        form.locator("select[name=new_status]").select_option(status)
        self._send(form.locator("button[type=submit]"))

    def set_line_status(self, number: str, places: Sequence[int], status: str) -> None:
        form = self._with_lines(number, places)
        form.locator("#line_status_check").check()
        form.locator("select[name=new_status]").select_option(status)
        self._send(form.locator(".card button[type=submit]"))

    def ship(self, number: str, places: Sequence[int], *, reference: str) -> None:
        """A shipping event for these lines, with what the parcel service calls it."""
        form = self._with_lines(number, places)
        form.locator("#shipping_event_check").check()
        form.locator("select[name=shipping_event_type]").select_option(label="Shipped")
        form.locator("input[name=reference]").fill(reference)
        self._send(form.locator(".card button[type=submit]"))

    def refund(self, number: str, places: Sequence[int]) -> None:
        """A payment event that gives back the money for these lines."""
        form = self._with_lines(number, places)
        form.locator("#payment_event_check").check()
        form.locator("select[name=payment_event_type]").select_option(label="Refund")
        self._send(form.locator(".card button[type=submit]"))

    def rows(self, path: str) -> list[str]:
        """What the rows of a list in admin say."""
        self.page.goto(f"{self.shop}/admin/cart_recovery/{path}")
        found: list[str] = self.page.locator("#result_list tbody tr").all_inner_texts()
        return found

    def wait_for_row(self, path: str, words: str, *, timeout: float) -> str:
        """The first row of a list in admin that says so, once there is one."""

        def read() -> list[str]:
            return [row for row in self.rows(path) if words in row]

        return str(wait_until(read, bool, timeout=timeout)[0])

    def _with_lines(self, number: str, places: Sequence[int]) -> Any:
        self.open_order(number)
        form = self.page.locator("#order_lines_form")
        for place in places:
            form.locator("input[name=selected_line]").nth(place).check()
        return form

    def _send(self, button: Any) -> None:
        with self.page.expect_navigation():
            button.click()
        assert self.page.locator(".alert-danger").all_inner_texts() == []
