"""What Twilio's message creation refuses, with the code that it gives.

The numbers +1500555xxxx are those of Twilio's own test credentials and fail as they do there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

import phonenumbers

MAX_BODY = 1_600
MAX_MEDIA = 10
MAX_VALIDITY = 36_000
Params = Mapping[str, str]

_BOOLEANS = ("ProvideFeedback", "ForceDelivery", "SmartEncoded", "ShortenUrls", "SendAsMms")
_CHOICES = {
    "ContentRetention": ("retain", "discard"),
    "AddressRetention": ("retain", "obfuscate"),
    "TrafficType": ("free",),
    "ScheduleType": ("fixed",),
    "RiskCheck": ("enable", "disable"),
}
_SIDS = {
    "MessagingServiceSid": ("MG", 21701),
    "ApplicationSid": ("AP", 20001),
    "ContentSid": ("HX", 21655),
}
REPEATABLE = frozenset({"MediaUrl", "PersistentAction"})
KNOWN = frozenset(
    {
        "To", "From", "FallbackFrom", "Body", "StatusCallback", "MaxPrice", "Attempt",
        "ValidityPeriod", "SendAt", "ContentVariables",
        *_BOOLEANS, *_CHOICES, *_SIDS, *REPEATABLE,
    }
)  # fmt: skip
_MAGIC_TO = {
    "+15005550001": (21211, "The 'To' number {to} is not a valid phone number."),
    "+15005550002": (21612, "The 'To' number {to} is not reachable from this sender."),
    "+15005550003": (21408, "Permission to send an SMS has not been enabled for the region."),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number: {to}, is not a valid mobile number"),
}
_MAGIC_FROM = {
    "+15005550001": (21212, "The 'From' number {sender} is not a valid phone number."),
    "+15005550007": (21606, "The 'From' phone number {sender} is not one of your account."),
    "+15005550008": (21611, "The 'From' number {sender} has too many messages in its queue."),
}
_MAGIC_GOOD = "+15005550006"
_ALPHANUMERIC = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
# carriers there take no alphanumeric sender
_NUMERIC_ONLY = ("US", "CA", "PR")


class TwilioRefusal(Exception):  # noqa: N818 # a normal answer of the interface, no error of ours
    """A refusal as the interface answers it."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code, self.message, self.status = code, message, status


def check(params: Params, media: list[str], *, numbers: tuple[str, ...]) -> None:
    """Raise TwilioRefusal for the first thing that is wrong, in the order of the interface."""
    unknown = sorted(params.keys() - KNOWN)
    if unknown:
        raise TwilioRefusal(20001, f"Unknown parameter: {', '.join(unknown)}")
    checks: tuple[Callable[[Params], None], ...] = (
        _check_simple_types,
        _check_recipient,
        lambda given: _check_sender(given, numbers),
        lambda given: _check_content(given, media),
        _check_callback,
        _check_schedule,
    )
    for each in checks:
        each(params)


def is_alphanumeric(sender: str) -> bool:
    """A sender of letters: nobody can answer it."""
    return _ALPHANUMERIC.fullmatch(sender) is not None


@lru_cache(maxsize=100_000)
def number_kind(number: str) -> str:
    """ "mobile", "landline", "other" or "" for what is no valid number in E.164."""
    if re.fullmatch(r"\+[1-9][0-9]{6,14}", number) is None:
        return ""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return ""
    if not phonenumbers.is_valid_number(parsed):
        return ""
    kinds = phonenumbers.PhoneNumberType
    kind = phonenumbers.number_type(parsed)
    if kind in (kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE):
        return "mobile"
    return "landline" if kind == kinds.FIXED_LINE else "other"


