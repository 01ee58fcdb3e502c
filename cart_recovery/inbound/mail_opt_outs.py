"""Mails by which people unsubscribe, as SendGrid's inbound parse hands them on.

https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/inbound-email

SendGrid does not sign this webhook: it is believed for a secret of the shop's own in its URL. Who
writes is told by the token behind the plus sign of the address; without one the From counts, where
SPF or DKIM has passed for its own domain. Answers of machines are left alone: nobody meant anything.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
from collections.abc import Iterable, Mapping
from email.parser import HeaderParser
from email.utils import getaddresses, parseaddr
from io import BytesIO
from typing import Any, Final

from django.core.exceptions import BadRequest, SuspiciousOperation
from django.core.files.uploadhandler import FileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError

from cart_recovery.channels.sendgrid import SendGridChannel
from cart_recovery.exceptions import WebhookRefusedError
from cart_recovery.inbound.receivers import (
    MailOptOut,
    Parsed,
    RawRequest,
    Receiver,
    WebhookKeyMissingError,
    clean,
)

logger = logging.getLogger(__name__)

KEY_PARAMETER: Final = "key"
#: `{@shop.example : pass, @mail.example : fail}`
DKIM_PASS: Final = re.compile(r"@([A-Za-z0-9.-]+)\s*:\s*pass\b")
UNREADABLE: Final = (MultiPartParserError, BadRequest, SuspiciousOperation, ValueError, LookupError)


class SendGridInboundParse(Receiver[SendGridChannel]):
    """A form with one mail."""

    def verify(self, raw: RawRequest, channel: SendGridChannel) -> None:
        if not channel.inbound_parse_key:
            raise WebhookKeyMissingError(
                f'CART_RECOVERY["CHANNELS"]["{channel.alias}"]["OPTIONS"]["INBOUND_PARSE_KEY"] is missing.'
            )
        given = raw.query.get(KEY_PARAMETER, "")
        if not hmac.compare_digest(given.encode(), channel.inbound_parse_key.encode()):
            raise WebhookRefusedError("not with the key of the shop")

    def parse(self, raw: RawRequest, channel: SendGridChannel) -> Parsed:
        try:
            form = read_form(raw)
        except UNREADABLE:
            logger.warning("A mail to %s could not be read.", channel.alias)
            return Parsed(rejected=1)
        opt_out = read_opt_out(form, channel)
        return Parsed(opt_outs=[opt_out] if opt_out else [])


def read_opt_out(form: Mapping[str, str], channel: SendGridChannel) -> MailOptOut | None:
    """What a mail to the unsubscribe mailbox asks for; None for any other mail."""
    envelope = _envelope(form)
    token = find_token(_recipients(form, envelope), channel.unsubscribe_mailbox)
    if token is None or is_automatic(form, envelope):
        return None
    sender = clean(parseaddr(form.get("from", ""))[1], 254)
    return MailOptOut(
        channel=channel.alias,
        token=token,
        sender=sender if is_authentic(sender, form, envelope) else "",
    )


def find_token(recipients: Iterable[str], mailbox: str) -> str | None:
    """What stands behind the plus sign of the mailbox's address, "" for nothing; None where the
    mail went to somebody else."""
    local, _at, host = mailbox.lower().rpartition("@")
    found: str | None = None
    for recipient in recipients:
        name, _at, domain = recipient.rpartition("@")
        base, _plus, token = name.partition("+")
        if local and (base.lower(), domain.lower()) == (local, host):
            found = token or found or ""
    return found


def is_automatic(form: Mapping[str, str], envelope: Mapping[str, Any]) -> bool:
    """Whether no person wrote this: a bounce, an absence notice, a list (RFC 3834)."""
    headers = HeaderParser().parsestr(form.get("headers", ""))
    submitted = str(headers.get("Auto-Submitted", "no")).partition(";")[0].strip().lower()
    precedence = str(headers.get("Precedence", "")).strip().lower()
    sender = str(envelope.get("from") or "").partition("@")[0].lower()
    return (
        submitted != "no"
        or precedence in {"bulk", "junk", "auto_reply", "list"}
        or ("from" in envelope and sender in {"", "mailer-daemon", "postmaster"})
        or headers.get_content_type() == "multipart/report"
        or any(name in headers for name in ("X-Autoreply", "X-Autorespond"))
    )


def is_authentic(sender: str, form: Mapping[str, str], envelope: Mapping[str, Any]) -> bool:
    """Whether the From is the sender's own: a check has passed for its very domain, or for one
    above or below it."""
    domain = sender.rpartition("@")[2].lower()
    if not domain:
        return False
    passed = [found.lower() for found in DKIM_PASS.findall(form.get("dkim", ""))]
    if form.get("SPF", "").strip().lower() == "pass":
        passed.append(str(envelope.get("from") or "").rpartition("@")[2].lower())
    return any(_is_aligned(domain, other) for other in passed)


def read_form(raw: RawRequest) -> dict[str, str]:
    """The form's fields as text, attachments left out. Raises what UNREADABLE lists."""
    meta = {
        "CONTENT_TYPE": raw.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": len(raw.body),
    }
    parser = MultiPartParser(meta, BytesIO(raw.body), [_NoFiles()], "utf-8")
    fields, _files = parser.parse()
    return {str(name): str(value) for name, value in fields.items()}


class _NoFiles(FileUploadHandler):
    """Attachments of a mail that says no are nobody's business."""

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return None

    def file_complete(self, file_size: int) -> None:
        return None


def _envelope(form: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        envelope = json.loads(form.get("envelope", "{}"))
    except (ValueError, RecursionError):
        return {}
    return envelope if isinstance(envelope, dict) else {}


def _recipients(form: Mapping[str, str], envelope: Mapping[str, Any]) -> list[str]:
    """Whom the mail went to; the envelope says it for sure, the header only where there is none."""
    to = envelope.get("to")
    if isinstance(to, list) and to:
        return [str(address) for address in to]
    return [address for _name, address in getaddresses([form.get("to", "")])]


def _is_aligned(domain: str, other: str) -> bool:
    """Same organisation, as far as that can be told without a list: one contains the other, and
    both have a dot (nobody signs for a whole top-level domain)."""
    if "." not in domain or "." not in other:
        return False
    return domain == other or domain.endswith(f".{other}") or other.endswith(f".{domain}")
