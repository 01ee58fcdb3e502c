"""The main job as its users see it: the real sandbox, real queue, real browsers, nothing faked.

A basket is left, the follow-up comes, one tap on another device brings the basket back with its
voucher, the order is credited, and nothing more is sent.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.browser.shopper import Shopper, Viewer, restore_link
from tests.sandbox.running import RunningSandbox, running_sandbox

pytestmark = [pytest.mark.browser, pytest.mark.queue]

PHONE: dict[str, Any] = {"viewport": {"width": 375, "height": 800}, "has_touch": True}
#: what the sandbox's page promises a visitor
FIRST_MESSAGE = 120.0
#: three minutes after leaving, and the sweep's minute and a half
SECOND_MESSAGE = 290.0


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with running_sandbox(tmp_path_factory.mktemp("sandbox"), **chosen_services()) as running:
        yield running


def chosen_services() -> dict[str, str]:
    """The run on PostgreSQL and Redis runs the sandbox on them too, in a database of its own."""
    import os

    from tests.browser.databases import own_database

    services = {"DATABASE_URL": own_database(os.environ.get("DATABASE_URL", ""))}
    services["REDIS_URL"] = os.environ.get("REDIS_URL", "")
    return {name: url for name, url in services.items() if url}


@pytest.fixture
def viewer(sandbox: RunningSandbox) -> Viewer:
    return Viewer(sandbox.viewer_url)


@pytest.fixture
def shopper(sandbox: RunningSandbox, new_profile: Callable[..., Any]) -> Callable[..., Shopper]:
    return lambda **options: Shopper(new_profile(**options).new_page(), sandbox.shop_url)


def test_member_and_guest_come_back_buy_and_are_left_alone(
    sandbox: RunningSandbox, viewer: Viewer, shopper: Callable[..., Shopper]
) -> None:
    member_mail, guest_mail = address("mitglied"), address("gast")
    guest_phone = f"+49151{uuid.uuid4().int % 10**8:08d}"

    # both leave a basket behind: a member after registering, a guest in mid-checkout
    member = shopper()
    member.register(member_mail, agrees=True)
    wanted = member.fill_basket()
    member.leave()
    left_at = time.monotonic()
    guest = shopper(**PHONE)
    guest_wanted = guest.fill_basket()
    guest.begin_checkout_as_guest(guest_mail)
    guest.give_address(phone=guest_phone, agrees_to_sms=True)
    guest.leave()

    # the mail comes in time, and says what lies in the basket
    mail = viewer.wait_for(member_mail, 1, timeout=FIRST_MESSAGE)
    assert time.monotonic() - left_at < FIRST_MESSAGE
    assert wanted.split(",")[0] in mail["text"]
    assert mail["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["tracking"] == {"open": False, "click": False, "subscription": False}

    # one tap in another profile brings the basket; scanners before it change nothing
    other_device = shopper(**PHONE)
    second = viewer.wait_for(member_mail, 2, timeout=SECOND_MESSAGE)
    link = restore_link(second)
    for _n in range(2):
        other_device.page.request.get(link)
        other_device.page.request.head(link)
    assert other_device.basket_lines() == {}
    other_device.page.goto(link)
    other_device.page.wait_for_url("**/basket/")
    assert list(other_device.basket_lines().values()) == [1]
    code = voucher_code(second["text"])
    assert code in other_device.vouchers()

    # buying there, as a guest and under another spelling of the address
    other_device.begin_checkout_as_guest(member_mail.replace("mitglied", "Mitglied"))
    other_device.give_address()
    other_device.pay()

    # the guest's SMS: e-mail was not agreed to, so the mix falls back to SMS
    sms = viewer.wait_for(guest_phone, 1, timeout=SECOND_MESSAGE)
    assert sms["channel"] == "sms"
    assert viewer.messages(guest_mail) == []
    phone = shopper(**PHONE)
    phone.page.goto(restore_link(sms))
    phone.page.wait_for_url("**/basket/")
    assert list(phone.basket_lines().values()) == [1]
    assert voucher_code(sms["text"]) in phone.vouchers()
    assert guest_wanted
    phone.begin_checkout_as_guest(guest_mail)
    phone.give_address()
    phone.pay()

    # staff see both orders credited, and no later message is planned
    staff = shopper(viewport={"width": 1280, "height": 900})
    log_in_to_admin(staff, sandbox)
    staff.page.goto(f"{sandbox.admin_url}cart_recovery/conversion/")
    rows = staff.page.locator("#result_list tbody tr")
    assert rows.count() == 2
    channels = staff.page.locator("#result_list .field-channel").all_inner_texts()
    assert sorted(channels) == ["email", "sms"]
    staff.page.goto(f"{sandbox.admin_url}cart_recovery/followup/?state__exact=planned")
    assert staff.page.locator("#result_list tbody tr").count() == 0
    assert len(viewer.messages(member_mail)) == 2
    assert len(viewer.messages(guest_phone)) == 1


def test_stop_reply_is_obeyed_and_seen_by_staff(
    sandbox: RunningSandbox, viewer: Viewer, shopper: Callable[..., Shopper]
) -> None:
    mail, phone = address("stopp"), f"+49151{uuid.uuid4().int % 10**8:08d}"
    guest = shopper(**PHONE)
    guest.fill_basket()
    guest.begin_checkout_as_guest(mail)
    guest.give_address(phone=phone, agrees_to_sms=True)
    guest.leave()
    sms = viewer.wait_for(phone, 1, timeout=SECOND_MESSAGE)
    viewer.reply(sms["id"], " Stopp. ")
    staff = shopper(viewport={"width": 1280, "height": 900})
    log_in_to_admin(staff, sandbox)
    staff.page.goto(f"{sandbox.admin_url}cart_recovery/suppression/?q={phone.replace('+', '%2B')}")
    assert staff.page.locator("#result_list tbody tr").count() == 1


def log_in_to_admin(staff: Shopper, sandbox: RunningSandbox) -> None:
    staff.page.goto(sandbox.admin_url)
    staff.page.fill("input[name=username]", "admin@example.com")
    staff.page.fill("input[name=password]", "admin")
    staff.page.click("input[type=submit]")
    staff.page.wait_for_url(re.compile(r"/admin/$"))


def address(who: str) -> str:
    return f"{who}-{uuid.uuid4().hex[:8]}@example.de"


def voucher_code(text: str) -> str:
    found = re.search(r"\b[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}\b", text)
    assert found, text
    return found.group()
