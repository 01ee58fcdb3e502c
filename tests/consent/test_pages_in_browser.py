"""The unsubscribe pages as people see them: on a phone and on a desk, by day and by night."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from cart_recovery.consent.unsubscribe import unsubscribe_token
from cart_recovery.models import ConsentState
from tests.consent.words import say
from tests.factories import make_contact

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SIZES = {"phone": (375, 812), "desk": (1280, 800), "narrow": (320, 640)}

#: luminance contrast of each text against what is painted behind it; the worst one
WORST_CONTRAST = """
() => {
  const channel = v => (v /= 255) <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const parse = c => c.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
  const behind = el => {
    for (; el; el = el.parentElement) {
      const c = parse(getComputedStyle(el).backgroundColor);
      if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255];
  };
  const ratios = [...document.querySelectorAll("h1, h2, p, a, button, footer")].map(el => {
    const [a, b] = [luminance(parse(getComputedStyle(el).color)), luminance(behind(el))];
    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
  });
  return Math.min(...ratios);
}
"""


def keep_picture(page: Any, name: str) -> None:
    """Keep a picture for the eye where SCREENSHOTS names a folder."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        Path(folder).mkdir(parents=True, exist_ok=True)
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def look(page: Any, name: str) -> None:
    """What holds for every page in every size and scheme."""
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "scrolls sideways"
    assert page.evaluate(WORST_CONTRAST) >= 4.5
    assert page.locator("h1").count() == 1
    for button in page.locator("button").all():
        assert button.bounding_box()["height"] >= 44
    foreign = "[...document.querySelectorAll('[src], link[href]')].map(e => e.src || e.href)"
    assert all(url.startswith(page.url.split("/recovery")[0]) for url in page.evaluate(foreign))
    assert page.evaluate("document.scripts.length") == 0
    keep_picture(page, name)


def press(page: Any, scope: str) -> None:
    with page.expect_navigation():
        page.locator(f"button[value={scope}]").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_are_well_readable_when_seen_anywhere(live_server, new_profile, size, scheme):
    width, height = SIZES[size]
    contact = make_contact()
    say(contact, "granted")
    token = unsubscribe_token(contact.pk, "email", "cart_reminder")
    path = live_server.url + reverse("cart_recovery:unsubscribe", args=[token])
    page = new_profile(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale="de-DE"
    ).new_page()

    page.goto(path + "?l=de")
    look(page, f"unsubscribe-{size}-{scheme}")
    press(page, "kind")
    look(page, f"done-kind-{size}-{scheme}")
    press(page, "everything")
    look(page, f"done-everything-{size}-{scheme}")
    page.goto(path[:-1])
    look(page, f"invalid-{size}-{scheme}")


def test_one_press_is_enough_when_scripts_are_off(live_server, new_profile):
    contact = make_contact(phone="+4915112345678")
    say(contact, "granted")
    token = unsubscribe_token(contact.pk, "email", "cart_reminder")
    page = new_profile(java_script_enabled=False).new_page()
    page.goto(live_server.url + reverse("cart_recovery:unsubscribe", args=[token]))
    assert ConsentState.objects.get().action == "granted"

    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=status]")

    assert ConsentState.objects.get().action == "withdrawn"
    assert page.context.cookies() == []
