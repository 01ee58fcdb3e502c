"""Twilio's error codes, sorted. Facts: https://www.twilio.com/docs/api/errors

Twilio asks not to build on codes one does not know: whatever is not in these tables is final for
its message, logged, and blocks nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cart_recovery.channels.outcomes import OutcomeKind
from cart_recovery.provider_events import SuppressionReason

#: codes about the account, the sender or the request that every message has
CONFIGURATION_CODES: Final = frozenset({
    20003,  # authentication failed
    20005,  # account not active
    20006,  # access denied
    20008,  # test credentials
    20404,  # the account does not exist
    21601, 21603, 21606, 21618, 21659, 21660,  # the sender is missing, not ours or cannot do SMS
    21609,  # status callback URL
    21701, 21702, 21703, 21704, 21705,  # messaging service
    30002,  # account suspended
    30034,  # US sender not registered (10DLC)
    63007,  # no such WhatsApp sender
})  # fmt: skip
#: we are too fast for the provider or the sender; surely not taken
RATE_CODES: Final = frozenset({20429, 21611, 63018, 63038})
#: surely not taken; later it may be
LATER_CODES: Final = frozenset({30001})

#: codes after which the address must not be used again
SUPPRESSING_CODES: Final[Mapping[int, SuppressionReason]] = {
    21211: SuppressionReason.INVALID_ADDRESS,
    21217: SuppressionReason.INVALID_ADDRESS,
    21610: SuppressionReason.UNSUBSCRIBED,
    21614: SuppressionReason.INVALID_ADDRESS,  # not a mobile number
    21635: SuppressionReason.INVALID_ADDRESS,  # landline
    30005: SuppressionReason.INVALID_ADDRESS,  # unknown destination
    30006: SuppressionReason.INVALID_ADDRESS,  # landline, or a carrier that takes no SMS
    30640: SuppressionReason.CARRIER_BLOCK,  # known litigator
    63003: SuppressionReason.INVALID_ADDRESS,  # not on WhatsApp
}
#: what concerns one recipient or text, and what a person at the shop should see
ALERT_CODES: Final = frozenset({21408, 21612, 30004, 30007, 30034, 30450, 30610, 30640, 63016})
#: all other codes that are understood: final for their message, nothing to do
PLAIN_CODES: Final = frozenset({
    21602, 21604, 21605, 21608, 21617, 21619, 30003, 30008, 30036, 30453,
})  # fmt: skip

#: single words that Twilio answers by itself unless told otherwise (not "STOP PLEASE", no German)
#: https://help.twilio.com/articles/223134027
ANSWERED_KEYWORDS: Final = frozenset({
    "STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL",
    "START", "YES", "UNSTOP", "HELP", "INFO",
})  # fmt: skip


def refusal_kind(status: int, code: int | None) -> OutcomeKind:
    """What a refused create means. `status` is HTTP's, `code` Twilio's own (None: none given)."""
    if status == 429 or code in RATE_CODES or code in LATER_CODES:
        return OutcomeKind.RETRY_SAFE
    if status >= 500 or status == 408:
        # Twilio's own gateway may have failed after the message was taken
        return OutcomeKind.UNKNOWN
    is_refusing_us = status in {401, 403, 404} or 300 <= status < 400
    if code in CONFIGURATION_CODES or (is_refusing_us and not is_known(code)):
        return OutcomeKind.CONFIGURATION
    return OutcomeKind.PERMANENT


def is_known(code: int | None) -> bool:
    """Whether a code is in our tables."""
    return code is not None and (
        code in CONFIGURATION_CODES
        or code in RATE_CODES
        or code in LATER_CODES
        or code in SUPPRESSING_CODES
        or code in ALERT_CODES
        or code in PLAIN_CODES
    )


def needs_attention(code: int | None) -> bool:
    """Whether staff should hear of a code: it is one of those, or we do not know it."""
    return code is not None and (code in ALERT_CODES or not is_known(code))


def read_code(value: object) -> int | None:
    """A code as Twilio writes it (number, digits, nothing), or None."""
    text = str(value).strip() if isinstance(value, (int, str)) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
