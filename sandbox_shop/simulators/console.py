"""What is not the providers': the viewer's page, its JSON, replies, faults."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from sandbox_shop.simulators.faults import InvalidFaultError, parse_fault
from sandbox_shop.simulators.messages import Message, Request, Response, json_response
from sandbox_shop.simulators.twilio_callbacks import UnanswerableError
from sandbox_shop.simulators.vocabulary import provider_event
from sandbox_shop.simulators.webhooks import post

if TYPE_CHECKING:
    from sandbox_shop.simulators.service import Service

MAX_REPLY = 1_600
_HERE = Path(__file__).parent
_FILES = {
    "/": ("viewer.html", "text/html; charset=utf-8"),
    "/viewer.css": ("viewer.css", "text/css; charset=utf-8"),
    "/viewer.js": ("viewer.js", "text/javascript; charset=utf-8"),
}
_MESSAGE_PATH = re.compile(r"/messages/([^/]+)\.(json|html)")
_ONE_CLICK = b"List-Unsubscribe=One-Click"


class Refusal(Exception):  # noqa: N818 # an answer, no error of ours
    """A request that cannot be carried out, with what to do instead."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Console:
    """Answers everything outside the providers' paths."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._store = service.store
        self._routes: dict[tuple[str, str], Callable[[Request], Response]] = {
            **{("GET", path): self._file for path in _FILES},
            ("GET", "/messages.json"): self._messages,
            ("DELETE", "/messages"): self._clear_messages,
            ("DELETE", "/messages.json"): self._clear_messages,
            ("DELETE", "/blocks"): self._clear_blocks,
            ("POST", "/reply"): self._reply,
            ("POST", "/unsubscribe"): self._unsubscribe,
            ("POST", "/events"): self._report_event,
            ("GET", "/faults"): self._list_faults,
            ("POST", "/faults"): self._add_faults,
            ("DELETE", "/faults"): self._clear_faults,
            ("GET", "/keys.json"): self._keys,
            ("GET", "/webhooks.json"): self._webhooks,
            ("GET", "/stats.json"): self._stats,
            ("GET", "/health"): lambda _request: json_response(200, {"status": "ok"}),
            ("GET", "/redirected"): self._redirected,
        }

    def is_blocking(self, request: Request) -> bool:
        """Whether the answer waits for the shop, or is long enough to hold up the others."""
        return request.path in ("/reply", "/unsubscribe", "/messages.json")

    def respond(self, request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        try:
            response = self._route(method, request)
        except Refusal as refusal:
            response = json_response(refusal.status, {"error": str(refusal)})
        if request.method == "HEAD":
            response.body = b""
        return response

    def _route(self, method: str, request: Request) -> Response:
        if request.is_too_large:
            raise Refusal(413, "The request is too large.")
        route = self._routes.get((method, request.path))
        if route is not None:
            return route(request)
        found = _MESSAGE_PATH.fullmatch(request.path)
        if found is not None and method == "GET":
            return self._one(unquote(found[1]), found[2])
        if found is not None or any(path == request.path for _, path in self._routes):
            raise Refusal(405, f"{request.method} is not possible here.")
        raise Refusal(404, "There is nothing here: the viewer is at /, SendGrid at /v3/mail/send.")

    def _file(self, request: Request) -> Response:
        name, content_type = _FILES[request.path]
        headers = {"Content-Type": content_type, "Cache-Control": "no-store"}
        return Response(200, (_HERE / name).read_bytes(), headers)

    def _messages(self, request: Request) -> Response:
        query = dict(parse_qsl(request.query))
        limit = query.get("limit", "0")
        if not limit.isascii() or not limit.isdigit():
            raise Refusal(400, "limit has to be a number of messages; 0 means all.")
        version = str(self._store.version)
        headers = {"ETag": f'"{version}"', "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(304, b"", headers)
        found = self._store.newest_first(
            channel=query.get("channel", ""), to=query.get("to", ""), limit=int(limit)
        )
        with self._store.lock:
            shown = [
                message.summary() if "summary" in query else message.as_dict() for message in found
            ]
        return json_response(200, shown, headers)

    def _one(self, message_id: str, kind: str) -> Response:
        message = self._find(message_id)
        if kind == "json":
            with self._store.lock:
                return json_response(200, message.as_dict())
        html = message.html or f"<pre>{_escape(message.text)}</pre>"
        # the mail's own scripts and forms stay dead, its links open
        policy = "sandbox allow-popups allow-popups-to-escape-sandbox; script-src 'none'"
        headers = {"Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy}
        return Response(200, html.encode(), headers)

    def _clear_messages(self, _request: Request) -> Response:
        return json_response(200, {"cleared": self._store.clear_messages()})

    def _clear_blocks(self, _request: Request) -> Response:
        self._store.forget_blocks()
        return json_response(200, {"status": "ok"})

    def _reply(self, request: Request) -> Response:
        data = _read_data(request)
        text = data.get("text")
        if not isinstance(text, str) or not text.strip() or len(text) > MAX_REPLY:
            raise Refusal(400, f"text has to be what the phone answers, to {MAX_REPLY} characters.")
        message = self._find(data.get("message"))
        try:
            call, keyword = self._service.callbacks.reply(message, text)
        except UnanswerableError as error:
            raise Refusal(400, str(error)) from error
        shown = {
            "status": call.status,
            "body": call.answer.decode("utf-8", "replace"),
            "keyword": keyword,
        }
        return json_response(200 if call.status else 502, shown)

    def _unsubscribe(self, request: Request) -> Response:
        """Do what a mail program's own unsubscribe button does (RFC 8058)."""
        message = self._find(_read_data(request).get("message"))
        headers = {name.lower(): value for name, value in message.headers.items()}
        urls = re.findall(r"<(https?://[^<>\s]+)>", headers.get("list-unsubscribe", ""))
        if not urls:
            raise Refusal(400, "The mail has no List-Unsubscribe header with a web address.")
        if headers.get("list-unsubscribe-post") != _ONE_CLICK.decode():
            raise Refusal(400, f"The mail has no List-Unsubscribe-Post: {_ONE_CLICK.decode()}.")
        call = post(
            urls[0],
            {"Content-Type": "application/x-www-form-urlencoded"},
            _ONE_CLICK,
            via=self._service.options.via(urls[0]),
            timeout=self._service.options.webhook_timeout,
        )
        answer = call.answer.decode("utf-8", "replace")[:2_000]
        shown = {"status": call.status, "url": urls[0], "body": answer}
        return json_response(200 if call.status else 502, shown)

    def _report_event(self, request: Request) -> Response:
        data = _read_data(request)
        return self._report(self._find(data.get("message")), data)

    def _report(self, message: Message, data: dict[str, Any]) -> Response:
        provider = "sendgrid" if message.channel == "email" else "twilio"
        event = provider_event(provider, str(data.get("event")))
        if not event:
            raise Refusal(400, f"{provider} has no event {data.get('event')!r}.")
        needed = {"open": "open", "click": "click"}.get(event)
        if needed and not message.tracking.get(needed):
            raise Refusal(400, f"The mail was sent with {needed} tracking off: no such event.")
        if provider == "twilio":
            code = data.get("error_code") or 0
            self._service.callbacks.report_now(message, event, error_code=int(code))
        else:
            details = {name: data[name] for name in ("reason", "url") if data.get(name)}
            self._service.events.report_now(message, event, **details)
        return json_response(202, {"reported": event, "message": message.id})

    def _list_faults(self, _request: Request) -> Response:
        waiting = [fault.as_dict() for fault in self._service.faults.waiting()]
        return json_response(200, {"faults": waiting})

    def _add_faults(self, request: Request) -> Response:
        orders = _read_json(request)
        try:
            faults = [
                parse_fault(order) for order in (orders if isinstance(orders, list) else [orders])
            ]
        except InvalidFaultError as error:
            raise Refusal(400, str(error)) from error
        for fault in faults:
            if fault.message_id:
                data = {
                    "event": fault.event, "error_code": fault.error_code, "reason": fault.reason,
                }  # fmt: skip
                self._report(self._find(fault.message_id), data)
            else:
                self._service.faults.put(fault)
        return json_response(201, {"faults": [fault.as_dict() for fault in faults]})

    def _clear_faults(self, _request: Request) -> Response:
        return json_response(200, {"cleared": self._service.faults.clear()})

    def _keys(self, _request: Request) -> Response:
        options = self._service.options
        shown = {
            "sendgrid_webhook_public_key": self._service.events.signer.public_key,
            "twilio_account_sid": options.account_sid,
            "twilio_number": options.sms_number,
        }
        return json_response(200, shown)

    def _webhooks(self, _request: Request) -> Response:
        shown = [
            {
                "url": call.url,
                "status": call.status,
                "attempt": call.attempt,
                "answer": call.answer[:500].decode("utf-8", "replace"),
            }
            for call in reversed(tuple(self._service.webhooks.calls))
        ]
        return json_response(200, {"pending": self._service.webhooks.pending(), "calls": shown})

    def _stats(self, _request: Request) -> Response:
        return json_response(200, {"accepted": dict(self._store.counts)})

    def _redirected(self, _request: Request) -> Response:
        text = "You followed a redirect. A provider's client must not: nothing was sent."
        return json_response(200, {"message": text})

    def _find(self, message_id: object) -> Message:
        message = self._store.get(message_id) if isinstance(message_id, str) else None
        if message is None:
            raise Refusal(404, f"There is no message {message_id!r}: see /messages.json for ids.")
        return message


def _read_data(request: Request) -> dict[str, Any]:
    """A form's or a JSON object's fields."""
    if request.content_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    data = _read_json(request)
    if not isinstance(data, dict):
        raise Refusal(400, "Send a JSON object or a form.")
    return data


def _read_json(request: Request) -> Any:
    try:
        return json.loads(request.body)
    except (ValueError, RecursionError):
        raise Refusal(400, "The body is no JSON.") from None


def _escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
