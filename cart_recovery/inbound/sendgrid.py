"""SendGrid's signed event webhook.

https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
"""

from __future__ import annotations

import datetime as dt
import functools
import hashlib
import json
import logging
import re
from collections.abc import Mapping
from typing import Any, Final

from django.utils import timezone

from cart_recovery.channels.sendgrid import MESSAGE_KEY_ARG, SendGridChannel, is_p256_key
from cart_recovery.conf import conf
from cart_recovery.exceptions import WebhookRefusedError
from cart_recovery.inbound.receivers import (
    Parsed,
    RawRequest,
    Receiver,
    WebhookKeyMissingError,
    clean,
)
from cart_recovery.provider_events import EventKind, ProviderEvent, SuppressionReason

logger = logging.getLogger(__name__)

SIGNATURE_HEADER: Final = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP_HEADER: Final = "X-Twilio-Email-Event-Webhook-Timestamp"
#: SendGrid tries again for so long; whether each try is signed anew is not documented
RETRIED_FOR: Final = dt.timedelta(hours=24)
MESSAGE_KEY: Final = re.compile(r"[0-9a-f]{32}")

KINDS: Final[Mapping[str, EventKind]] = {
    "processed": EventKind.ACCEPTED,
    "deferred": EventKind.DEFERRED,
    "delivered": EventKind.DELIVERED,
    "bounce": EventKind.BOUNCED,
    "dropped": EventKind.FAILED,
    "open": EventKind.OPENED,
    "click": EventKind.CLICKED,
    "spamreport": EventKind.COMPLAINED,
    "unsubscribe": EventKind.UNSUBSCRIBED,
    "group_unsubscribe": EventKind.UNSUBSCRIBED,
}
#: understood, and nothing of ours: a permission never comes from a provider
IGNORED: Final = frozenset({"group_resubscribe", "account_status_change"})
#: why SendGrid drops a mail itself -> what that says about the address
DROP_REASONS: Final[Mapping[str, SuppressionReason]] = {
    "unsubscribed address": SuppressionReason.UNSUBSCRIBED,
    "spam reporting address": SuppressionReason.COMPLAINT,
    "bounced address": SuppressionReason.HARD_BOUNCE,
}
MALFORMED: Final = (ValueError, TypeError, LookupError, ArithmeticError, OSError, AttributeError)


class SendGridEvents(Receiver[SendGridChannel]):
    """A JSON array of events."""

    def verify(self, raw: RawRequest, channel: SendGridChannel) -> None:
        if not is_p256_key(channel.webhook_public_key):
            raise WebhookKeyMissingError(
                f'CART_RECOVERY["CHANNELS"]["{channel.alias}"]["OPTIONS"]["WEBHOOK_PUBLIC_KEY"] '
                "is missing or no verification key."
            )
        timestamp = raw.headers.get(TIMESTAMP_HEADER) or ""
        signature = raw.headers.get(SIGNATURE_HEADER) or ""
        if not is_signed(channel.webhook_public_key, timestamp, signature, raw.body):
            raise WebhookRefusedError("no valid signature")
        _check_age(timestamp)

    def parse(self, raw: RawRequest, channel: SendGridChannel) -> Parsed:
        parsed = Parsed()
        try:
            items = json.loads(raw.body)
        except (ValueError, RecursionError):
            parsed.rejected = 1
            return parsed
        for item in items if isinstance(items, list) else [items]:
            try:
                event = read_event(item, channel.alias)
            except MALFORMED:
                parsed.rejected += 1
                continue
            if event is not None:
                parsed.events.append(event)
        if parsed.rejected:
            logger.warning("%d events of %s make no sense.", parsed.rejected, channel.alias)
        return parsed


def is_signed(public_key: str, timestamp: str, signature: str, body: bytes) -> bool:
    """Whether SendGrid signed these very bytes."""
    if not timestamp.isascii() or not timestamp.isdigit() or not signature:
        return False
    try:
        # the helper puts the text together again as UTF-8, so nothing is lost on the way
        return bool(_verifier(public_key).verify_signature(body.decode(), signature, timestamp))
    except ValueError:
        # no base64, or no UTF-8
        return False


@functools.lru_cache(maxsize=8)
def _verifier(public_key: str) -> Any:
    from sendgrid.helpers.eventwebhook import EventWebhook

    return EventWebhook(public_key)


def _check_age(timestamp: str) -> None:
    """Refuse what cannot be a first or repeated delivery any more.

    Between the tolerance and the end of SendGrid's retries we cannot tell a late delivery from a
    replay, and need not: an event that is known changes nothing.
    """
    age = timezone.now().timestamp() - int(timestamp[:12])
    tolerance = conf.WEBHOOK_TOLERANCE.total_seconds()
    if not -tolerance <= age <= RETRIED_FOR.total_seconds() + tolerance:
        raise WebhookRefusedError("signed too long ago")
    if age > tolerance:
        logger.info("A webhook was signed %d s ago: delivered late, or again.", age)


def read_event(item: Any, alias: str) -> ProviderEvent | None:
    """One event in our words; None for what does not concern us. Raises what MALFORMED lists."""
    name = item["event"]
    if name in IGNORED:
        return None
    kind = KINDS[name]
    address = clean(item.get("email"), 254)
    key = clean(item.get(MESSAGE_KEY_ARG), 32)
    detail = clean(item.get("reason") or item.get("response"), 500)
    return ProviderEvent(
        channel=alias,
        kind=kind,
        occurred_at=_read_time(item["timestamp"]),
        dedupe_key=dedupe_key(item),
        message_key=key if MESSAGE_KEY.fullmatch(key) else "",
        # what the send was answered with is the part before the first dot
        provider_message_id=clean(item.get("sg_message_id"), 256).partition(".")[0][:128],
        code=clean(item.get("status") or item.get("type"), 64),
        detail=detail.replace(address, "[address]") if address else detail,
        is_machine=item.get("sg_machine_open") is True,
        suppress=suppression_reason(kind, item),
        address=address,
    )


def dedupe_key(item: Mapping[str, Any]) -> str:
    """The same for each repetition of an event. A hash, since not every database minds case."""
    parts = [item.get("sg_event_id")]
    if not parts[0]:
        parts = [item.get(n) for n in ("sg_message_id", "event", "timestamp", "email", "url")]
    text = "\x1f".join(str(part) for part in parts)
    return "sendgrid:" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def suppression_reason(kind: EventKind, item: Mapping[str, Any]) -> SuppressionReason | None:
    """Why the address must not be used again, if so. A mere block (content, reputation) is none."""
    if kind is EventKind.COMPLAINED:
        return SuppressionReason.COMPLAINT
    if kind is EventKind.UNSUBSCRIBED:
        return SuppressionReason.UNSUBSCRIBED
    if kind is EventKind.FAILED:
        return DROP_REASONS.get(str(item.get("reason") or "").strip().casefold())
    if kind is EventKind.BOUNCED and item.get("type", "bounce") == "bounce":
        is_invalid = item.get("bounce_classification") == "Invalid Address"
        if is_invalid or str(item.get("status") or "").startswith("5.1."):
            return SuppressionReason.HARD_BOUNCE
    return None


def _read_time(value: Any) -> dt.datetime:
    """A moment from seconds since 1970. Raises ValueError for what cannot be one."""
    if isinstance(value, bool):
        raise TypeError("no timestamp")
    moment = dt.datetime.fromtimestamp(float(value), tz=dt.UTC)
    if not 2000 <= moment.year < 2100:
        raise ValueError("no timestamp of this age")
    return moment
