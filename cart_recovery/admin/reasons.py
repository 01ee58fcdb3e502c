"""Reasons and choices in words: what is kept is a code."""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext_lazy as _

from cart_recovery.campaigns.mix import ChoiceReason
from cart_recovery.models import Reason

_HOW: Final[dict[str, Any]] = {
    ChoiceReason.PREFERRED: _("preferred channel"),
    ChoiceReason.DRAWN: _("drawn by weight"),
    ChoiceReason.FALLBACK: _("fall-back"),
}
#: of one channel, where `Reason` speaks of all of them
_WHY_NOT: Final[dict[str, Any]] = {
    Reason.NO_CONSENT: _("no consent"),
    Reason.NO_ADDRESS: _("no address"),
    Reason.NO_CHANNEL: _("not set up"),
}


def reason_label(reason: str) -> str:
    """The reason in words; a code that we do not know as it is."""
    return str(Reason(reason).label) if reason in Reason.values else reason or "-"


def choice_label(kept: str) -> str:
    """`fallback: sms no_consent` (`MixChoice.describe`) in words; any other text as it is."""
    how, _colon, blocked = kept.partition(": ")
    if how not in _HOW:
        how, blocked = "", kept
    words = [_blocked_label(part) for part in blocked.split(", ")] if blocked else []
    if not all(words):
        return kept
    return ": ".join(filter(None, [str(_HOW.get(how, "")), ", ".join(words)])) or "-"


def _blocked_label(part: str) -> str:
    """`sms no_consent` as “sms (no consent)”, "" for anything else."""
    channel, _space, why = part.partition(" ")
    if why not in Reason.values:
        return ""
    return f"{channel} ({_WHY_NOT.get(why) or Reason(why).label})"
