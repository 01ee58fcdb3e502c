"""States as an icon with a word: told apart without colour, and read out without the icon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.utils.html import format_html
from django.utils.safestring import SafeString

from cart_recovery.models import (
    CartState,
    EnrolmentState,
    FollowUpState,
    MessageState,
    OptInState,
)
from cart_recovery.provider_events import EventKind

#: tone -> what stands before the word
ICONS: Final[Mapping[str, str]] = {
    "good": "✔", "bad": "✖", "wait": "◷", "gone": "–", "odd": "?", "": "•",
}  # fmt: skip
_MESSAGES: Final[Mapping[str, str]] = {
    MessageState.SENDING: "wait", MessageState.RETRY: "wait", MessageState.UNKNOWN: "odd",
    MessageState.SENT: "", MessageState.DEFERRED: "wait", MessageState.DELIVERED: "good",
    MessageState.FAILED: "bad", MessageState.BOUNCED: "bad", MessageState.COMPLAINED: "bad",
    MessageState.WITHDRAWN: "gone",
}  # fmt: skip
_FOLLOWUPS: Final[Mapping[str, str]] = {
    FollowUpState.PLANNED: "wait", FollowUpState.CLAIMED: "wait", FollowUpState.DONE: "good",
    FollowUpState.SKIPPED: "gone", FollowUpState.MISSED: "bad", FollowUpState.CANCELLED: "gone",
}  # fmt: skip
_CARTS: Final[Mapping[str, str]] = {
    CartState.ACTIVE: "wait", CartState.ABANDONED: "", CartState.ORDERED: "good",
    CartState.EMPTIED: "gone", CartState.MERGED: "gone", CartState.DELETED: "gone",
    CartState.EXCLUDED: "gone",
}  # fmt: skip
_ENROLMENTS: Final[Mapping[str, str]] = {
    EnrolmentState.ACTIVE: "wait", EnrolmentState.COMPLETED: "good", EnrolmentState.STOPPED: "gone",
}  # fmt: skip
_OPT_INS: Final[Mapping[str, str]] = {
    OptInState.PENDING: "wait", OptInState.CONFIRMED: "good", OptInState.EXPIRED: "gone",
    OptInState.CANCELLED: "gone",
}  # fmt: skip
_EVENTS: Final[Mapping[str, str]] = {
    EventKind.ACCEPTED: "", EventKind.SENT: "", EventKind.DELIVERED: "good",
    EventKind.DEFERRED: "wait", EventKind.BOUNCED: "bad", EventKind.COMPLAINED: "bad",
    EventKind.UNSUBSCRIBED: "bad", EventKind.OPENED: "", EventKind.CLICKED: "good",
    EventKind.FAILED: "bad",
}  # fmt: skip
_BY_MODEL: Final[Mapping[str, Mapping[str, str]]] = {
    "message": _MESSAGES, "followup": _FOLLOWUPS, "notice": _FOLLOWUPS, "trackedcart": _CARTS,
    "enrolment": _ENROLMENTS, "optin": _OPT_INS, "deliveryevent": _EVENTS,
}  # fmt: skip


def badge(tone: str, text: object) -> SafeString:
    return format_html(
        '<span class="cr-state cr-state-{}"><span class="cr-icon" aria-hidden="true">{}</span>'
        " {}</span>",
        tone or "plain", ICONS[tone], text,
    )  # fmt: skip


def state_badge(model_name: str, state: str, label: object) -> SafeString:
    """The state of a row of this model; a state that we do not know without a meaning."""
    return badge(_BY_MODEL[model_name].get(state, ""), label)
