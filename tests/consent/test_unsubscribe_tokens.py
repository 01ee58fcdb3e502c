from __future__ import annotations

import re

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from cart_recovery.consent.unsubscribe import (
    UnsubscribeTarget,
    read_token,
    unsubscribe_token,
    unsubscribe_url,
)
from cart_recovery.exceptions import InvalidTokenError
from cart_recovery.models import Purpose

CHANNELS = ("email", "sms", "whatsapp", "messenger", "webpush")


@given(
    contact_id=st.integers(1, 2**63 - 1),
    channel=st.sampled_from(CHANNELS),
    purpose=st.sampled_from(Purpose.values),
)
def test_a_token_comes_back_as_it_was_when_read(contact_id, channel, purpose):
    token = unsubscribe_token(contact_id, channel, purpose)
    assert read_token(token) == UnsubscribeTarget(contact_id, channel, purpose)
    assert len(token) <= 40
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", token)


@pytest.mark.parametrize("channel", ["post", "sms-de", "x", "e", "Brieftaube", "a" * 32])
def test_a_shops_own_channel_comes_back_when_read(channel):
    token = unsubscribe_token(7, channel, "promotion")
    assert read_token(token) == UnsubscribeTarget(7, channel, "promotion")


def test_the_link_is_short_enough_for_an_sms_when_built():
    url = unsubscribe_url(5_000_000, "sms", "cart_reminder", "")
    assert len(url) <= len("https://shop.example/recovery/u/") + 32


@given(text=st.text(max_size=60))
def test_no_other_text_is_a_token_when_read(text):
    with pytest.raises(InvalidTokenError):
        read_token(text)


@given(data=st.data())
def test_a_token_is_refused_when_any_character_differs(data):
    token = unsubscribe_token(4711, "email", "cart_reminder")
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("abcxyzABCXYZ0189_-.").filter(lambda c: c != token[place]))
    changed = token[:place] + letter + token[place + 1 :]
    with pytest.raises(InvalidTokenError):
        read_token(changed)


@pytest.mark.parametrize("tail", [".", ",", ")", "…", "!", ">", '"', " ", ").", "\r\n"])
def test_a_token_is_still_read_when_a_sentence_ends_behind_it(tail):
    token = unsubscribe_token(4711, "email", "cart_reminder")
    assert read_token(token + tail).contact_id == 4711


def test_tokens_differ_when_anything_in_them_does():
    tokens = {
        unsubscribe_token(contact, channel, purpose).split(".")[1]
        for contact in (1, 2, 36, 37)
        for channel in CHANNELS
        for purpose in Purpose.values
    }
    assert len(tokens) == 4 * len(CHANNELS) * len(Purpose.values)


def test_a_token_still_works_when_the_secret_key_was_changed():
    token = unsubscribe_token(4711, "email", "cart_reminder")
    from django.conf import settings

    old = settings.SECRET_KEY
    with override_settings(SECRET_KEY="n" * 60, SECRET_KEY_FALLBACKS=[old]):
        assert read_token(token).contact_id == 4711
        assert unsubscribe_token(4711, "email", "cart_reminder") != token
    with override_settings(SECRET_KEY="n" * 60), pytest.raises(InvalidTokenError):
        read_token(token)


def test_other_signatures_of_the_shop_are_no_tokens_when_tried():
    from django.core.signing import Signer

    for signer in (Signer(sep="."), Signer(sep=".", salt="cart_recovery.unsubscribe")):
        with pytest.raises(InvalidTokenError):
            read_token(signer.sign("ce39v"))


def test_links_that_were_sent_keep_working_when_the_code_is_changed():
    """Letters and signature of 2026. If this fails, every link ever sent is dead: undo the change."""
    with override_settings(SECRET_KEY="frozen-for-this-test"):
        assert read_token("ce38v.lp8Ug_tIQaNyFq8z8-D7kg") == UnsubscribeTarget(
            4207, "email", "cart_reminder"
        )


def test_an_unknown_purpose_is_refused_when_a_token_is_made():
    with pytest.raises(ValueError, match="is not a valid"):
        unsubscribe_token(1, "email", "anything")
