"""What becomes of an SMS, Twilio's signed reports of it, and the phone's answers."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlencode, urlsplit
from xml.etree import ElementTree

from sandbox_shop.simulators.faults import FaultLine
from sandbox_shop.simulators.messages import Message
from sandbox_shop.simulators.options import Options
from sandbox_shop.simulators.segments import count_segments
from sandbox_shop.simulators.signing import twilio_signature
from sandbox_shop.simulators.store import Store
from sandbox_shop.simulators.twilio_rules import region_of
from sandbox_shop.simulators.vocabulary import provider_event
from sandbox_shop.simulators.webhooks import Delivery, WebhookCall, Webhooks, post

API_VERSION = "2010-04-01"
# Twilio's defaults: the whole message has to be the word
STOP_WORDS = frozenset(
    {"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"}
)
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
HELP_WORDS = frozenset({"HELP", "INFO"})
_CARRIER_ANSWERS = {
    "STOP": "You have been unsubscribed and will receive no more messages. START to resubscribe.",
    "START": "You have been re-subscribed. HELP for help, STOP to unsubscribe.",
    "HELP": "Reply STOP to unsubscribe. Message and data rates may apply.",
}
_NORMAL = ("sent", "delivered")
_ERROR_CODES = {"undelivered": 30003, "failed": 30008}


class UnanswerableError(ValueError):
    """The phone cannot answer this message; the text says why."""


class TwilioCallbacks:
    """Plans the status callbacks of accepted messages and carries replies to the shop."""

    def __init__(
        self, options: Options, store: Store, faults: FaultLine, webhooks: Webhooks
    ) -> None:
        self._options = options
        self._store = store
        self._faults = faults
        self._webhooks = webhooks

    def follow(self, message: Message, *, after: float = 0.0) -> None:
        """Set in motion what becomes of a message that was just accepted."""
        is_lost = self._faults.take("twilio", kinds="lose_events") is not None
        is_doubled = self._faults.take("twilio", kinds="duplicate_events") is not None
        is_reversed = self._faults.take("twilio", kinds="reorder_events") is not None
        plan = self._plan()
        for event, code in reversed(plan) if is_reversed else plan:
            after += self._options.step_delay
            for _ in range(2 if is_doubled else 1):
                self._report(message, event, code, after=after, is_lost=is_lost)

    def report_now(self, message: Message, event: str, *, error_code: int = 0) -> None:
        code = error_code or _ERROR_CODES.get(event, 0)
        self._report(message, event, code, after=0.0, is_lost=False)

    def _plan(self) -> list[tuple[str, int]]:
        fault = self._faults.take("twilio", kinds="event")
        if fault is None:
            return [(event, 0) for event in _NORMAL]
        event = provider_event("twilio", fault.event)
        code = fault.error_code or _ERROR_CODES.get(event, 0)
        first = [("sent", 0)] if event in ("delivered", "undelivered", "read") else []
        return [*first, (event, code)]

    def _report(
        self, message: Message, event: str, code: int, *, after: float, is_lost: bool
    ) -> None:
        is_called = bool(message.callback_url and self._options.webhook_base) and not is_lost

        def happen() -> None:
            details = {"error_code": code} if code else {}
            self._store.note_event(message, event, reported=is_called, **details)
            message.resource["error_code"] = code or None

        if not is_called:
            happen()
            return
        params = {
            "AccountSid": self._options.account_sid,
            "ApiVersion": API_VERSION,
            "From": message.sender,
            "MessageSid": message.id,
            "MessageStatus": event,
            "SmsSid": message.id,
            "SmsStatus": event,
            "To": message.to,
        }
        service = message.resource.get("messaging_service_sid")
        params |= {"MessagingServiceSid": service} if service else {}
        params |= {"ErrorCode": str(code)} if code else {}
        url = message.callback_url
        delivery = Delivery(
            url=url,
            via=self._options.via(url),
            headers=lambda _body: self._headers(url, params),
            encode=_encode,
            parts=[params],
            on_due=[happen],
        )
        self._webhooks.schedule(delivery, after=after)

    def reply(self, message: Message, text: str) -> tuple[WebhookCall, str]:
        """Send the phone's answer to the shop: its answer, and "STOP", "START", "HELP" or "".

        Blocks until the shop has answered. Raises UnanswerableError.
        """
        if message.channel != "sms":
            raise UnanswerableError("Only an SMS can be answered from here.")
        if not message.sender.startswith("+"):
            raise UnanswerableError("Nobody can answer a sender of letters: it has no number.")
        if not self._options.webhook_base:
            raise UnanswerableError("No shop is set: start the simulator with --webhook-base.")
        keyword = self._apply_keyword(message, text)
        params = self._inbound_params(message, text, keyword)
        url = self._options.shop_url(self._options.inbound_path)
        self._store.note_reply(message, text, author="phone")
        call = post(
            url,
            self._headers(url, params),
            _encode([params]),
            via=self._options.via(url),
            timeout=self._options.webhook_timeout,
        )
        self._webhooks.calls.append(call)
        if keyword:
            self._store.note_reply(message, _CARRIER_ANSWERS[keyword], author="carrier")
        if call.is_taken and block_key(message) not in self._store.opted_out:
            self._send_answers(message, call.answer)
        return call, keyword

    def _apply_keyword(self, message: Message, text: str) -> str:
        word = text.strip().upper()
        if word in STOP_WORDS:
            self._store.opted_out.add(block_key(message))
            return "STOP"
        if word in START_WORDS:
            self._store.opted_out.discard(block_key(message))
            return "START"
        return "HELP" if word in HELP_WORDS else ""

    def _inbound_params(self, message: Message, text: str, keyword: str) -> dict[str, str]:
        sid = f"SM{secrets.token_hex(16)}"
        params = {
            "AccountSid": self._options.account_sid,
            "ApiVersion": API_VERSION,
            "Body": text,
            "From": message.to,
            "MessageSid": sid,
            "NumMedia": "0",
            "NumSegments": str(count_segments(text)),
            "SmsMessageSid": sid,
            "SmsSid": sid,
            "SmsStatus": "received",
            "To": message.sender,
        }
        for side, number in (("From", message.to), ("To", message.sender)):
            params |= {f"{side}{part}": "" for part in ("City", "State", "Zip")}
            params[f"{side}Country"] = region_of(number)
        service = message.resource.get("messaging_service_sid")
        params |= {"MessagingServiceSid": service} if service else {}
        params |= {"OptOutType": keyword} if keyword and self._options.advanced_opt_out else {}
        return params

    def _send_answers(self, message: Message, answer: bytes) -> None:
        """Deliver what the shop's TwiML says, as a message of the conversation."""
        for text in parse_twiml(answer):
            self._store.add(
                Message(
                    id=f"SM{secrets.token_hex(16)}",
                    channel="sms",
                    to=message.to,
                    sender=message.sender,
                    text=text,
                    status="delivered",
                    direction="outbound-reply",
                    resource=dict(message.resource),
                )
            )

    def _headers(self, url: str, params: Mapping[str, str]) -> Mapping[str, str]:
        return {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "I-Twilio-Idempotency-Token": secrets.token_hex(16),
            "X-Twilio-Signature": twilio_signature(self._options.auth_token, _signed(url), params),
        }


def block_key(message: Message) -> tuple[str, str]:
    """Twilio blocks per sender, or per messaging service where one was used."""
    return (message.resource.get("messaging_service_sid") or message.sender, message.to)


def parse_twiml(answer: bytes) -> list[str]:
    """The texts of the <Message> verbs; what is no TwiML sends nothing, as Twilio's error 12100."""
    try:
        root = ElementTree.fromstring(answer)  # noqa: S314 # the sandbox's own shop wrote it
    except ElementTree.ParseError:
        return []
    texts: list[str] = []
    for verb in root.findall("Message") if root.tag == "Response" else []:
        body = verb.find("Body")
        text = "".join((verb if body is None else body).itertext()).strip()
        texts += [re.sub(r"[ \t]+", " ", text)] if text else []
    return texts


def _signed(url: str) -> str:
    return url.partition("#")[0] if urlsplit(url).fragment else url


def _encode(parts: Sequence[object]) -> bytes:
    return urlencode(cast(dict[str, Any], parts[0])).encode()
