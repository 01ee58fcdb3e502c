"""SMS by Twilio. https://www.twilio.com/docs/messaging/api/message-resource"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from cart_recovery.channels import twilio_codes
from cart_recovery.channels.base import RATE_LIMITED, Channel, Outcome, OutcomeKind, OutgoingMessage
from cart_recovery.channels.option_checks import OptionChecks
from cart_recovery.channels.transport import (
    Answer,
    ProcessLocal,
    Transport,
    failure_outcome,
    retry_after,
)
from cart_recovery.conf import conf

logger = logging.getLogger(__name__)

DEFAULT_BASE_URL: Final = "https://api.twilio.com"
#: seconds that Twilio may keep an SMS in its queue, so that none comes out in the night
DEFAULT_VALIDITY: Final = 14400
SENDER_PATTERN: Final = r"\+[1-9]\d{6,14}|\d{3,8}|(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}"


class TwilioSmsChannel(Channel):
    """OPTIONS:

    - `ACCOUNT_SID`, `AUTH_TOKEN`: the primary token, since it is the one that signs webhooks.
    - `FROM` (number, short code or name of up to 11 characters) or `MESSAGING_SERVICE_SID`.
    - `VALIDITY_PERIOD`: seconds that Twilio may hold an SMS back, default 14400.
    - `TIMEOUT` (seconds, 10), `CONCURRENCY` (calls at a time, 32), `CA_BUNDLE` (a PEM file).
    - `BASE_URL`: default https://api.twilio.com.
    - `PROVIDER_ANSWERS_KEYWORDS`: False where Twilio's own answers to STOP, START and HELP are
      switched off (by its support); then we answer. Default True.
    """

    address_kind = "phone"
    default_concurrency = 32
    known_options = frozenset({
        "ACCOUNT_SID", "AUTH_TOKEN", "BASE_URL", "FROM", "MESSAGING_SERVICE_SID", "TIMEOUT",
        "CONCURRENCY", "VALIDITY_PERIOD", "CA_BUNDLE", "PROVIDER_ANSWERS_KEYWORDS",
    })  # fmt: skip
    required_options = frozenset({"ACCOUNT_SID", "AUTH_TOKEN"})

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        super().__init__(alias, options)
        self._clients = ProcessLocal(self._make_client)
        sender = str(self.options.get("FROM") or "")
        # nobody can answer a name
        self.supports_reply = not any(letter.isalpha() for letter in sender)

    @property
    def base_url(self) -> str:
        return str(self.options.get("BASE_URL") or DEFAULT_BASE_URL).rstrip("/")

    @property
    def auth_token(self) -> str:
        """The key of webhook signatures; "" where none is set."""
        return str(self.options.get("AUTH_TOKEN") or "")

    def send_one(self, message: OutgoingMessage) -> Outcome:
        client = self._clients.get()
        from twilio.base.exceptions import TwilioException
        from urllib3.exceptions import HTTPError

        client.http_client.forget_answer()
        try:
            created = client.messages.create(
                to=message.to, body=message.text, **self._terms(message)
            )
        except HTTPError as error:
            return failure_outcome(error)
        except TwilioException as error:
            return self._sort_refusal(message, error, client.http_client.last_answer)
        except (ValueError, AttributeError, TypeError) as error:
            # an answer, but not one of Twilio's
            return Outcome(
                OutcomeKind.UNKNOWN, code="unreadable_answer", detail=type(error).__name__
            )
        code = twilio_codes.read_code(created.error_code)
        if code is not None:
            return self._refuse(message, 400, code, "")
        if not created.sid:
            return Outcome(OutcomeKind.UNKNOWN, code="no_message_id")
        return Outcome(OutcomeKind.ACCEPTED, provider_message_id=created.sid)

    def answers_itself(self, text: str) -> bool:
        if self.options.get("PROVIDER_ANSWERS_KEYWORDS", True) is False:
            return False
        return text.strip().upper() in twilio_codes.ANSWERED_KEYWORDS

    def check_options(self, options: OptionChecks) -> None:
        super().check_options(options)
        options.check_pattern("ACCOUNT_SID", r"AC[0-9a-fA-F]{32}", "AC and 32 hexadecimal digits.")
        options.check_secret("AUTH_TOKEN")
        options.check_url("BASE_URL")
        options.check_number("TIMEOUT", lowest=0.1, highest=60)
        options.check_number("VALIDITY_PERIOD", lowest=1, highest=36000)
        options.check_file("CA_BUNDLE")
        options.check_pattern(
            "MESSAGING_SERVICE_SID", r"MG[0-9a-fA-F]{32}", "MG and 32 hexadecimal digits."
        )
        options.check_pattern(
            "FROM",
            SENDER_PATTERN,
            "A number such as +4915112345678, or a name of up to 11 characters.",
        )
        if "_" in (urlsplit(conf.PUBLIC_BASE_URL).hostname or ""):
            options.add_error(
                104, f'Twilio calls back no host with an underscore (channel "{self.alias}").',
                'Set CART_RECOVERY["PUBLIC_BASE_URL"] to a host without one.',
            )  # fmt: skip
        if bool(self.options.get("FROM")) == bool(self.options.get("MESSAGING_SERVICE_SID")):
            options.add_error(
                105, f'Channel "{self.alias}" needs one sender.',
                f"Set either {options.where('FROM')} or {options.where('MESSAGING_SERVICE_SID')}.",
            )  # fmt: skip

    def close(self) -> None:
        client = self._clients.take()
        if client is not None:
            client.http_client.transport.close()

    def _make_client(self) -> Any:
        from cart_recovery.channels.twilio_client import PooledHttpClient, make_client

        transport = Transport(
            self.base_url, size=self.concurrency, timeout=float(self.options.get("TIMEOUT") or 10),
            ca_bundle=self.options.get("CA_BUNDLE") or "",
        )  # fmt: skip
        http_client = PooledHttpClient(transport, str(self.options.get("BASE_URL") or ""))
        return make_client(
            self.options["ACCOUNT_SID"], self.options["AUTH_TOKEN"], http_client=http_client
        )

    def _terms(self, message: OutgoingMessage) -> dict[str, Any]:
        terms: dict[str, Any] = {
            "validity_period": self.options.get("VALIDITY_PERIOD") or DEFAULT_VALIDITY
        }
        if self.options.get("MESSAGING_SERVICE_SID"):
            terms["messaging_service_sid"] = self.options["MESSAGING_SERVICE_SID"]
        else:
            terms["from_"] = self.options["FROM"]
        if message.callback_url:
            terms["status_callback"] = message.callback_url
        return terms

    def _sort_refusal(self, message: OutgoingMessage, error: Any, answer: Answer | None) -> Outcome:
        """The outcome of any exception of the library, whose kinds have little in common."""
        if answer is None:
            # the library itself refused, before any call
            return Outcome(OutcomeKind.CONFIGURATION, code="library", detail=type(error).__name__)
        code = twilio_codes.read_code(getattr(error, "code", None))
        # without a code of its own the library repeats HTTP's status
        code = None if code == answer.status else code
        text = str(getattr(error, "msg", "") or getattr(error, "title", ""))
        outcome = self._refuse(message, answer.status, code, text)
        if outcome.kind is not OutcomeKind.RETRY_SAFE:
            return outcome
        return replace(outcome, retry_after=retry_after(answer.headers, time.time()))

    @staticmethod
    def _refuse(message: OutgoingMessage, status: int, code: int | None, text: str) -> Outcome:
        kind = twilio_codes.refusal_kind(status, code)
        shown = str(code or status)
        if twilio_codes.needs_attention(code):
            logger.error("Twilio refused message %s with code %s.", message.key, shown)
        is_rate = kind is OutcomeKind.RETRY_SAFE and code not in twilio_codes.LATER_CODES
        return Outcome(
            kind,
            code=RATE_LIMITED if is_rate else shown,
            # Twilio likes to repeat the number
            detail=text.replace(message.to, "[number]")[:300],
            suppress=twilio_codes.SUPPRESSING_CODES.get(code or 0),
        )
