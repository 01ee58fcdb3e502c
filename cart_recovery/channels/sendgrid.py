"""E-mail by SendGrid. PROVIDERS: https://www.twilio.com/docs/sendgrid/api-reference/mail-send"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import logging
import time
from collections.abc import Mapping
from email.utils import parseaddr
from typing import Any, Final

from cart_recovery.channels.base import RATE_LIMITED, Channel, Outcome, OutcomeKind, OutgoingMessage
from cart_recovery.channels.option_checks import OptionChecks
from cart_recovery.channels.transport import (
    ProcessLocal,
    Transport,
    failure_outcome,
    retry_after,
)
from cart_recovery.conf import conf
from cart_recovery.provider_events import SuppressionReason

logger = logging.getLogger(__name__)

#: the one thing of ours that SendGrid keeps, and gives back with each event
MESSAGE_KEY_ARG: Final = "cart_recovery_message"
DEFAULT_BASE_URL: Final = "https://api.sendgrid.com"
#: headers that SendGrid refuses to take from us
RESERVED_HEADERS: Final = frozenset({
    "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type",
    "content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc",
})  # fmt: skip
#: how the DER form of a P-256 public key begins
P256_PREFIX: Final = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")


class SendGridChannel(Channel):
    """OPTIONS:

    - `API_KEY`: with the right "Mail Send", nothing else.
    - `BASE_URL`: default https://api.sendgrid.com; https://api.eu.sendgrid.com for EU subusers.
    - `WEBHOOK_PUBLIC_KEY`: verification key of the signed event webhook.
    - `INBOUND_PARSE_KEY`: a secret of the shop's own, at the end of the inbound parse URL.
    - `UNSUBSCRIBE_MAILBOX`: `unsubscribe@parse.shop.example`, an address on the host whose mail goes
      to inbound parse: adds `mailto:` to the header `List-Unsubscribe`.
    - `FROM_EMAIL`, `REPLY_TO`: default to the settings of the same name.
    - `TIMEOUT` (seconds, 10), `CONCURRENCY` (calls at a time, 32), `CA_BUNDLE` (a PEM file).
    - `SANDBOX`: SendGrid checks the request and sends nothing.
    """

    supports_html = True
    default_concurrency = 32
    known_options = frozenset({
        "API_KEY", "BASE_URL", "TIMEOUT", "CONCURRENCY", "WEBHOOK_PUBLIC_KEY", "FROM_EMAIL",
        "REPLY_TO", "SANDBOX", "CA_BUNDLE", "INBOUND_PARSE_KEY", "UNSUBSCRIBE_MAILBOX",
    })  # fmt: skip
    required_options = frozenset({"API_KEY"})

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        self._clients = ProcessLocal(self._make_client)

    @property
    def base_url(self) -> str:
        return str(self.options.get("BASE_URL") or DEFAULT_BASE_URL).rstrip("/")

    @property
    def sender(self) -> str:
        return str(self.options.get("FROM_EMAIL") or conf.FROM_EMAIL)

    @property
    def webhook_public_key(self) -> str:
        """The key in base64, without PEM's first and last line; "" where none is set."""
        lines = str(self.options.get("WEBHOOK_PUBLIC_KEY") or "").splitlines()
        return "".join(line.strip() for line in lines if not line.startswith("-----"))

    @property
    def inbound_parse_key(self) -> str:
        """The secret by which inbound parse is believed; "" where none is set."""
        return str(self.options.get("INBOUND_PARSE_KEY") or "")

    @property
    def unsubscribe_mailbox(self) -> str:
        return str(self.options.get("UNSUBSCRIBE_MAILBOX") or "")

    def send_one(self, message: OutgoingMessage) -> Outcome:
        client = self._clients.get()
        try:
            mail = self._make_mail(message)
        except Exception as error:
            # the library refuses some contents; nothing has left the house yet
            logger.exception("Message %s cannot be made into a mail.", message.key)
            return Outcome(
                OutcomeKind.PERMANENT, code="invalid_message", detail=type(error).__name__
            )
        from urllib3.exceptions import HTTPError

        try:
            response = client.send(mail)
        except HTTPError as error:
            return failure_outcome(error)
        return self._sort(message, response.status_code, response.headers, response.body)

    def check_options(self, options: OptionChecks) -> None:
        super().check_options(options)
        options.check_secret("API_KEY")
        options.check_secret("INBOUND_PARSE_KEY")
        options.check_pattern(
            "UNSUBSCRIBE_MAILBOX", r"[A-Za-z0-9._-]{1,20}@[A-Za-z0-9.-]+\.[A-Za-z0-9-]+",
            "Write an address of at most 20 letters before the @, as unsubscribe@parse.shop.example.",
        )  # fmt: skip
        if self.unsubscribe_mailbox and not self.inbound_parse_key:
            options.add_error(
                104, f"{options.where('UNSUBSCRIBE_MAILBOX')} is set, but nothing receives its mail.",
                f"Set {options.where('INBOUND_PARSE_KEY')} and the inbound parse URL, or leave both out.",
            )  # fmt: skip
        options.check_url("BASE_URL")
        options.check_number("TIMEOUT", lowest=0.1, highest=60)
        options.check_file("CA_BUNDLE")
        options.check_sender(self.sender)
        if not self.webhook_public_key:
            options.add_warning(
                107, f'Events of channel "{self.alias}" are refused: no key verifies them.',
                f"Set {options.where('WEBHOOK_PUBLIC_KEY')} to the verification key of SendGrid's "
                "signed event webhook.",
            )  # fmt: skip
        elif not is_p256_key(self.webhook_public_key):
            options.add_error(
                104, f"{options.where('WEBHOOK_PUBLIC_KEY')} is not a verification key.",
                "Copy it from Mail Settings > Event Webhook > Signature Verification.",
            )  # fmt: skip

    def close(self) -> None:
        client = self._clients.take()
        if client is not None:
            client.transport.close()

    def _make_client(self) -> Any:
        from cart_recovery.channels.sendgrid_client import PooledSendGrid

        transport = Transport(
            self.base_url, size=self.concurrency, timeout=float(self.options.get("TIMEOUT") or 10),
            ca_bundle=self.options.get("CA_BUNDLE") or "",
        )  # fmt: skip
        return PooledSendGrid(self.options["API_KEY"], self.base_url, transport)

    def _make_mail(self, message: OutgoingMessage) -> Any:
        from sendgrid.helpers import mail as parts

        name, address = parseaddr(self.sender)
        mail = parts.Mail(
            from_email=parts.From(address, name or None), subject=message.subject,
            plain_text_content=message.text or None, html_content=message.html or None,
        )  # fmt: skip
        recipient = parts.Personalization()
        to = parts.To()
        # not by the constructor: it would take the address apart
        to.email = message.to
        recipient.add_to(to)
        recipient.add_custom_arg(parts.CustomArg(MESSAGE_KEY_ARG, message.key))
        for key, value in message.headers.items():
            if key.lower() not in RESERVED_HEADERS:
                recipient.add_header(parts.Header(key, value))
        mail.add_personalization(recipient)
        reply_to = self.options.get("REPLY_TO") or conf.REPLY_TO
        if reply_to:
            reply_name, reply_address = parseaddr(reply_to)
            mail.reply_to = parts.ReplyTo(reply_address, reply_name or None)
        mail.tracking_settings = make_tracking(parts, is_allowed=message.allow_tracking)
        if self.options.get("SANDBOX"):
            mail.mail_settings = parts.MailSettings(sandbox_mode=parts.SandBoxMode(True))
        return mail

    def _sort(
        self, message: OutgoingMessage, status: int, headers: Mapping[str, str], body: bytes
    ) -> Outcome:
        """The outcome that an answer means."""
        code = str(status)
        message_id = headers.get("X-Message-Id") or ""
        if status == 202 and message_id:
            return Outcome(OutcomeKind.ACCEPTED, provider_message_id=message_id)
        if status == 200 and self.options.get("SANDBOX"):
            return Outcome(OutcomeKind.ACCEPTED, provider_message_id=f"sandbox-{message.key}")
        field, detail = read_error(body)
        kind = refusal_kind(status)
        is_address = status == 400 and ".to." in field
        return Outcome(
            kind,
            code=RATE_LIMITED if kind is OutcomeKind.RETRY_SAFE else code,
            # the shop's logs and screens get no address from here
            detail=detail.replace(message.to, "[address]"),
            retry_after=retry_after(headers, time.time()) if status == 429 else None,
            suppress=SuppressionReason.INVALID_ADDRESS if is_address else None,
        )


