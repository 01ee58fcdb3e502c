"""What people type as their address: read, or refused with words that say what to do."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import idna
import phonenumbers
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from cart_recovery.conf import conf
from cart_recovery.contacts.addresses import MAX_EMAIL_LENGTH, normalize_email, parse_phone
from cart_recovery.exceptions import InvalidAddressError, NotMobileError

#: nobody reads these, or somebody who must not get advertising; `info@` may well be a shopper's
_REFUSED_ROLES: Final = re.compile(
    r"(no|do[-_.]?not)[-_.]?reply|postmaster|hostmaster|abuse|mailer-daemon|bounces?|spam",
    re.IGNORECASE,
)
#: scripts that belong together in one writing
_WRITINGS: Final = (
    frozenset({"LATIN", "HIRAGANA", "KATAKANA", "CJK"}),
    frozenset({"LATIN", "HANGUL", "CJK"}),
    frozenset({"LATIN", "BOPOMOFO", "CJK"}),
)
#: Cyrillic and Greek letters that look like Latin ones
_LOOKALIKES: Final = frozenset("асԁеһіјӏорԛѕԝхуүьмтнквгοαρνικτυχε")


def read_address(address_kind: str, typed: str, *, country: str = "") -> str:
    """The address in its one spelling: an e-mail address, or a mobile number as E.164.

    Raises ValidationError with one message for the person who typed it. `country` (ISO code) is
    the one by which a number without prefix is read; "" is DEFAULT_COUNTRY.
    """
    text = typed.strip()
    if not text:
        raise ValidationError(_("Please fill in this field."), code="required")
    return _read_phone(text, country) if address_kind == "phone" else _read_email(text)


def read_country(typed: str) -> str:
    """An ISO code as `DE`; "" for none. Raises ValidationError for what is no country."""
    country = typed.strip().upper()
    if country and country not in phonenumbers.SUPPORTED_REGIONS:
        raise ValidationError(_("This is no country code. Write two letters, such as DE."))
    return country


def _read_phone(text: str, country: str) -> str:
    try:
        return parse_phone(text, country or conf.DEFAULT_COUNTRY)
    except NotMobileError:
        raise ValidationError(
            _("This number cannot receive text messages. Please give a mobile number."),
            code="not_mobile",
        ) from None
    except InvalidAddressError:
        raise ValidationError(
            _("This is no phone number. Please check the digits, for example +49 151 23456789."),
            code="invalid",
        ) from None


def _read_email(text: str) -> str:
    try:
        # what is far too long is not even looked at
        address = normalize_email(text if len(text) <= MAX_EMAIL_LENGTH else "")[0]
    except InvalidAddressError:
        raise ValidationError(
            _("This is no e-mail address. Please check it, for example name@example.com."),
            code="invalid",
        ) from None
    local, _at, host = address.rpartition("@")
    if is_deceptive(host):
        raise ValidationError(
            _(
                "The part after the @ mixes letters of several alphabets that look alike. "
                "Please type the address by hand instead of pasting it."
            ),
            code="deceptive",
        )
    if _REFUSED_ROLES.fullmatch(local.partition("+")[0]):
        raise ValidationError(
            _("Nobody reads mail at this address. Please give your own."), code="role"
        )
    return address


def is_deceptive(host: str) -> bool:
    """Whether a host (in ASCII) shows as letters that pass for others.

    A label that mixes scripts which no writing mixes; or one all in Cyrillic or Greek whose every
    letter has a Latin double, below a Latin top-level domain (as browsers judge it).
    """
    labels = [_shown(label) for label in host.split(".")]
    top_is_latin = _scripts(labels[-1]) <= {"LATIN"}
    return any(
        _is_mixed(scripts := _scripts(label))
        or (
            top_is_latin
            and scripts in ({"CYRILLIC"}, {"GREEK"})
            and all(letter in _LOOKALIKES for letter in label if letter.isalpha())
        )
        for label in labels
    )


def _shown(label: str) -> str:
    try:
        return idna.decode(label) if label.lower().startswith("xn--") else label
    except (idna.IDNAError, UnicodeError):
        return label


def _scripts(label: str) -> set[str]:
    """The scripts of a label's letters, by the first word of their Unicode names."""
    return {
        re.split("[ -]", unicodedata.name(letter, "UNKNOWN"))[0] for letter in label
        if letter.isalpha()
    }  # fmt: skip


def _is_mixed(scripts: set[str]) -> bool:
    return len(scripts) > 1 and not any(scripts <= writing for writing in _WRITINGS)
