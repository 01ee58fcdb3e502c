"""The viewer in a browser: a mail as a mail, an SMS on a phone, answers, faults."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from .conftest import PHONE, Shop, make_mail, send_sms, sendgrid_client

SIZES = pytest.mark.parametrize(("width", "height"), [(375, 740), (1280, 800)])


def show(page: Any, sim: Any, path: str = "/", *, width: int = 1280, height: int = 800) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(sim.url + path)


def is_too_wide(page: Any) -> bool:
    return bool(
        page.evaluate(
            "[document.documentElement, document.querySelector('#detail')]"
            ".some(e => e.scrollWidth > e.clientWidth)"
        )
    )


@SIZES
def test_new_messages_appear_by_themselves_newest_first(
    page: Any, sim: Any, width: int, height: int
) -> None:
    show(page, sim, width=width, height=height)
    page.get_by_text("No message yet.").wait_for()
    sendgrid_client(sim).send(make_mail("a." * 25 + "kim@kunde.example"))
    page.get_by_role("link", name="Ihr Warenkorb").wait_for()
    send_sms(sim)
    page.get_by_text("Ihr Korb: https://shop.example/r/abc").wait_for()
    assert PHONE in page.locator("#list a").first.inner_text()
    assert not is_too_wide(page)


@SIZES
def test_mail_is_shown_as_a_mail(
    page: Any, new_profile: Any, sim: Any, width: int, height: int
) -> None:
    sendgrid_client(sim).send(make_mail())
    show(page, sim, width=width, height=height)
    page.get_by_role("link", name="Ihr Warenkorb").click()
    mail = page.frame_locator("iframe")
    link = mail.get_by_role("link", name="Zum Korb")
    link.wait_for()
    assert link.get_attribute("href") == "https://shop.example/r/abc?a=1&b=2"
    assert not is_too_wide(page)
    page.get_by_role("button", name="Text").click()
    assert page.locator("pre.paper").inner_text() == "Hallo"
    page.get_by_role("button", name="Headers").click()
    assert "List-Unsubscribe=One-Click" in page.locator("dl.rows").inner_text()


def test_link_of_a_mail_opens_in_a_tab_of_its_own(page: Any, sim: Any) -> None:
    mail = make_mail().get()
    mail["content"][1]["value"] = f'<a href="{sim.url}/health">Weiter</a>'
    sendgrid_client(sim).send(mail)
    show(page, sim, f"/#m/{sim.messages[0]['id']}")
    with page.context.expect_page() as opened:
        page.frame_locator("iframe").get_by_role("link", name="Weiter").click()
    opened.value.wait_for_url("**/health")
    assert page.url.startswith(f"{sim.url}/#m/")


def test_nothing_in_a_mail_or_its_fields_is_run(page: Any, sim: Any) -> None:
    attack = "<img src=x onerror=\"document.title='run'\">"
    mail = make_mail().get()
    mail["subject"] = attack
    mail["content"][1]["value"] = f"<script>parent.document.title='run'</script>{attack}"
    sendgrid_client(sim).send(mail)
    send_sms(sim, body=attack)
    for message in sim.messages:
        show(page, sim, f"/#m/{message['id']}")
        page.locator("#detail article").wait_for()
        page.wait_for_timeout(300)
        assert page.title() != "run"


@SIZES
def test_phone_is_answered_and_the_conversation_grows(
    page: Any, sim_with_shop: Any, shop: Shop, width: int, height: int
) -> None:
    send_sms(sim_with_shop)
    shop.answer = b"<Response><Message>Gern!</Message></Response>"
    show(page, sim_with_shop, width=width, height=height)
    page.locator("#list a").click()
    page.locator(".bubbles").get_by_role("link", name="https://shop.example/r/abc").wait_for()
    page.get_by_label("Answer", exact=True).fill("Ist er noch da?")
    page.get_by_role("button", name="Send answer").click()
    page.locator(".bubbles .mine").get_by_text("Ist er noch da?").wait_for()
    page.locator(".bubbles .theirs").get_by_text("Gern!").wait_for()
    page.get_by_text("The shop answered 200.").wait_for()
    assert len(shop.requests) == 1
    assert not is_too_wide(page)


def test_sender_of_letters_has_no_field_to_answer(page: Any, sim: Any) -> None:
    send_sms(sim, from_="Probeladen")
    show(page, sim)
    page.locator("#list a").click()
    assert page.get_by_label("Answer", exact=True).is_disabled()


def test_one_click_unsubscribe_shows_what_the_shop_answered(
    page: Any, sim: Any, shop: Shop
) -> None:
    mail = make_mail()
    mail.personalizations[0]._headers[0] = {"List-Unsubscribe": f"<{shop.url}/u/token>"}
    sendgrid_client(sim).send(mail)
    show(page, sim, f"/#m/{sim.messages[0]['id']}")
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_text("/u/token answered 200.").wait_for()
    assert shop.paths() == ["/u/token"]


def test_spam_is_reported_to_the_shop(page: Any, sim_with_shop: Any, shop: Shop) -> None:
    sendgrid_client(sim_with_shop).send(make_mail())
    assert sim_with_shop.wait_for_webhooks()
    show(page, sim_with_shop, f"/#m/{sim_with_shop.messages[0]['id']}")
    page.get_by_role("button", name="Report as spam").click()
    page.get_by_text("Reported to the shop: spamreport.").wait_for()
    assert sim_with_shop.wait_for_webhooks()
    assert b"spamreport" in shop.requests[-1][2]
    assert page.get_by_role("button", name="Report an open").is_hidden()


@SIZES
def test_fault_is_set_and_cleared_on_the_page(page: Any, sim: Any, width: int, height: int) -> None:
    show(page, sim, width=width, height=height)
    page.get_by_role("link", name="Faults").click()
    page.locator("select[name=kind]").select_option("slow")
    page.get_by_label("Further fields").fill('{"seconds": 3}')
    page.get_by_role("button", name="Set").click()
    page.locator(".waiting").get_by_text('"seconds":3').wait_for()
    assert [fault.kind for fault in sim.faults.waiting()] == ["slow"]
    page.get_by_label("Further fields").fill('{"minutes": 3}')
    page.get_by_role("button", name="Set").click()
    page.get_by_text("minutes means nothing to slow").wait_for()
    assert not is_too_wide(page)
    page.get_by_role("button", name="Clear all").click()
    page.locator(".waiting li").wait_for(state="detached")
    assert sim.faults.waiting() == []


def test_every_kind_of_fault_is_documented_on_the_page(page: Any, sim: Any) -> None:
    from sandbox_shop.simulators.faults import KINDS

    show(page, sim, "/#faults")
    page.locator(".kinds tbody tr").first.wait_for()
    cells = page.locator(".kinds tbody tr td:first-child").all_inner_texts()
    assert [cell.strip() for cell in cells] == list(KINDS)


def test_messages_are_cleared_by_the_button(page: Any, sim: Any) -> None:
    send_sms(sim)
    show(page, sim)
    page.locator("#list a").wait_for()
    page.get_by_role("button", name="Clear").click()
    page.get_by_text("No message yet.").wait_for()
    assert requests.get(f"{sim.url}/messages.json", timeout=5).json() == []