def refusal_kind(status: int) -> OutcomeKind:
    """What a status other than success means."""
    if status == 429:
        return OutcomeKind.RETRY_SAFE
    if status in {401, 403} or 300 <= status < 400:
        return OutcomeKind.CONFIGURATION
    if 400 <= status < 500 and status != 408:
        return OutcomeKind.PERMANENT
    # 5xx, and what is no answer of SendGrid at all: it may have been taken
    return OutcomeKind.UNKNOWN


def make_tracking(parts: Any, *, is_allowed: bool) -> Any:
    """Tracking settings. The footer of SendGrid's own subscription tracking is never wanted: it
    would put a second List-Unsubscribe beside ours."""
    settings = parts.TrackingSettings()
    settings.subscription_tracking = parts.SubscriptionTracking(enable=False)
    settings.click_tracking = parts.ClickTracking(enable=is_allowed, enable_text=False)
    settings.open_tracking = parts.OpenTracking(enable=is_allowed)
    return settings


def read_error(body: bytes) -> tuple[str, str]:
    """Field and text of SendGrid's first complaint; empty where the answer is not SendGrid's."""
    with contextlib.suppress(ValueError, LookupError, TypeError, AttributeError, RecursionError):
        first = json.loads(body)["errors"][0]
        return str(first.get("field") or ""), str(first.get("message") or "")[:300]
    return "", ""


def is_p256_key(text: str) -> bool:
    """Whether a text is a P-256 public key in base64 (DER). Needs no cryptography at start-up."""
    try:
        der = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return len(der) == 91 and der.startswith(P256_PREFIX)
