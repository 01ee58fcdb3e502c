"""Signing up, changing one's mind and leaving, as a German shopper does it on a phone.

The real sandbox, its queue and its simulators. Each page is German, fits the screen and has no script
of ours.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from django.utils import translation

from tests.browser.sandboxes import own_sandbox
from tests.browser.shopper import Shopper, Viewer, wait_until
from tests.conventions.test_german_pages import assert_german, english
from tests.sandbox.running import RunningSandbox

pytestmark = pytest.mark.browser

PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
#: a notice goes out with the next task, at the latest with the next minute's sweep
NOTICE = 120.0
#: nobody reads a consent faster, so the form takes none faster (preferences.stamps)
READING = 2_200


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with own_sandbox(tmp_path_factory) as running:
        yield running


@dataclass
class Person:
    """Somebody with a phone, a mailbox, and an account at the shop."""

    shopper: Shopper
    viewer: Viewer
    parts: dict[str, str]
    mail: str = field(default_factory=lambda: f"mensch-{uuid.uuid4().hex[:8]}@example.de")
    number: str = field(default_factory=lambda: f"+49151{uuid.uuid4().int % 10**8:08d}")

    @property
    def page(self) -> Any:
        return self.shopper.page

    def look(self, name: str) -> None:
        """What holds for every page that the person sees."""
        assert_german(self.page.content(), self.parts)
        width = "document.documentElement.scrollWidth <= innerWidth"
        assert self.page.evaluate(width), f"{name} scrolls sideways"
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{folder}/{name}.png", full_page=True)

    def press(self, selector: str, name: str) -> None:
        """Press what leads to the next page, and look at it."""
        with self.page.expect_navigation():
            self.page.locator(selector).first.click()
        self.look(name)

    def open(self, url: str, name: str) -> None:
        self.page.goto(url)
        self.look(name)

    def states(self) -> dict[str, list[str]]:
        """Channel -> what the preference centre says of each purpose."""
        found = {}
        for section in self.page.locator(".cr-channel").all():
            title = section.locator("h2").inner_text().split()[1]
            found[title] = section.locator(".cr-state").all_inner_texts()
        return found

    def leave_address(self, channel: str, address: str, name: str) -> None:
        """The form on the basket's page."""
        self.page.goto(f"{self.shopper.shop}/basket/")
        form = self.page.locator(f"#recovery-capture-{channel}")
        if not form.is_visible():
            self.page.locator(".recovery-capture-other summary").click()
        box = form.locator("input[name=agree]")
        assert not box.is_checked()
        form.locator("input[name=address]").fill(address)
        box.check()
        self.page.wait_for_timeout(READING)
        self.press(f"#recovery-capture-{channel} button", name)


@pytest.fixture
def person(browser: Any, sandbox: RunningSandbox) -> Iterator[Person]:
    context = browser.new_context(locale="de-DE", **PHONE)
    context.set_default_timeout(30_000)
    with translation.override("de"):
        parts = english()
    yield Person(Shopper(context.new_page(), sandbox.shop_url), Viewer(sandbox.viewer_url), parts)
    context.close()


def link(message: dict[str, Any], kind: str) -> str:
    return str(next(url for url in message["links"] if f"/{kind}/" in url))


def test_a_shopper_signs_up_changes_channel_pauses_leaves_and_is_forgotten(
    person: Person, sandbox: RunningSandbox
) -> None:
    account = f"{sandbox.shop_url}/recovery/account/"
    person.shopper.register(person.mail, agrees=False)
    person.shopper.fill_basket()

    sign_up_by_sms(person, account)
    change_to_email_only(person, account)
    centre = way_to_the_centre(person)
    pause_and_go_on(person)
    unsubscribe_with_one_click(person, centre)
    ask_for_the_data(person, centre)
    have_it_deleted(person, centre)


def sign_up_by_sms(person: Person, account: str) -> None:
    """At the basket, and confirmed by an answer from the phone."""
    person.leave_address("sms", person.number, "01-sms-asked")
    question = person.viewer.wait_for(person.number, 1, timeout=NOTICE)
    person.open(account, "02-account-waiting")
    assert person.states()["SMS"][0] == "wartet auf Ihre Bestätigung"
    person.viewer.reply(question["id"], "JA")
    basket = person.viewer.wait_for(person.number, 2, timeout=NOTICE)
    assert "/r/" in " ".join(basket["links"])
    person.open(account, "03-account-agreed")
    assert person.states()["SMS"][0] == "eingewilligt"


def change_to_email_only(person: Person, account: str) -> None:
    """Inside the account; e-mail is asked for at the address, SMS ends at once."""
    person.page.locator("details.cr-offer summary").first.click()
    person.press("details.cr-offer button[value=ask]", "04-email-asked")
    question = person.viewer.wait_for(person.mail, 1, timeout=NOTICE)
    person.open(link(question, "c"), "05-confirm")
    person.press("main form button", "06-confirmed")
    person.open(account, "07-account-both")
    person.press("section:has-text('SMS') button[value=off]", "08-email-only")
    states = person.states()
    assert states["E‑Mail"][0] == "eingewilligt"
    assert states["SMS"][0] == "nicht eingewilligt"


def way_to_the_centre(person: Person) -> str:
    """The basket by mail at once, since that is agreed to; from its footer to the page of choices."""
    person.leave_address("email", person.mail, "09-basket-sent")
    mail = person.viewer.wait_for(person.mail, 2, timeout=NOTICE)
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    person.page.context.clear_cookies()
    person.open(link(mail, "u"), "10-unsubscribe")
    person.press('a[href*="/p/"]', "11-centre")
    assert person.page.context.cookies() == []
    return str(person.page.url)


def pause_and_go_on(person: Person) -> None:
    person.press("button[value=pause]", "12-paused")
    assert "keine Werbung vor dem" in person.page.inner_text("main")
    person.press("button[value=resume]", "13-pause-ended")


def unsubscribe_with_one_click(person: Person, centre: str) -> None:
    """The button of a mail program: a POST without cookies that is answered without a redirect."""
    mail = person.viewer.messages(person.mail)[0]
    url = mail["headers"]["List-Unsubscribe"].split(">")[0].lstrip("<")
    answer = person.page.request.post(url, form={"List-Unsubscribe": "One-Click"}, max_redirects=0)
    assert answer.status == 200
    person.open(centre, "14-centre-after")
    assert set(person.states()["E‑Mail"]) == {"nicht eingewilligt"}


def ask_for_the_data(person: Person, centre: str) -> None:
    person.press("button[value=data]", "15-data-asked")
    count = len(person.viewer.messages(person.mail))
    mails = wait_until(lambda: person.viewer.messages(person.mail), has_data_link, timeout=NOTICE)
    assert len(mails) >= count
    person.open(link(mails[0], "d"), "16-data")
    button = person.page.locator("main form button")
    if button.count():
        person.press("main form button", "17-data-shown")
    assert person.mail in person.page.content()
    person.open(centre, "18-centre")


def has_data_link(mails: list[dict[str, Any]]) -> bool:
    return any("/d/" in url for url in mails[0]["links"])


def have_it_deleted(person: Person, centre: str) -> None:
    """Asked once more, then it is gone, and the link says so."""
    person.press('a[href*="/erase"]', "19-delete")
    person.press("main form button", "20-deleted")
    assert "Was bleibt, und warum" in person.page.inner_text("main")
    assert person.page.goto(centre).status == 410
    person.look("21-gone")