@lru_cache(maxsize=100_000)
def region_of(number: str) -> str:
    """Two-letter country of a valid number, "" where it has none."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.region_code_for_number(parsed) or ""


def _check_simple_types(params: Params) -> None:
    for name in _BOOLEANS:
        if name in params and params[name].lower() not in ("true", "false"):
            raise TwilioRefusal(20001, f"{name} has to be true or false.")
    for name, choices in _CHOICES.items():
        if name in params and params[name] not in choices:
            raise TwilioRefusal(20001, f"{name} has to be one of {', '.join(choices)}.")
    for name, (prefix, code) in _SIDS.items():
        if name in params and re.fullmatch(prefix + "[0-9a-fA-F]{32}", params[name]) is None:
            raise TwilioRefusal(code, f"The {name} {params[name]} is not valid.")
    period = params.get("ValidityPeriod", "1")
    if not _is_whole(period) or not 1 <= int(period) <= MAX_VALIDITY:
        raise TwilioRefusal(20001, f"ValidityPeriod has to be from 1 to {MAX_VALIDITY} seconds.")
    if not _is_whole(params.get("Attempt", "1")):
        raise TwilioRefusal(20001, "Attempt has to be a whole number.")


def _is_whole(value: str) -> bool:
    return value.isascii() and value.isdigit() and len(value) < 10


def _check_recipient(params: Params) -> None:
    to = params.get("To", "")
    if not to:
        raise TwilioRefusal(21604, "A 'To' phone number is required.")
    if to in _MAGIC_TO:
        code, message = _MAGIC_TO[to]
        raise TwilioRefusal(code, message.format(to=to))
    if ":" in to:
        raise TwilioRefusal(63007, "This account has no channel but SMS.")
    kind = number_kind(to)
    if not kind and to != _MAGIC_GOOD:
        raise TwilioRefusal(21211, f"The 'To' number {to} is not a valid phone number.")
    # a British landline is read out by a computer voice, so Twilio does not refuse it
    if kind == "landline" and region_of(to) != "GB":
        raise TwilioRefusal(21614, f"'To' number: {to}, is not a valid mobile number")


def _check_sender(params: Params, numbers: tuple[str, ...]) -> None:
    sender = params.get("From", "")
    if not sender and "MessagingServiceSid" not in params:
        raise TwilioRefusal(21603, "A 'From' phone number is required.")
    if not sender:
        return
    if sender in _MAGIC_FROM:
        code, message = _MAGIC_FROM[sender]
        raise TwilioRefusal(code, message.format(sender=sender))
    if sender == params["To"]:
        raise TwilioRefusal(21266, "'To' and 'From' number cannot be the same.")
    if is_alphanumeric(sender):
        if region_of(params["To"]) in _NUMERIC_ONLY:
            message = f"The 'From' sender {sender} is not possible to the 'To' number's country."
            raise TwilioRefusal(21612, message)
        return
    if not number_kind(sender) and sender != _MAGIC_GOOD:
        message = (
            f"The 'From' number {sender} is not a valid phone number, shortcode, or "
            "alphanumeric sender ID."
        )
        raise TwilioRefusal(21212, message)
    if numbers and sender not in (*numbers, _MAGIC_GOOD):
        message = f"The 'From' phone number {sender} is not a number of your account."
        raise TwilioRefusal(21606, message)


def _check_content(params: Params, media: list[str]) -> None:
    body = params.get("Body", "")
    if not body.strip() and not media and "ContentSid" not in params:
        raise TwilioRefusal(21602, "Message body is required.")
    if len(body) > MAX_BODY:
        message = "The concatenated message body exceeds the 1600 character limit."
        raise TwilioRefusal(21617, message)
    if len(media) > MAX_MEDIA:
        raise TwilioRefusal(21623, "Number of media files exceeds allowed limit.")
    if any(not _is_web_address(url) for url in media):
        raise TwilioRefusal(21620, "Invalid media URL(s).")
    if "ContentVariables" in params and not _is_json_object(params["ContentVariables"]):
        raise TwilioRefusal(21656, "The ContentVariables parameter is invalid.")


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _check_callback(params: Params) -> None:
    # the real Twilio refuses loopback too; a simulator has nowhere else to call
    callback = params.get("StatusCallback", "")
    if "StatusCallback" in params and not _is_web_address(callback):
        raise TwilioRefusal(21609, f"The 'StatusCallback' URL {callback} is not a valid URL.")


def _is_web_address(url: str) -> bool:
    if re.fullmatch(r"[!-~]+", url) is None or len(url) > 4_000:
        return False
    try:
        parts = urlsplit(url)
        # reading the port is what raises for a wrong one
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and "_" not in host and port != 0


def _check_schedule(params: Params) -> None:
    if "SendAt" not in params and "ScheduleType" not in params:
        return
    if "MessagingServiceSid" not in params:
        raise TwilioRefusal(35118, "MessagingServiceSid is required to schedule a message.")
    if "SendAt" not in params or "ScheduleType" not in params:
        raise TwilioRefusal(35111, "Scheduling takes both SendAt and ScheduleType.")
    try:
        at = datetime.fromisoformat(params["SendAt"])
    except ValueError:
        raise TwilioRefusal(35114, "SendAt is no date in ISO 8601.") from None
    ahead = (at if at.tzinfo else at.replace(tzinfo=UTC)) - datetime.now(UTC)
    if not timedelta(seconds=300) <= ahead <= timedelta(days=35):
        raise TwilioRefusal(35114, "SendAt has to be from 300 seconds to 35 days in the future.")
