"""E-mail addresses and phone numbers in the one spelling by which persons are compared."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import re
import unicodedata
from functools import lru_cache
from typing import Any, Final

import idna
import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from phonenumber_field.phonenumber import PhoneNumber
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from cart_recovery.conf import conf
from cart_recovery.exceptions import InvalidAddressError, NotMobileError

MAX_EMAIL_LENGTH: Final = 254
MAX_PHONE_LENGTH: Final = 64
E164: Final = re.compile(r"\+[1-9]\d{6,14}")
#: countries whose plans tell mobile numbers from landlines: there nothing else gets an SMS
MOBILE_ONLY_COUNTRIES: Final = frozenset({"DE", "GB", "AT", "CH"})


def normalize_email(raw: str) -> tuple[str, str]:
    """(address to send to, key to compare by).

    The address keeps the case of its local part and has its host in ASCII, as mail servers want
    it; the key is the same, folded as a whole. Raises InvalidAddressError.
    """
    local, at, host = unicodedata.normalize("NFKC", str(raw or "")).strip().rpartition("@")
    try:
        ascii_host = idna.encode(host.strip().lower(), uts46=True).decode("ascii")
        address = f"{local}{at}{ascii_host}"
        validate_email(address)
    except (idna.IDNAError, UnicodeError, ValidationError):
        # neither cause nor text goes on: both hold the address
        raise InvalidAddressError("not an e-mail address") from None
    if len(address) > MAX_EMAIL_LENGTH or not address.isprintable() or " " in address:
        raise InvalidAddressError("not an e-mail address")
    return address, f"{local.casefold()}@{ascii_host}"


def parse_phone(raw: Any, country: str = "") -> str:
    """A number that can get an SMS, as E.164, read by the country (ISO code; "" = DEFAULT_COUNTRY).

    Landlines, premium, toll-free and unknown numbers are refused, and so are extensions. Where the
    plan does not tell (US, CA), `fixed line or mobile` is good enough. Raises InvalidAddressError,
    NotMobileError for a number that exists and gets no SMS.
    """
    text = number_text(raw)
    if not text or len(text) > MAX_PHONE_LENGTH:
        raise InvalidAddressError("not a phone number")
    try:
        number = phonenumbers.parse(text, (country or conf.DEFAULT_COUNTRY).upper())
    except phonenumbers.NumberParseException:
        raise InvalidAddressError("not a phone number") from None
    if number.extension or not phonenumbers.is_valid_number(number):
        raise InvalidAddressError("not a phone number")
    if not may_get_sms(number):
        raise NotMobileError("not a mobile number")
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))


def may_get_sms(number: Any) -> bool:
    """Whether the number's kind is one that gets SMS, by the plan of the number's own country."""
    kind = phonenumbers.number_type(number)
    if kind == PhoneNumberType.FIXED_LINE_OR_MOBILE:
        region = phonenumbers.region_code_for_number(number)
        return region not in MOBILE_ONLY_COUNTRIES
    return bool(kind == PhoneNumberType.MOBILE)


def number_text(raw: Any) -> str:
    """What was typed: an invalid PhoneNumber prints as something else."""
    if isinstance(raw, PhoneNumber):
        return str(raw.as_e164 if raw.is_valid() else raw.raw_input or "").strip()
    return str(raw or "").strip()


def address_digest(address_kind: str, address: Any) -> str:
    """Keyed hash (64 hex digits) by which consents and suppressions know an address.

    The same for each spelling of the address. Never fails: an address that cannot be read is
    hashed as it was typed, so that it can be suppressed all the same.
    """
    text = number_text(address) if address_kind == "phone" else str(address or "")
    return _digest(address_kind, text, conf.ADDRESS_HASH_KEY, conf.DEFAULT_COUNTRY)


def digests_of(term: str) -> list[str]:
    """The hashes that a typed address may have; none if it is no address."""
    digests = []
    with contextlib.suppress(InvalidAddressError):
        digests.append(address_digest("email", normalize_email(term)[0]))
    with contextlib.suppress(InvalidAddressError):
        digests.append(address_digest("phone", parse_phone(term, conf.DEFAULT_COUNTRY)))
    return digests


# a batch asks for each of its addresses half a dozen times
@lru_cache(maxsize=4096)
def _digest(address_kind: str, text: str, key: str, _country: str) -> str:
    """All that the digest depends on is an argument; `_country` reads numbers without prefix."""
    spelling = phone_spelling(text) if address_kind == "phone" else email_spelling(text)
    return hmac.new(key.encode(), f"{address_kind}:{spelling}".encode(), hashlib.sha256).hexdigest()


def email_spelling(address: Any) -> str:
    try:
        return normalize_email(address)[1]
    except InvalidAddressError:
        return unicodedata.normalize("NFKC", str(address or "")).strip().casefold()


def phone_spelling(address: Any) -> str:
    """E.164 where the number can be read at all: a landline can reply STOP too."""
    text = number_text(address)
    if E164.fullmatch(text):
        return text
    try:
        number = phonenumbers.parse(text[:MAX_PHONE_LENGTH], conf.DEFAULT_COUNTRY.upper())
    except phonenumbers.NumberParseException:
        return text
    return str(phonenumbers.format_number(number, PhoneNumberFormat.E164))
