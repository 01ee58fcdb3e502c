"""A member of staff at a desk: logged in to admin in Chromium, with axe-core at hand.

    def test_something(desk):
        page = desk.open(reverse("admin:…"))          # a German superuser, 1440 px, light
        desk.assert_accessible(page)
        desk.look(page, "campaign")                   # 375, 768, 1440 px in light and dark

`desk.follow(page, selector)` clicks a link or a button and waits for the page behind it: a click alone
does not, and what is read next may be the page before or none at all.
`desk.sit(user, locale="en-GB", color_scheme="dark", viewport={…})` is somebody else. Pictures are kept
where `CART_RECOVERY_PICTURES` names a folder; otherwise only the layout is judged: no page may be
wider than its window.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.test import Client

from tests.factories import make_user

WIDTHS: Final = (375, 768, 1440)
SCHEMES: Final = ("light", "dark")
AXE: Final = Path(__file__).parents[1] / "vendor/axe.min.js"
#: what axe finds in Django's own admin frame, which is not ours to mend: selectors that are left out
DJANGOS_OWN: Final = (
    "#nav-sidebar",
    "#header",
    "#toggle-nav-sidebar",
    "#changelist-filter",
    ".breadcrumbs",
)


class Desk:
    def __init__(self, new_profile: Callable[..., Any], base_url: str) -> None:
        self._new_profile = new_profile
        self.base_url = base_url
        self.errors: list[str] = []
        self._pages: list[Any] = []

    def sit(self, user: Any = None, **options: Any) -> Any:
        """A fresh browser profile of a logged-in member of staff; a superuser by default."""
        user = user or make_user(is_staff=True, is_superuser=True)
        client = Client()
        client.force_login(user)
        context = self._new_profile(**{"viewport": {"width": 1440, "height": 900}, **options})
        context.add_cookies(
            [
                {
                    "name": settings.SESSION_COOKIE_NAME,
                    "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                    "url": self.base_url,
                }
            ]
        )
        return context

    def open(self, path: str, user: Any = None, **options: Any) -> Any:
        """The page at this path. Errors of its scripts and refusals of its CSP fail the test."""
        page = self.sit(user, **options).new_page()
        self._pages.append(page)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", self._hear)
        page.goto(self.base_url + path)
        return page

    def follow(self, page: Any, selector: str) -> None:
        """Click what leads to another page, and wait until that page is there."""
        with page.expect_navigation():
            page.locator(selector).first.click()

    def rise(self) -> None:
        """Close the pages, and let the server end what they asked for: the tables are emptied after
        the test, and on PostgreSQL a late answer would stand in the way."""
        for page in self._pages:
            page.context.close()
        latest = time.monotonic() + 20
        while time.monotonic() < latest and any(
            "process_request_thread" in thread.name for thread in threading.enumerate()
        ):
            time.sleep(0.02)

    def assert_accessible(self, page: Any, *, within: str = "body") -> None:
        """axe-core finds nothing serious or critical."""
        page.evaluate(axe_source())
        found = page.evaluate(
            """([within, without]) => axe.run(
                 {include: [[within]], exclude: without.filter(s => document.querySelector(s)).map(s => [s])},
                 {resultTypes: ["violations"]})
               .then(result => result.violations
                 .filter(v => ["serious", "critical"].includes(v.impact))
                 .map(v => `${v.id}: ${v.help} at ${v.nodes.map(n => n.target.join(" ")).join(" | ")}`))""",
            [within, list(DJANGOS_OWN)],
        )
        assert found == [], "\n".join(found)

    def look(self, page: Any, name: str) -> None:
        """The page in six sizes and colours; it must fit the window in each."""
        kept = os.environ.get("CART_RECOVERY_PICTURES")
        before = page.viewport_size
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 900})
                # where admin stacks its columns the sidebar's width is given back
                too_wide = page.evaluate(
                    "document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
                assert too_wide <= 1, f"{name} is {too_wide} px wider than {width} px"
                if kept:
                    Path(kept).mkdir(parents=True, exist_ok=True)
                    page.screenshot(path=f"{kept}/{name}-{width}-{scheme}.png", full_page=True)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size(before)

    def _hear(self, message: Any) -> None:
        # a 4xx answer that a page asked for is told in its text; a refused script is a defect
        if message.type == "error" and "Content Security Policy" in message.text:
            self.errors.append(message.text)


@cache
def axe_source() -> str:
    return AXE.read_text()
