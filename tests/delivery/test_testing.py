"""Test sends: to oneself, by the one renderer, through the gate that all messages pass."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from django.utils import timezone

from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.channels.registry import get_channel
from cart_recovery.consent.suppression import suppress
from cart_recovery.contacts.identities import resolve
from cart_recovery.delivery import testing
from cart_recovery.delivery.pausing import pause
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.delivery.testing import TestRefusedError, send_test, setting_of
from cart_recovery.eligibility.caps import read_caps
from cart_recovery.eligibility.history import sent_to
from cart_recovery.models import (
    Contact,
    Message,
    MessageTemplate,
    Notice,
    RestoreLink,
    VoucherGrant,
)
from cart_recovery.privacy.removing import remove_notices
from cart_recovery.provider_events import SuppressionReason
from cart_recovery.rendering.batches import render_content
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.previews import TEST_MARK, TestText, preview_request
from cart_recovery.rendering.sms import segment
from cart_recovery.shop.site import base_url
from tests.factories import (
    make_basket,
    make_campaign,
    make_consent,
    make_contact,
    make_followup,
    make_product,
    make_user,
)

pytestmark = pytest.mark.django_db(transaction=True)
PHONE = "+4915123456789"
#: tokens differ from message to message; all else must not
TOKEN = re.compile(r"(shop\.example/(?:[\w-]+/)*)[\w.-]{12,}(?=[\s\"?/<]|$)")


@pytest.fixture(autouse=True)
def _empty_outbox() -> None:
    LocmemChannel.reset()


@pytest.fixture
def me() -> Any:
    return make_user("ich@shop.example", is_staff=True)


def stored(code: str = "abandoned-basket-1", channel: str = "email") -> Content:
    row = MessageTemplate.objects.get(code=code, channel=channel, language="de")
    return Content("de", row.subject, row.preheader, row.html, row.text)


def kept(
    data: str = "normal", content: Content | None = None, shows_persons: bool = True
) -> TestText:
    return TestText(content or stored(), data, shows_persons)


def text_message(data: str = "normal") -> TestText:
    return kept(data, Content("de", text=stored("abandoned-basket-2", "sms").text))


def refusal(user: Any, text: TestText | None = None, channel: str = "email", **kwargs: Any) -> str:
    with pytest.raises(TestRefusedError) as refused:
        send_test(user, text or kept(), channel=channel, **kwargs)
    assert Notice.objects.filter(state="planned").count() == 0
    return refused.value.reason


def own_contact(user: Any, **kwargs: Any) -> Contact:
    contact = resolve(user_id=user.pk, email=user.email)
    assert contact is not None
    for name, value in kwargs.items():
        setattr(contact, name, value)
    contact.save()
    return contact


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_preview_test_and_real_message_say_the_same(me: Any, channel: str) -> None:
    """One renderer: of the same cart they differ in their links' tokens and the mark of a test."""
    code = "abandoned-basket-2"
    campaign = make_campaign(channels=(channel,))
    campaign.steps.get().variants.update(template_code=code)
    contact = make_consent(make_contact(phone=PHONE), channel)
    basket = make_basket(make_product("Teekanne „Abend“"), make_product("Tasse"), quantity=2)
    followup = make_followup(contact=contact, basket=basket, campaign=campaign)
    deliver_due()
    (real,) = LocmemChannel.outbox
    LocmemChannel.reset()

    data = f"cart-{followup.enrolment.cart_id}"
    content = stored(code, channel)
    setting = setting_of(get_channel(channel), "de", shows_persons=True)
    preview = render_content(content, preview_request(data, setting), base=base_url())

    make_consent(own_contact(me, phone="+4915198765432"), channel)
    send_test(me, kept(data, content), channel=channel)
    deliver_due()
    (test,) = LocmemChannel.outbox

    def plain(text: str) -> str:
        return TOKEN.sub(r"\1TOKEN", text)

    assert plain(preview.text) == plain(real.text) == plain(test.text.removeprefix(TEST_MARK))
    assert plain(preview.html) == plain(real.html) == plain(test.html)
    assert preview.subject == real.subject == test.subject.removeprefix(TEST_MARK)
    assert "TOKEN" in plain(real.text)
    # an SMS counts as many parts in the preview as it takes
    assert segment(preview.text) == segment(real.text) or channel == "email"


