"""SendGrid's interface: ``POST /v3/mail/send`` and the batch ids that it needs for scheduling."""

from __future__ import annotations

import hmac
import json
import secrets
import time
from typing import Any

from sandbox_shop.simulators.messages import Message, Request, Response, json_response
from sandbox_shop.simulators.options import Options
from sandbox_shop.simulators.sendgrid_events import SendGridEvents
from sandbox_shop.simulators.sendgrid_rules import find_problems
from sandbox_shop.simulators.sendgrid_settings import is_sandboxed, tracking_of
from sandbox_shop.simulators.sendgrid_types import Problems
from sandbox_shop.simulators.store import Store

_TOO_LARGE = (
    b"<html>\r\n<head><title>413 Request Entity Too Large</title></head>\r\n<body>\r\n"
    b"<center><h1>413 Request Entity Too Large</h1></center>\r\n<hr><center>nginx</center>\r\n"
    b"</body>\r\n</html>\r\n"
)
_HELP = "http://sendgrid.com/docs/API_Reference/Web_API_v3/Mail/errors.html"
_MESSAGES = {
    400: "Bad Request",
    401: "The provided authorization grant is invalid, expired, or revoked",
    403: "access forbidden",
    404: "not found",
    405: "method not allowed",
    415: "Content-Type should be application/json.",
    429: "too many requests",
    500: "internal server error",
    503: "service unavailable",
}


class SendGrid:
    """Answers requests below ``/v3/``."""

    def __init__(self, options: Options, store: Store, events: SendGridEvents) -> None:
        self._options = options
        self._store = store
        self._events = events
        self._authorization = f"Bearer {options.sendgrid_key}".encode()

    def respond(self, request: Request) -> Response:
        if request.is_too_large:
            return Response(413, _TOO_LARGE, {"Server": "nginx", "Content-Type": "text/html"})
        given = request.headers.get("authorization", "")
        if not given:
            return error(401, [("authorization required", None)])
        if not hmac.compare_digest(given.encode(), self._authorization):
            return error(401)
        return self._route(request)

    def _route(self, request: Request) -> Response:
        if request.path == "/v3/mail/send":
            return self._send(request) if request.method == "POST" else error(405)
        if request.path == "/v3/mail/batch":
            return self._new_batch() if request.method == "POST" else error(405)
        if request.path.startswith("/v3/mail/batch/"):
            return self._find_batch(request.path.removeprefix("/v3/mail/batch/"), request.method)
        return error(404)

    def _send(self, request: Request) -> Response:
        if request.content_type != "application/json" or "content-encoding" in request.headers:
            return error(415)
        mail = _decode(request.body)
        problems = find_problems(mail, batch_ids=self._store.batch_ids)
        if mail is None or problems:
            return error(400, problems if mail is not None else None)
        if is_sandboxed(mail):
            return Response(200, b"", {"Server": "nginx"})
        message_id = secrets.token_urlsafe(16)
        self._store.counts["sendgrid"] += 1
        if not self._options.light:
            self._take(mail, message_id)
        return Response(
            202,
            b"",
            {
                "Server": "nginx",
                "X-Message-Id": message_id,
                "Access-Control-Allow-Origin": "https://sendgrid.api-docs.io",
                "Strict-Transport-Security": "max-age=600; includeSubDomains",
            },
        )

    def _take(self, mail: dict[str, Any], message_id: str) -> None:
        """Turn each recipient into a message of its own, and set its events in motion."""
        number = 0
        for block in mail["personalizations"]:
            for person in (*block["to"], *block.get("cc", ()), *block.get("bcc", ())):
                number += 1
                known_as = message_id if number == 1 else f"{message_id}.{number}"
                message = _message(mail, block, person, known_as)
                wait = max(0.0, block.get("send_at", mail.get("send_at", 0)) - time.time())
                message.status = "scheduled" if wait else "accepted"
                self._store.add(message)
                self._events.follow(message, after=wait)

    def _new_batch(self) -> Response:
        batch_id = secrets.token_urlsafe(36)
        self._store.batch_ids.add(batch_id)
        return json_response(201, {"batch_id": batch_id})

    def _find_batch(self, batch_id: str, method: str) -> Response:
        if method != "GET":
            return error(405)
        if batch_id not in self._store.batch_ids:
            return error(400, [("invalid batch id", None)])
        return json_response(200, {"batch_id": batch_id})


def error(status: int, problems: Problems | None = None) -> Response:
    """SendGrid's error shape: {"errors": [{"message", "field", "help"}]}."""
    problems = problems or [(_MESSAGES.get(status, "error"), None)]
    errors = [
        {"message": message, "field": field, "help": _HELP if field else None}
        for message, field in problems
    ]
    return json_response(status, {"errors": errors}, {"Server": "nginx"})


def _decode(body: bytes) -> Any:
    """The JSON's content, None where it is none."""
    try:
        return json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _message(
    mail: dict[str, Any], block: dict[str, Any], person: dict[str, Any], message_id: str
) -> Message:
    sender = _display(block.get("from", mail["from"]))
    subject = block.get("subject") or mail.get("subject", "")
    contents = {part["type"]: part["value"] for part in mail["content"]}
    for tag, value in block.get("substitutions", {}).items():
        subject = subject.replace(tag, str(value))
        contents = {kind: text.replace(tag, str(value)) for kind, text in contents.items()}
    headers = {"From": sender, "To": ", ".join(_display(p) for p in block["to"])}
    if block.get("cc"):
        headers["Cc"] = ", ".join(_display(p) for p in block["cc"])
    headers["Subject"] = subject
    answers_to = mail.get("reply_to_list") or [p for p in [mail.get("reply_to")] if p]
    if answers_to:
        headers["Reply-To"] = ", ".join(_display(p) for p in answers_to)
    headers |= mail.get("headers", {}) | block.get("headers", {})
    return Message(
        id=message_id,
        channel="email",
        to=person["email"],
        sender=sender,
        subject=subject,
        text=contents.get("text/plain", ""),
        html=contents.get("text/html", ""),
        headers=headers,
        custom_args=mail.get("custom_args", {}) | block.get("custom_args", {}),
        categories=list(mail.get("categories", [])),
        tracking=tracking_of(mail),
    )


def _display(person: dict[str, Any]) -> str:
    return f"{person['name']} <{person['email']}>" if person.get("name") else str(person["email"])
