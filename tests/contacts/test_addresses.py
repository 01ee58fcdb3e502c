"""Addresses in one spelling, and numbers that can get an SMS."""

from __future__ import annotations

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st
from phonenumber_field.phonenumber import PhoneNumber

from cart_recovery.contacts.addresses import address_digest, normalize_email, parse_phone
from cart_recovery.exceptions import InvalidAddressError


@pytest.mark.parametrize(
    ("raw", "address", "key"),
    [
        ("erika@example.de", "erika@example.de", "erika@example.de"),
        (" Erika@Example.DE ", "Erika@example.de", "erika@example.de"),
        ("info@MÜNCHEN.de", "info@xn--mnchen-3ya.de", "info@xn--mnchen-3ya.de"),
        ("info@xn--mnchen-3ya.de", "info@xn--mnchen-3ya.de", "info@xn--mnchen-3ya.de"),
        ("info@straße.de", "info@xn--strae-oqa.de", "info@xn--strae-oqa.de"),
        ("erika+tag@example.de", "erika+tag@example.de", "erika+tag@example.de"),
        ("ｅｒｉｋａ@example.de", "erika@example.de", "erika@example.de"),
    ],
)
def test_email_gets_one_spelling(raw, address, key):
    assert normalize_email(raw) == (address, key)


@pytest.mark.parametrize(
    "raw",
    [
        "", "   ", "a", "@b.de", "a@", "a@b", "a b@example.de", "a@exa mple.de", "a@@example.de",
        "Erika <erika@example.de>", "a@example.de\nBcc: b@example.de", "a@example..de", "a@-.de",
        "a" * 250 + "@example.de", '"a b"@example.de', "a@b.de,c@d.de", "\x00@b.de",
        "a@" + "ü" * 300 + ".de", None,
    ],
)  # fmt: skip
def test_email_is_refused_when_no_mail_can_reach_it(raw):
    with pytest.raises(InvalidAddressError) as caught:
        normalize_email(raw)
    assert "example" not in str(caught.value)


@given(st.text(max_size=80))
def test_email_never_fails_otherwise_whatever_is_typed(raw):
    try:
        address, key = normalize_email(raw)
    except InvalidAddressError:
        return
    assert normalize_email(address) == (address, key)
    assert normalize_email(key)[1] == key


@pytest.mark.parametrize(
    ("raw", "country", "expected"),
    [
        ("0151 23456789", "DE", "+4915123456789"),
        ("0151/234 567-89", "de", "+4915123456789"),
        ("+49 (0) 151 23456789", "US", "+4915123456789"),
        ("0049 151 23456789", "DE", "+4915123456789"),
        ("07400 123456", "GB", "+447400123456"),
        ("0664 123456", "AT", "+43664123456"),
        ("078 123 45 67", "CH", "+41781234567"),
        ("(201) 555-0123", "US", "+12015550123"),
        ("506 234 5678", "CA", "+15062345678"),
        ("0151 23456789", "", "+4915123456789"),
        (PhoneNumber.from_string("+4915123456789"), "US", "+4915123456789"),
    ],
)
def test_mobile_number_is_read_by_its_country(raw, country, expected):
    assert parse_phone(raw, country) == expected


@pytest.mark.parametrize(
    ("raw", "country"),
    [
        ("030 901820", "DE"),  # landline
        ("020 7946 0018", "GB"),
        ("0900 1234567", "DE"),  # premium
        ("0800 1234567", "DE"),  # toll-free
        ("800 234 5678", "US"),
        ("0151 23456789 ext. 5", "DE"),
        ("110", "DE"),
        ("201 555 0123", "DE"),  # a US number without its prefix
        ("0151 23456789", "US"),
        ("12345", ""), ("", "DE"), (None, "DE"), ("abc", "DE"), ("+", "DE"), ("9" * 400, "DE"),
        ("0151 23456789", "XX"),
    ],
)  # fmt: skip
def test_number_is_refused_when_it_gets_no_sms(raw, country):
    with pytest.raises(InvalidAddressError):
        parse_phone(raw, country)


@given(st.text(max_size=40), st.sampled_from(["DE", "US", "", "XX", "d"]))
def test_phone_never_fails_otherwise_whatever_is_typed(raw, country):
    try:
        number = parse_phone(raw, country)
    except InvalidAddressError:
        return
    assert parse_phone(number, "FR") == number


def test_digest_is_the_same_for_each_spelling():
    assert address_digest("email", "Erika@Example.de") == address_digest(
        "email", "erika@example.de"
    )
    assert address_digest("phone", "0151 23456789") == address_digest("phone", "+4915123456789")
    assert address_digest("phone", "+4930901820") == address_digest("phone", "030 901820")


def test_digest_says_nothing_without_the_key():
    digest = address_digest("email", "erika@example.de")

    assert len(digest) == 64
    assert digest != address_digest("phone", "erika@example.de")
    with override_settings(CART_RECOVERY={"ADDRESS_HASH_KEY": "another"}):
        assert address_digest("email", "erika@example.de") != digest


@given(st.sampled_from(["email", "phone"]), st.text(max_size=300))
def test_digest_never_fails_whatever_is_suppressed(kind, raw):
    assert len(address_digest(kind, raw)) == 64
