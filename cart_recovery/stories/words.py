"""Codes, amounts and moments of a fact in words of the language and time zone at hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cart_recovery.campaigns.mix import ChoiceReason
from cart_recovery.channels.names import channel_name
from cart_recovery.contacts.masking import masked, without_addresses
from cart_recovery.models import (
    CartStage,
    CartState,
    ConsentMethod,
    CreditBasis,
    DeliveryEvent,
    EnrolmentState,
    ExclusionReason,
    FollowUpState,
    MessageState,
    Milestone,
    NoticeKind,
    Purpose,
    Reason,
    Suppression,
    TroubleKind,
)
from cart_recovery.shop.money import price_text

_HOW: Final[Mapping[str, Any]] = {
    ChoiceReason.PREFERRED: gettext_lazy("preferred channel"),
    ChoiceReason.DRAWN: gettext_lazy("drawn by weight"),
    ChoiceReason.FALLBACK: gettext_lazy("fall-back"),
}
#: of one channel, where `Reason` speaks of all of them
_WHY_NOT: Final[Mapping[str, Any]] = {
    Reason.NO_CONSENT: gettext_lazy("no consent"),
    Reason.NO_ADDRESS: gettext_lazy("no address"),
    Reason.NO_CHANNEL: gettext_lazy("not set up"),
}


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: without the permission addresses show masked."""

    sees_persons: bool

    def address(self, address: str) -> str:
        if self.sees_persons:
            return address
        return masked("email" if "@" in address else "phone", address)

    def text(self, text: str) -> str:
        """What a provider says: it may name the recipient."""
        return text if self.sees_persons else without_addresses(text)


def moment_text(moment: dt.datetime) -> str:
    """In the current time zone, which pages name once."""
    return formats.date_format(timezone.localtime(moment), "SHORT_DATETIME_FORMAT")


def reason_text(reason: str) -> str:
    """The reason in words; a code that we do not know as it is."""
    return str(Reason(reason).label) if reason in Reason.values else reason


def blocked_text(why: str) -> str:
    """Why one channel cannot be used."""
    return str(_WHY_NOT.get(why) or reason_text(why))


def choice_text(kept: str) -> str:
    """`fallback: sms no_consent` (`MixChoice.describe`) in words; any other text as it is."""
    how, _colon, blocked = kept.partition(": ")
    if how not in _HOW:
        how, blocked = "", kept
    words = [_blocked_channel(part) for part in blocked.split(", ")] if blocked else []
    if not all(words):
        return kept
    return ": ".join(filter(None, [str(_HOW.get(how, "")), ", ".join(words)]))


def _blocked_channel(part: str) -> str:
    """`sms no_consent` as “SMS (no consent)”, "" for anything else."""
    channel, _space, why = part.partition(" ")
    if why not in Reason.values:
        return ""
    return f"{channel_name(channel)} ({blocked_text(why)})"


def _label(choices: Any) -> Callable[[Any], str]:
    labels = dict(choices)
    return lambda value: str(labels.get(value, value))


_BY_KEY: Final[Mapping[str, Callable[[Any], str]]] = {
    "channel": channel_name,
    "reason": reason_text,
    "blocked_by": blocked_text,
    "choice": choice_text,
    "milestone": _label(Milestone.choices),
    "stage": _label(CartStage.choices),
    "cart_state": _label(CartState.choices),
    "exclusion": _label(ExclusionReason.choices),
    "enrolment_state": _label(EnrolmentState.choices),
    "followup_state": _label(FollowUpState.choices),
    "message_state": _label(MessageState.choices),
    "event": _label(DeliveryEvent.KINDS),
    "basis": _label(CreditBasis.choices),
    "purpose": _label(Purpose.choices),
    "method": _label(ConsentMethod.choices),
    "suppression": _label(Suppression.REASONS),
    "notice": _label(NoticeKind.choices),
    "trouble": _label(TroubleKind.choices),
}


def in_words(details: Mapping[str, Any], reader: Reader) -> dict[str, str]:
    """Each value as a text; what is missing as ""."""
    words = {key: _text(key, value, reader) for key, value in details.items()}
    if isinstance(details.get("total"), Decimal):
        words["total"] = price_text(details["total"], str(details.get("currency", "")))
    return words


def _text(key: str, value: Any, reader: Reader) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, dt.datetime):
        return moment_text(value)
    if key == "address":
        return reader.address(value)
    if key == "detail":
        return reader.text(value)
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return _BY_KEY[key](value) if key in _BY_KEY else str(value)
