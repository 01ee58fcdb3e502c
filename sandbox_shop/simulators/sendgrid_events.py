"""What becomes of a mail, and SendGrid's signed report of it."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox_shop.simulators.faults import FaultLine
from sandbox_shop.simulators.messages import Message
from sandbox_shop.simulators.options import Options
from sandbox_shop.simulators.signing import EventSigner
from sandbox_shop.simulators.store import Store
from sandbox_shop.simulators.vocabulary import provider_event
from sandbox_shop.simulators.webhooks import Delivery, Webhooks

# what the part before the @ (or before a +) brings about; documented on the viewer's page
_FATES = {
    "bounce": ("processed", "bounce"),
    "blocked": ("processed", "blocked"),
    "dropped": ("dropped",),
    "deferred": ("processed", "deferred", "delivered"),
    "spam": ("processed", "delivered", "spamreport"),
    "unsubscribe": ("processed", "delivered", "unsubscribe"),
}
_NORMAL = ("processed", "delivered")
_SUPPRESSING = {
    "bounce": "Bounced Address",
    "spamreport": "Spam Reporting Address",
    "unsubscribe": "Unsubscribed Address",
}
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"
_DETAILS: dict[str, dict[str, Any]] = {
    "deferred": {"response": "421 4.7.0 Try again later", "attempt": "1"},
    "delivered": {"response": "250 2.0.0 OK", "tls": 1},
    "bounce": {
        "type": "bounce",
        "status": "5.1.1",
        "reason": "550 5.1.1 The mailbox does not exist",
        "bounce_classification": "Invalid Address",
        "tls": 1,
    },
    "blocked": {
        "type": "blocked",
        "status": "5.7.1",
        "reason": "550 5.7.1 Message refused by policy",
        "bounce_classification": "Reputation",
        "tls": 1,
    },
    "dropped": {"reason": "Bounced Address", "status": "5.0.0"},
    "open": {
        "useragent": _BROWSER, "ip": "127.0.0.1",
        "sg_machine_open": False, "sg_content_type": "html",
    },
    "click": {"useragent": _BROWSER, "ip": "127.0.0.1", "url": ""},
}  # fmt: skip


class SendGridEvents:
    """Plans the events of accepted mails and hands them to the webhooks' thread."""

    def __init__(
        self,
        options: Options,
        store: Store,
        faults: FaultLine,
        webhooks: Webhooks,
    ) -> None:
        self.signer = EventSigner(options.sendgrid_private_key)
        self._options = options
        self._store = store
        self._faults = faults
        self._webhooks = webhooks

    def follow(self, message: Message, *, after: float = 0.0) -> None:
        """Set in motion what becomes of a mail that was just accepted."""
        is_lost = self._faults.take("sendgrid", kinds="lose_events") is not None
        is_doubled = self._faults.take("sendgrid", kinds="duplicate_events") is not None
        is_reversed = self._faults.take("sendgrid", kinds="reorder_events") is not None
        plan = [self._build(message, *step) for step in self._plan(message)]
        for payload in reversed(plan) if is_reversed else plan:
            after += self._options.step_delay
            for _ in range(2 if is_doubled else 1):
                self._report(message, payload, after=after, is_lost=is_lost)

    def report_now(self, message: Message, event: str, **details: Any) -> None:
        """Report one event at once, as the viewer's buttons and the fault ``event`` do."""
        self._report(message, self._build(message, event, details), after=0.0, is_lost=False)

    def _plan(self, message: Message) -> list[tuple[str, dict[str, Any]]]:
        fault = self._faults.take("sendgrid", kinds="event")
        if fault is not None:
            event = provider_event("sendgrid", fault.event)
            details = {"reason": fault.reason} if fault.reason else {}
            first = [] if event in ("processed", "dropped") else [("processed", dict[str, Any]())]
            needs_delivery = event in ("open", "click", "spamreport", "unsubscribe")
            first += [("delivered", {})] if needs_delivery else []
            return [*first, (event, details)]
        reason = self._store.suppressed.get(message.to.casefold())
        if reason is not None:
            return [("dropped", {"reason": reason})]
        local = message.to.partition("@")[0].partition("+")[0].casefold()
        return [(event, {}) for event in _FATES.get(local, _NORMAL)]

    def _build(self, message: Message, event: str, details: dict[str, Any]) -> dict[str, Any]:
        base = message.id.partition(".")[0]
        payload: dict[str, Any] = {
            **message.custom_args,
            "email": message.to,
            "timestamp": int(time.time()),
            "smtp-id": f"<{base}@simulator.invalid>",
            "event": "bounce" if event == "blocked" else event,
            "sg_event_id": secrets.token_urlsafe(18),
            "sg_message_id": f"{base}.recvd-simulator-1-{base[:8]}-1.0",
            **_DETAILS.get(event, {}),
            **details,
        }
        if message.categories:
            many = len(message.categories) > 1
            payload["category"] = message.categories if many else message.categories[0]
        return payload

    def _report(
        self, message: Message, payload: dict[str, Any], *, after: float, is_lost: bool
    ) -> None:
        is_called = bool(self._options.webhook_base) and not is_lost
        is_blocked = payload.get("type") == "blocked"
        event = "blocked" if is_blocked else str(payload["event"])

        def happen() -> None:
            if event in _SUPPRESSING:
                self._store.suppressed[message.to.casefold()] = _SUPPRESSING[event]
            self._store.note_event(message, event, reported=is_called)

        if not is_called:
            happen()
            return
        url = self._options.shop_url(self._options.events_path)
        delivery = Delivery(
            url=url,
            via=self._options.via(url),
            headers=self._headers,
            encode=_encode,
            parts=[payload],
            batch="sendgrid",
            is_retried_at=lambda _status: True,
            on_due=[happen],
        )
        self._webhooks.schedule(delivery, after=after, every=self._options.events_every)

    def _headers(self, body: bytes) -> Mapping[str, str]:
        timestamp = str(int(time.time()))
        return {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": self.signer.sign(timestamp, body),
            "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
        }


def _encode(events: Sequence[object]) -> bytes:
    # SendGrid's bodies end in CRLF, and the signature covers it
    return json.dumps(events, ensure_ascii=False).encode() + b"\r\n"
