"""Reasons and choices in words: what is kept is a code."""

from __future__ import annotations

from cart_recovery.stories.words import choice_text, reason_text


def reason_label(reason: str) -> str:
    """The reason in words; a code that we do not know as it is; "-" for none."""
    return reason_text(reason) or "-"


def choice_label(kept: str) -> str:
    """`fallback: sms no_consent` (`MixChoice.describe`) in words; any other text as it is."""
    return choice_text(kept) or "-"
