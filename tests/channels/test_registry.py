from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from django.test import override_settings

from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.checks.channels import check_channels
from cart_recovery.exceptions import ChannelConfigurationError

LOCMEM = "cart_recovery.channels.locmem.LocmemChannel"


def channels(**entries):
    return override_settings(CART_RECOVERY={"CHANNELS": entries})


def test_a_channel_is_built_once_per_process():
    with channels(email={"BACKEND": LOCMEM}):
        assert get_channel("email") is get_channel("email")
        assert configured_aliases() == ("email",)


def test_changed_settings_make_a_new_channel_and_close_the_old_one(monkeypatch):
    closed = []
    monkeypatch.setattr(LocmemChannel, "close", lambda self: closed.append(self))  # noqa: PLW0108 a method
    with channels(one={"BACKEND": LOCMEM, "OPTIONS": {"address_kind": "email"}}):
        before = get_channel("one")
    with channels(one={"BACKEND": LOCMEM, "OPTIONS": {"address_kind": "phone"}}):
        after = get_channel("one")
    assert (before.address_kind, after.address_kind) == ("email", "phone")
    assert closed == [before]


def test_options_changed_in_place_make_a_new_channel():
    options = {"address_kind": "email"}
    with channels(two={"BACKEND": LOCMEM, "OPTIONS": options}):
        get_channel("two")
        options["address_kind"] = "phone"
        assert get_channel("two").address_kind == "phone"


def test_threads_share_one_channel():
    found = set()
    with channels(three={"BACKEND": LOCMEM}):
        threads = [
            threading.Thread(target=lambda: found.add(get_channel("three"))) for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 1


@pytest.mark.parametrize(
    "entry",
    [
        None, "text", {}, {"BACKEND": ""}, {"BACKEND": 5}, {"BACKEND": "nodots"},
        {"BACKEND": "cart_recovery.nothing.Here"}, {"BACKEND": "cart_recovery.conf.Conf"},
        {"BACKEND": "cart_recovery.channels.locmem.Nothing"}, {"BACKEND": LOCMEM, "OPTIONS": []},
    ],
)  # fmt: skip
def test_a_wrong_entry_is_an_error_that_names_the_setting(entry):
    with channels(wrong=entry):
        with pytest.raises(ChannelConfigurationError, match="wrong"):
            get_channel("wrong")
        (message,) = check_channels(None)
        assert message.is_serious()
        assert "wrong" in f"{message.msg} {message.hint}"


def test_a_missing_alias_is_an_error_that_names_the_setting():
    with channels(), pytest.raises(ChannelConfigurationError, match="CHANNELS"):
        get_channel("email")


@pytest.mark.parametrize("alias", ["two words", "ä", "x" * 33, "", 5, "a.b"])
def test_an_alias_that_no_url_can_hold_is_found(alias):
    with override_settings(CART_RECOVERY={"CHANNELS": {alias: {"BACKEND": LOCMEM}}}):
        (message,) = check_channels(None)
    assert message.id == "cart_recovery.E101"


def test_no_channel_at_all_is_a_warning():
    with channels():
        assert [m.id for m in check_channels(None)] == ["cart_recovery.W100"]


def test_channels_of_a_wrong_type_are_found():
    with override_settings(CART_RECOVERY={"CHANNELS": []}):
        assert [m.id for m in check_channels(None)] == ["cart_recovery.E100"]


def test_providers_libraries_are_not_imported_at_start():
    options = {
        "email": {"BACKEND": "cart_recovery.channels.sendgrid.SendGridChannel",
                  "OPTIONS": {"API_KEY": "SG.x"}},
        "sms": {"BACKEND": "cart_recovery.channels.twilio.TwilioSmsChannel",
                "OPTIONS": {"ACCOUNT_SID": "AC" + "0" * 32, "AUTH_TOKEN": "x", "FROM": "+15005550006"}},
    }  # fmt: skip
    code = (
        "import django, sys; from django.conf import settings; django.setup();"
        f"settings.CART_RECOVERY['CHANNELS'] = {options!r};"
        "from cart_recovery.checks.channels import check_channels; import cart_recovery.urls;"
        "assert not [m for m in check_channels(None) if m.is_serious()];"
        "print(sorted({m.split('.')[0] for m in sys.modules} & {'sendgrid', 'twilio', 'requests'}))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False,
        env={"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": ""},
    )  # fmt: skip
    assert result.stdout.strip() == "[]", result.stderr
