from __future__ import annotations

from typing import Any

import pytest
from django.conf import settings
from django.test import override_settings

from cart_recovery.channels.registry import get_channel
from cart_recovery.checks.consent import MIDDLEWARE, check_consent

EMAIL = {"BACKEND": "cart_recovery.channels.locmem.LocmemChannel", "OPTIONS": {}}
NAME = "MeinLaden"


def twilio(sender: str) -> dict[str, Any]:
    return {
        "BACKEND": "cart_recovery.channels.twilio.TwilioSmsChannel",
        "OPTIONS": {"ACCOUNT_SID": "AC" + "0" * 32, "AUTH_TOKEN": "x" * 32, "FROM": sender},
    }


def found(recovery: dict[str, Any], **changes: Any) -> list[str]:
    middleware = [*settings.MIDDLEWARE, MIDDLEWARE]
    recovery = {**settings.CART_RECOVERY, "PUBLIC_BASE_URL": "https://shop.example", **recovery}
    with override_settings(CART_RECOVERY=recovery, **{"MIDDLEWARE": middleware, **changes}):
        messages = check_consent(None)
    assert all(message.hint for message in messages)
    return [str(message.id).removeprefix("cart_recovery.") for message in messages]


def test_a_whole_configuration_has_no_complaint() -> None:
    assert found({"CHANNELS": {"email": EMAIL, "sms": twilio("+4915112345678")}}) == []
    assert found({"CHANNELS": {"sms": twilio(NAME)}}) == []


def test_a_missing_middleware_is_told_when_phones_or_soft_opt_ins_need_it() -> None:
    none = list(settings.MIDDLEWARE)
    assert found({"CHANNELS": {"sms": twilio(NAME)}}, MIDDLEWARE=none) == ["W301"]
    assert found({"CHANNELS": {"email": EMAIL}, "SOFT_OPT_IN": True}, MIDDLEWARE=none) == ["W301"]
    assert found({"CHANNELS": {"email": EMAIL}}, MIDDLEWARE=none) == []


@pytest.mark.parametrize(
    ("url", "changes"),
    [
        ("http://shop.example", {"SECURE_SSL_REDIRECT": True}),
        ("https://shop.example", {"PREPEND_WWW": True}),
    ],
)
def test_a_redirect_before_the_one_click_is_told(url: str, changes: dict[str, Any]) -> None:
    recovery = {"CHANNELS": {"email": EMAIL}, "PUBLIC_BASE_URL": url}
    assert found(recovery, **changes) == ["W302"]
    assert found({**recovery, "PUBLIC_BASE_URL": "https://www.shop.example"}, **changes) == []


def test_a_sender_that_nobody_can_answer_needs_a_public_link() -> None:
    recovery = {"CHANNELS": {"sms": twilio(NAME)}, "PUBLIC_BASE_URL": "http://shop.example"}
    assert found(recovery) == ["W303"]
    assert found({**recovery, "CHANNELS": {"sms": twilio("+4915112345678")}}) == []


def test_american_texts_without_double_opt_in_are_told() -> None:
    recovery = {"MARKETS": {"US": {"double_opt_in": ()}}}
    assert found({**recovery, "CHANNELS": {"sms": twilio("+12025550123")}}) == ["W304"]
    assert found({**recovery, "CHANNELS": {"email": EMAIL}}) == []


def test_a_soft_opt_in_is_told_where_the_market_does_not_know_it() -> None:
    assert found({"SOFT_OPT_IN": True, "DEFAULT_COUNTRY": "US"}) == ["W305"]


@pytest.mark.parametrize("backend", ["console", "locmem", "dummy", "filebased"])
def test_a_backend_that_keeps_mails_is_told_without_debug(backend: str) -> None:
    path = f"django.core.mail.backends.{backend}.EmailBackend"
    channels = {
        "email": {
            "BACKEND": "cart_recovery.channels.django_email.DjangoEmailChannel",
            "OPTIONS": {"EMAIL_BACKEND": path},
        }
    }
    with override_settings(CART_RECOVERY={**settings.CART_RECOVERY, "CHANNELS": channels}):
        assert "cart_recovery.W110" in [m.id for m in get_channel("email").check()]
        with override_settings(DEBUG=True):
            assert "cart_recovery.W110" not in [m.id for m in get_channel("email").check()]
