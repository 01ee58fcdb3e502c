"""The template editor as staff use it, in Chromium: by mouse, by keyboard alone, without script."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse

from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import MessageTemplate
from cart_recovery.rendering import versions
from tests.admin.desk import Desk
from tests.factories import make_basket, make_cart, make_contact, make_product, make_user

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _here(live_server: Any, settings: Any) -> None:
    LocmemChannel.reset()
    settings.CART_RECOVERY = {
        **settings.CART_RECOVERY,
        "PUBLIC_BASE_URL": live_server.url,
        "PRICES": {"sms": (Decimal("0.0825"), "EUR")},
    }


def template(code: str = "abandoned-basket-1", channel: str = "email") -> MessageTemplate:
    return MessageTemplate.objects.get(code=code, channel=channel, language="de")


def change_url(row: MessageTemplate) -> str:
    return reverse("admin:cart_recovery_messagetemplate_change", args=[row.pk])


def refreshed(page: Any) -> None:
    page.wait_for_function("!document.querySelector('.cr-editor').hasAttribute('aria-busy')")


def says(page: Any, selector: str, text: str) -> None:
    page.wait_for_function(
        "([selector, text]) => document.querySelector(selector)?.innerText.includes(text)",
        arg=[selector, text],
    )


def mail_says(page: Any, text: str) -> None:
    frame = page.frame_locator(".cr-frame:not(.cr-frame-coming)").locator("body")
    frame.get_by_text(text).locator("visible=true").first.wait_for()


def test_a_mail_is_written_with_its_result_beside_it(desk: Desk) -> None:
    make_cart(make_basket(make_product("Teekanne")), make_contact("erika@example.de"))
    page = desk.open(change_url(template()))
    mail_says(page, "99,80")
    desk.assert_accessible(page)
    desk.look(page, "templates-editor")

    page.fill("[name=subject]", "Noch da, {{ first_line.title }}?")
    page.select_option(
        "[name=preview_data]", label=page.locator("option[value^=cart-]").inner_text()
    )
    says(page, ".cr-inbox-subject", "Noch da, Teekanne?")
    mail_says(page, "Teekanne")

    page.check("[name=preview_width][value=desktop]")
    page.check("[name=preview_scheme][value=dark]")
    page.wait_for_function(
        "document.querySelectorAll('.cr-frame').length === 1 && "
        "!document.querySelector('.cr-frame-coming')"
    )
    desk.look(page, "templates-desktop-dark")
    page.check("[name=preview_part][value=text]")
    assert "Teekanne" in page.inner_text(".cr-plain")
    page.click("[name=_continue]")
    page.wait_for_selector(".messagelist .success")
    row = template()
    assert row.subject == "Noch da, {{ first_line.title }}?"
    assert (row.revision, row.versions.count()) == (2, 2)


def test_a_mistake_is_shown_with_its_line_while_it_is_typed(desk: Desk) -> None:
    page = desk.open(change_url(template()))
    refreshed(page)
    page.fill("[name=html]", "<h1>Hallo</h1>\n<p>{{ vorname }}</p>\n<p>gut</p>")
    page.wait_for_selector("#cr-problems-html li")
    assert page.locator(".cr-line-bad").get_attribute("data-number") == "2"
    assert page.get_attribute("[name=html]", "aria-invalid") == "true"
    desk.assert_accessible(page)
    desk.look(page, "templates-mistake")
    page.click(".cr-go")
    selected = "(a => a.value.slice(a.selectionStart, a.selectionEnd))(document.querySelector('[name=html]'))"
    assert page.evaluate(selected) == "<p>{{ vorname }}</p>"
    # a refused save loses nothing
    page.click("[name=_save]")
    page.wait_for_selector(".errornote")
    assert "{{ vorname }}" in page.input_value("[name=html]")
    page.fill("[name=html]", "<p>gut</p>")
    page.wait_for_selector("#cr-problems-html", state="hidden")
    assert page.locator(".cr-line-bad").count() == 0
    mail_says(page, "gut")


def test_by_keyboard_alone_a_placeholder_is_inserted_and_a_test_is_sent(desk: Desk) -> None:
    user = make_user("ich@shop.example", is_staff=True, is_superuser=True)
    page = desk.open(change_url(template()), user=user)
    refreshed(page)
    page.focus("[name=subject]")
    page.keyboard.press("Control+A")
    page.keyboard.type("Von ")

    def tab_to(selector: str) -> None:
        for _step in range(150):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                return
        raise AssertionError(f"{selector} cannot be reached by Tab")

    tab_to(".cr-palette summary")
    page.keyboard.press("Enter")
    tab_to('.cr-insert[data-text="{{ shop_name }}"]')
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.name") == "subject"
    assert page.input_value("[name=subject]") == "Von {{ shop_name }}"
    page.keyboard.press("Control+Z")
    assert page.input_value("[name=subject]") == "Von "
    page.keyboard.press("Control+Shift+Z")
    says(page, ".cr-inbox-subject", "Von Probeladen")
    tab_to("[name=preview_data]")
    tab_to(".cr-test")
    page.keyboard.press("Enter")
    says(page, ".cr-status", "ich@shop.example")
    deliver_due()
    (sent,) = LocmemChannel.outbox
    assert (sent.to, sent.subject) == ("ich@shop.example", "[Test] Von Probeladen")
    # nothing was saved by trying it out
    assert template().revision == 1


def test_an_sms_is_shown_on_a_phone_with_parts_price_and_culprits(desk: Desk) -> None:
    page = desk.open(change_url(template("abandoned-basket-2", "sms")))
    refreshed(page)
    assert not page.is_visible("[name=html]")
    says(page, ".cr-figures", "GSM-7")
    page.fill("[name=text]", "Hallo 😀 „Welt“ {{ restore_url }}")
    page.wait_for_selector(".cr-bubble mark")
    assert page.locator(".cr-bubble mark").all_inner_texts() == ["😀"]
    says(page, ".cr-figures", "UCS-2")
    assert "0,165" in page.inner_text(".cr-figures").replace("\xa0", " ")
    desk.assert_accessible(page)
    desk.look(page, "templates-sms")


def test_what_staff_write_is_never_executed(desk: Desk) -> None:
    make_cart(make_basket(make_product("<script>document.title = 'böse'</script>")), make_contact())
    page = desk.open(change_url(template()))
    refreshed(page)
    title = page.title()
    for text in (
        "<script>document.title = 'böse'</script>",
        "<img src=x onerror=\"document.title='böse'\">",
    ):
        for name in ("subject", "preheader", "html", "text"):
            page.fill(f"[name={name}]", text)
        page.wait_for_selector("#cr-problems-html li")
        refreshed(page)
    page.fill("[name=html]", '<p><a href="https://böse.example">{{ first_line.title }}</a></p>')
    page.select_option(
        "[name=preview_data]", label=page.locator("option[value^=cart-]").inner_text()
    )
    mail_says(page, "<script>")
    # a link leads nowhere, and opens nothing
    link = page.frame_locator(".cr-frame:not(.cr-frame-coming)").get_by_role("link", name="script")
    before = len(page.context.pages)
    link.click()
    mail_says(page, "<script>")
    assert (page.title(), len(page.context.pages)) == (title, before)
    frame = page.query_selector(".cr-frame")
    assert frame.get_attribute("sandbox") == ""


def test_two_editors_do_not_overwrite_each_other(desk: Desk) -> None:
    row = template()
    page = desk.open(change_url(row))
    refreshed(page)
    row.subject = "Was Anna schrieb"
    versions.save(row, user=make_user("anna@shop.example", is_staff=True))
    page.fill("[name=subject]", "Was ich schrieb")
    page.click("[name=_save]")
    page.wait_for_selector(".errornote")
    assert page.input_value("[name=subject]") == "Was ich schrieb"
    assert "Was Anna schrieb" in page.inner_text(".cr-difference")
    assert template().subject == "Was Anna schrieb"
    desk.assert_accessible(page)
    desk.look(page, "templates-conflict")
    page.click("[name=_save]")
    page.wait_for_selector(".messagelist .success")
    assert template().subject == "Was ich schrieb"
    assert template().versions.count() == 3


def test_versions_are_compared_and_brought_back(desk: Desk) -> None:
    row = template()
    shipped = row.html
    row.html = '<p>Neu</p>\n{% products %}\n{% button "Los" %}'
    versions.save(row, user=make_user("anna@shop.example", is_staff=True))
    row.html = '<p>Neu, und besser</p>\n{% products %}\n{% button "Los" %}'
    versions.save(row, user=make_user("bert@shop.example", is_staff=True))
    page = desk.open(change_url(row))
    page.locator(".object-tools a", has_text="Version").click()
    assert "und besser" in page.inner_text(".cr-added")
    desk.assert_accessible(page)
    desk.look(page, "templates-versions")
    page.check("[name=from][value='1']")
    desk.follow(page, "button[form=cr-compare]")
    assert "Zum Warenkorb" in page.locator(".cr-removed").all_inner_texts()[-1] + shipped
    page.locator("button[form=cr-roll-back][value='1']").click()
    page.wait_for_selector(".messagelist .success")
    assert template().html == shipped
    assert template().revision == 4


def test_without_script_the_preview_is_a_page(desk: Desk) -> None:
    page = desk.open(change_url(template()), java_script_enabled=False)
    page.fill("[name=subject]", "Ohne Skript bei {{ shop_name }}")
    page.locator(".cr-refresh").click()
    assert page.inner_text(".cr-inbox-subject") == "Ohne Skript bei Probeladen"
    assert "99,80" in page.frame_locator(".cr-frame").locator("body").inner_text()
    page.go_back()
    page.locator(".cr-test").click()
    assert "@example.de" in page.inner_text(".cr-note[role=status]")