class TestSent:
    def test_it_goes_to_the_address_of_the_account_and_says_what_it_is(self, me: Any) -> None:
        address, rendered = send_test(me, kept("percentage"), channel="email")
        assert address == "ich@shop.example"
        assert deliver_due().messages == {"sent": 1}
        (sent,) = LocmemChannel.outbox
        assert sent.to == "ich@shop.example"
        assert sent.subject == rendered.subject
        assert sent.subject.startswith(TEST_MARK)
        assert "List-Unsubscribe" not in sent.headers

    def test_an_sms_says_it_in_its_text(self, me: Any) -> None:
        make_consent(own_contact(me, phone=PHONE), "sms")
        send_test(me, text_message(), channel="sms")
        deliver_due()
        (sent,) = LocmemChannel.outbox
        assert (sent.to, sent.text[: len(TEST_MARK)]) == (PHONE, TEST_MARK)
        assert Message.objects.get().sms_parts > 0

    def test_it_makes_no_link_no_voucher_and_counts_for_no_cap(self, me: Any) -> None:
        send_test(me, kept("percentage"), channel="email")
        deliver_due()
        message = Message.objects.get()
        assert (message.followup, message.notice.kind) == (None, "test")
        assert RestoreLink.objects.count() == VoucherGrant.objects.count() == 0
        assert sent_to({message.contact_id}, read_caps(), timezone.now()) == {}

    def test_what_is_sent_is_what_was_typed_though_somebody_saves_meanwhile(self, me: Any) -> None:
        send_test(
            me, kept(content=Content("de", "Ungesichert", "", "<p>Text</p>", "")), channel="email"
        )
        MessageTemplate.objects.update(subject="Gesichert")
        deliver_due()
        assert LocmemChannel.outbox[0].subject == f"{TEST_MARK}Ungesichert"

    def test_it_is_removed_with_the_others(self, me: Any) -> None:
        send_test(me, kept(), channel="email")
        deliver_due()
        assert remove_notices([Notice.objects.get().pk]) == 1
        assert Message.objects.count() == 0


class TestRefused:
    def test_without_an_address(self) -> None:
        nobody = make_user(is_staff=True)
        nobody.email = ""
        nobody.save()
        assert refusal(nobody) == str(testing._NO_ADDRESS["email"])

    def test_without_a_number(self, me: Any) -> None:
        assert refusal(me, text_message(), "sms")

    def test_a_number_that_has_not_agreed(self, me: Any) -> None:
        own_contact(me, phone=PHONE)
        assert refusal(me, text_message(), "sms") == str(testing._REFUSALS["no_consent"])

    def test_a_blocked_address(self, me: Any) -> None:
        suppress("email", "email", me.email, reason=SuppressionReason.UNSUBSCRIBED, source="t")
        assert refusal(me) == str(testing._REFUSALS["suppressed"])

    def test_a_paused_channel(self, me: Any) -> None:
        pause("email", reason="401", now=timezone.now())
        assert refusal(me) == str(testing._REFUSALS["channel_paused"])

    def test_at_night(self, me: Any, settings: Any) -> None:
        windows = {"*": {"windows": {"phone": {"mon-sun": "09:00-20:00"}}}}
        settings.CART_RECOVERY = {**settings.CART_RECOVERY, "MARKETS": windows}
        make_consent(own_contact(me, phone=PHONE), "sms")
        midnight = timezone.now().replace(hour=0) + dt.timedelta(days=1)
        assert refusal(me, text_message(), "sms", now=midnight) == str(
            testing._REFUSALS["quiet_hours"]
        )

    def test_too_many_in_an_hour(self, me: Any, settings: Any) -> None:
        for _n in range(testing.LIMITS["email"]):
            send_test(me, kept(), channel="email")
        deliver_due()
        assert str(testing.LIMITS["email"]) in refusal(me)
        send_test(
            me, kept(), channel="email", now=timezone.now() + dt.timedelta(hours=1, minutes=1)
        )

    def test_somebody_elses_address_is_never_used(self, me: Any) -> None:
        """The contact of the account may have another address than the account has by now."""
        contact = own_contact(me)
        send_test(me, kept(), channel="email")
        Contact.objects.filter(pk=contact.pk).update(
            email="fremd@x.example", email_key="fremd@x.example"
        )
        deliver_due()
        assert LocmemChannel.outbox == []
        assert Notice.objects.get().reason == "no_address"

    def test_what_changes_after_planning_is_seen_at_the_moment_of_sending(self, me: Any) -> None:
        send_test(me, kept(), channel="email")
        suppress("email", "email", me.email, reason=SuppressionReason.COMPLAINT, source="t")
        deliver_due()
        assert LocmemChannel.outbox == []
        assert Notice.objects.get().reason == "suppressed"
