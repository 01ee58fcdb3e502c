"""The providers' own words for what becomes of a message, and ours for the same in ``/faults``."""

from __future__ import annotations

SENDGRID_EVENTS = (
    "processed",
    "deferred",
    "delivered",
    "bounce",
    "blocked",
    "dropped",
    "open",
    "click",
    "spamreport",
    "unsubscribe",
    "group_unsubscribe",
    "group_resubscribe",
)
TWILIO_STATUSES = (
    "queued",
    "accepted",
    "sending",
    "sent",
    "delivered",
    "undelivered",
    "failed",
    "read",
    "canceled",
)
_SENDGRID_ALIASES = {
    "bounced": "bounce",
    "complaint": "spamreport",
    "complained": "spamreport",
    "opened": "open",
    "clicked": "click",
    "failed": "dropped",
    "unsubscribed": "unsubscribe",
}
_TWILIO_ALIASES = {"bounce": "undelivered", "bounced": "undelivered", "dropped": "failed"}


def provider_event(provider: str, event: str) -> str:
    """The provider's word for the event, "" where it knows no such thing."""
    if provider == "sendgrid":
        event = _SENDGRID_ALIASES.get(event, event)
        return event if event in SENDGRID_EVENTS else ""
    event = _TWILIO_ALIASES.get(event, event)
    return event if event in TWILIO_STATUSES else ""


# how far along each word is: reports that arrive in disorder never move a status back
_RANKS = {
    "accepted": 0, "scheduled": 0, "queued": 1, "processed": 1, "sending": 2, "deferred": 2,
    "sent": 3, "delivered": 4, "undelivered": 5, "failed": 5, "canceled": 5, "bounce": 5,
    "blocked": 5, "dropped": 5, "read": 5, "unsubscribe": 6, "spamreport": 6,
}  # fmt: skip


def further(status: str, event: str) -> str:
    """The status after the event; opens, clicks and group changes are no status."""
    return event if _RANKS.get(event, -1) >= _RANKS.get(status, 0) else status
