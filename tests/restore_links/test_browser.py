"""The restore page in a real browser: by itself, without script, without cookies, on a phone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from oscar.core.loading import get_model

from cart_recovery import models
from cart_recovery.restore_links.views import RestoreView
from tests import factories
from tests.incentives.test_granting import make_incentive
from tests.restore_links import kit

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PHONE = {"width": 375, "height": 700}


@pytest.fixture
def url(live_server):
    def make(token):
        return f"{live_server.url}{kit.link_path(token)}"

    return make


def a_link(**kwargs):
    basket = factories.make_basket(factories.make_product("Teekanne"), quantity=2)
    return kit.make_link(basket, **kwargs)


def picture(page, name):
    """Kept where CART_RECOVERY_SCREENSHOTS says, to be looked at."""
    folder = os.environ.get("CART_RECOVERY_SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_one_tap_brings_the_basket_back(page, url):
    page.set_viewport_size(PHONE)
    page.goto(url(a_link(incentive=make_incentive())))
    page.wait_for_url("**/basket/")
    assert "Teekanne" in page.text_content("#content_inner")
    picture(page, "restored-375")
    click = models.LinkClick.objects.get()
    assert not click.is_machine
    # going back does not lead through the page again and again
    assert models.LinkClick.objects.count() == 1


def test_coming_from_a_mail_on_another_site_passes_the_check(page, url):
    page.goto("about:blank")
    page.set_content(f'<a href="{url(a_link())}">Zum Warenkorb</a>')
    page.click("a")
    page.wait_for_url("**/basket/")
    assert get_model("basket", "Basket").objects.count() == 2


def test_without_script_the_button_does_it(new_profile, url):
    page = new_profile(java_script_enabled=False).new_page()
    page.set_viewport_size(PHONE)
    page.goto(url(a_link(incentive=make_incentive())))
    picture(page, "question-375")
    page.set_viewport_size({"width": 1280, "height": 800})
    picture(page, "question-1280")
    assert models.LinkClick.objects.count() == 0
    page.click("button")
    page.wait_for_url("**/basket/")
    assert "Teekanne" in page.text_content("#content_inner")


def test_no_address_leaks_to_the_next_page(page, url):
    token = a_link()
    page.goto(url(token))
    page.wait_for_url("**/basket/")
    assert token not in page.evaluate("document.referrer")


def test_a_browser_without_cookies_gets_help(page, url, settings):
    # a cookie for another host is one that the browser does not take
    settings.CSRF_COOKIE_DOMAIN = "elsewhere.example"
    page.set_viewport_size(PHONE)
    page.goto(url(a_link()))
    page.wait_for_selector("text=cookie")
    picture(page, "no-cookies-375")
    assert models.LinkClick.objects.count() == 0


def test_the_pages_work_under_a_strict_content_security_policy(page, url, monkeypatch):
    plain = RestoreView.dispatch

    def strict(self, request, *args, **kwargs):
        response = plain(self, request, *args, **kwargs)
        response["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'"
        )
        return response

    monkeypatch.setattr(RestoreView, "dispatch", strict)
    messages = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(url(a_link()))
    page.wait_for_url("**/basket/")
    assert not [m for m in messages if "Content Security Policy" in m]


@pytest.mark.parametrize("width", [375, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_page_fits_the_screen(new_profile, url, width, scheme):
    product = factories.make_product("Eine Teekanne mit einem wirklich sehr langen Namen, rot")
    category = get_model("catalogue", "Category").add_root(name="Kannen")
    for thing in (product, factories.make_product("Kaffeekanne"), factories.make_product("Krug")):
        thing.categories.add(category)
    token = kit.make_link(factories.make_basket(product))
    page = new_profile(color_scheme=scheme).new_page()
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(url("unknownToken"))
    check_fit(page, f"invalid-{width}-{scheme}")
    product.stockrecords.update(num_in_stock=0)
    page.goto(url(token))
    page.wait_for_selector("text=Kaffeekanne")
    check_fit(page, f"nothing-left-{width}-{scheme}")
    models.RestoreLink.objects.update(expires_at=models.RestoreLink.objects.get().created_at)
    page.goto(url(token))
    check_fit(page, f"expired-{width}-{scheme}")


def check_fit(page, name):
    picture(page, name)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), name


def test_a_phone_shopper_reads_what_changed_above_the_basket(page, url):
    tea, cup = factories.make_product("Teekanne"), factories.make_product("Tasse")
    mug = factories.make_product("Becher", stock=9)
    token = kit.make_link(factories.make_basket(tea, cup, mug, quantity=3))
    tea.stockrecords.update(price="24.99")
    cup.stockrecords.update(num_in_stock=0)
    mug.stockrecords.update(num_in_stock=1)
    page.set_viewport_size(PHONE)
    page.goto(url(token))
    page.wait_for_url("**/basket/")
    text = page.text_content("#messages")
    assert all(title in text for title in ("Teekanne", "Tasse", "Becher"))
    picture(page, "changed-375")
    page.set_viewport_size({"width": 1280, "height": 800})
    picture(page, "changed-1280")
