"""Twilio's webhooks: status callbacks and people's answers.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status
https://www.twilio.com/docs/messaging/guides/webhook-request
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import SuspiciousOperation
from django.http import QueryDict
from django.utils import timezone

from cart_recovery.channels import twilio_codes
from cart_recovery.channels.twilio import TwilioSmsChannel
from cart_recovery.exceptions import WebhookRefusedError
from cart_recovery.inbound.receivers import (
    Parsed,
    RawRequest,
    Receiver,
    WebhookKeyMissingError,
    clean,
)
from cart_recovery.provider_events import EventKind, InboundText, ProviderEvent

logger = logging.getLogger(__name__)

SIGNATURE_HEADER: Final = "X-Twilio-Signature"
#: the parameter of the callback URL that carries `Message.public_id`
MESSAGE_KEY_PARAMETER: Final = "message"
MESSAGE_KEY: Final = re.compile(r"[0-9a-f]{32}")
SID: Final = re.compile(r"[0-9a-zA-Z]{4,64}")

KINDS: Final[Mapping[str, EventKind]] = {
    "scheduled": EventKind.ACCEPTED,
    "accepted": EventKind.ACCEPTED,
    "queued": EventKind.ACCEPTED,
    "sending": EventKind.ACCEPTED,
    "sent": EventKind.SENT,
    "delivered": EventKind.DELIVERED,
    "partially_delivered": EventKind.DELIVERED,
    "read": EventKind.DELIVERED,
    "undelivered": EventKind.BOUNCED,
    "failed": EventKind.FAILED,
    "canceled": EventKind.FAILED,
}


class TwilioReceiver(Receiver[TwilioSmsChannel]):
    """What both of Twilio's webhooks share: a form, signed together with the URL."""

    def verify(self, raw: RawRequest, channel: TwilioSmsChannel) -> None:
        if not channel.auth_token:
            raise WebhookKeyMissingError(
                f'CART_RECOVERY["CHANNELS"]["{channel.alias}"]["OPTIONS"]["AUTH_TOKEN"] is missing.'
            )
        from twilio.request_validator import RequestValidator

        signature = raw.headers.get(SIGNATURE_HEADER) or ""
        validator = RequestValidator(channel.auth_token)
        if not signature or not validator.validate(raw.url, read_form(raw.body), signature):
            raise WebhookRefusedError("no valid signature for the URL that the shop has")


class TwilioStatus(TwilioReceiver):
    """What became of a message."""

    status = 204

    def parse(self, raw: RawRequest, channel: TwilioSmsChannel) -> Parsed:
        form = read_form(raw.body)
        status = form.get("MessageStatus") or form.get("SmsStatus") or ""
        sid = form.get("MessageSid") or form.get("SmsSid") or ""
        kind = KINDS.get(status)
        if kind is None or not SID.fullmatch(sid):
            logger.warning("A status callback of %s makes no sense.", channel.alias)
            return Parsed(rejected=1)
        code = twilio_codes.read_code(form.get("ErrorCode"))
        if twilio_codes.needs_attention(code):
            logger.error("Twilio reports code %s for message %s.", code, sid)
        key = raw.query.get(MESSAGE_KEY_PARAMETER) or ""
        event = ProviderEvent(
            channel=channel.alias,
            kind=kind,
            # the callback has no time of its own
            occurred_at=timezone.now(),
            dedupe_key=dedupe_key(sid, status),
            message_key=key if MESSAGE_KEY.fullmatch(key) else "",
            provider_message_id=sid,
            code=str(code or ""),
            detail="" if code else status,
            suppress=twilio_codes.SUPPRESSING_CODES.get(code or 0),
            address=clean(form.get("To"), 64),
        )
        return Parsed(events=[event])


class TwilioInbound(TwilioReceiver):
    """A person's answer."""

    content_type = "text/xml"
    # silence: Twilio has answered STOP, START and HELP by itself
    answer = b'<?xml version="1.0" encoding="UTF-8"?><Response/>'

    def parse(self, raw: RawRequest, channel: TwilioSmsChannel) -> Parsed:
        form = read_form(raw.body)
        sid = form.get("MessageSid") or form.get("SmsSid") or ""
        sender = clean(form.get("From"), 64)
        if not SID.fullmatch(sid) or not sender:
            logger.warning("An answer on %s has no sender or id.", channel.alias)
            return Parsed(rejected=1)
        text = InboundText(
            channel=channel.alias,
            sender=sender,
            recipient=clean(form.get("To"), 64),
            body=clean(form.get("Body"), 4000),
            provider_message_id=sid,
            provider_opt_out=clean(form.get("OptOutType"), 16).upper(),
        )
        return Parsed(texts=[text])


def read_form(body: bytes) -> Any:
    """The parameters of a form. Raises WebhookRefusedError for what no provider sends."""
    try:
        return QueryDict(body, encoding="utf-8")
    except (SuspiciousOperation, ValueError) as error:
        raise WebhookRefusedError("not a form") from error


def dedupe_key(sid: str, status: str) -> str:
    """The same for each repetition of a status. A hash, since not every database minds case."""
    return "twilio:" + hashlib.sha256(f"{sid}\x1f{status}".encode()).hexdigest()
