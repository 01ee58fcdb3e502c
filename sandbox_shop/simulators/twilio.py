"""Twilio's interface: create, fetch and list messages of one account."""

from __future__ import annotations

import base64
import binascii
import hmac
import re
import secrets
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sandbox_shop.simulators.messages import Message, Request, Response, json_response
from sandbox_shop.simulators.options import Options
from sandbox_shop.simulators.segments import count_segments
from sandbox_shop.simulators.store import Store
from sandbox_shop.simulators.twilio_callbacks import API_VERSION, TwilioCallbacks, block_key
from sandbox_shop.simulators.twilio_rules import REPEATABLE, TwilioRefusal, check

MAX_PAGE = 1_000
_PATH = re.compile(r"/2010-04-01/Accounts/([^/]+)/Messages(?:/([^/]+))?\.json")
_MESSAGES = {
    401: (20003, "Authenticate"),
    403: (20005, "Account not active"),
    404: (20404, "The requested resource was not found"),
    405: (20004, "Method not allowed"),
    429: (20429, "Too Many Requests"),
    500: (20500, "An internal server error has occurred"),
    503: (20503, "Service unavailable"),
}


class Twilio:
    """Answers requests below ``/2010-04-01/``."""

    def __init__(self, options: Options, store: Store, callbacks: TwilioCallbacks) -> None:
        self._options = options
        self._store = store
        self._callbacks = callbacks
        self._credentials = f"{options.account_sid}:{options.auth_token}".encode()

    def respond(self, request: Request) -> Response:
        if request.is_too_large:
            return error(413, 20413, "Payload too large")
        found = _PATH.fullmatch(request.path)
        account, sid = found.groups() if found else (self._options.account_sid, None)
        if not self._is_authentic(request) or account != self._options.account_sid:
            return error(401)
        if found is None:
            return error(404, message=f"The requested resource {request.path} was not found")
        return self._route(request, sid)

    def _route(self, request: Request, sid: str | None) -> Response:
        if request.method == "GET":
            return self._fetch(sid, request) if sid else self._list(request)
        if request.method == "POST" and not sid:
            try:
                return self._create(request)
            except TwilioRefusal as refusal:
                return error(refusal.status, refusal.code, refusal.message)
        return error(405)

    def _is_authentic(self, request: Request) -> bool:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        try:
            credentials = base64.b64decode(given, validate=True)
        except (binascii.Error, ValueError):
            return False
        return scheme.lower() == "basic" and hmac.compare_digest(credentials, self._credentials)

    def _create(self, request: Request) -> Response:
        params, media = read_form(request)
        check(params, media, numbers=self._options.sms_numbers)
        message = self._message(params, media)
        if block_key(message) in self._store.opted_out:
            raise TwilioRefusal(21610, "Attempt to send to unsubscribed recipient")
        self._store.counts["twilio"] += 1
        if not self._options.light:
            self._store.add(message)
        answer = json_response(201, self._resource(message), {"Twilio-Concurrent-Requests": "1"})
        if not self._options.light:
            self._callbacks.follow(message, after=_wait(params))
        return answer

    def _message(self, params: dict[str, str], media: list[str]) -> Message:
        service = params.get("MessagingServiceSid")
        status = "accepted" if service else "queued"
        text = params.get("Body", "") or f"[{params.get('ContentSid', 'media')}]"
        return Message(
            id=("MM" if media else "SM") + secrets.token_hex(16),
            channel="sms",
            to=params["To"],
            # a service picks the number when it sends
            sender=params.get("From") or self._options.sms_number,
            text=text,
            status="scheduled" if "SendAt" in params else status,
            callback_url=params.get("StatusCallback", ""),
            resource={
                "messaging_service_sid": service,
                "from": params.get("From"),
                "num_media": str(len(media)),
                # not known before the service has picked a sender
                "num_segments": "0" if service else str(count_segments(text)),
                "error_code": None,
            },
        )

    def _fetch(self, sid: str, request: Request) -> Response:
        message = self._store.get(sid)
        if message is None or message.channel != "sms":
            return error(404, message=f"The requested resource {request.path} was not found")
        return json_response(200, self._resource(message))

    def _list(self, request: Request) -> Response:
        query = dict(parse_qsl(request.query))
        size, page = query.get("PageSize", "50"), query.get("Page", "0")
        if not (size.isdigit() and page.isdigit() and 1 <= int(size) <= MAX_PAGE):
            return error(400, 20006, f"PageSize has to be from 1 to {MAX_PAGE}, Page from 0.")
        try:
            earliest, latest = _period(query)
        except (ValueError, OverflowError):
            return error(400, 20001, "DateSent has to be a date in ISO 8601.")
        found = [
            message
            for message in self._store.newest_first(channel="sms", to=query.get("To", ""))
            if query.get("From", message.sender) == message.sender
            and earliest <= message.sent_at <= latest
        ]
        start = int(size) * int(page)
        return json_response(200, self._page(request, query, found, start, int(size)))

    def _page(
        self, request: Request, query: dict[str, str], found: list[Message], start: int, size: int
    ) -> dict[str, Any]:
        page = start // size

        def uri(number: int) -> str:
            return f"{request.path}?{urlencode({**query, 'PageSize': size, 'Page': number})}"

        shown = found[start : start + size]
        return {
            "messages": [self._resource(message) for message in shown],
            "page": page,
            "page_size": size,
            "start": start,
            "end": max(start, start + len(shown) - 1),
            "uri": uri(page),
            "first_page_uri": uri(0),
            "previous_page_uri": uri(page - 1) if page else None,
            "next_page_uri": uri(page + 1) if start + size < len(found) else None,
        }

    def _resource(self, message: Message) -> dict[str, Any]:
        uri = f"/{API_VERSION}/Accounts/{self._options.account_sid}/Messages/{message.id}"
        created = format_datetime(message.sent_at)
        is_sent = message.status not in ("queued", "accepted", "scheduled")
        return {
            "account_sid": self._options.account_sid,
            "api_version": API_VERSION,
            "body": message.text,
            "date_created": created,
            "date_sent": created if is_sent else None,
            "date_updated": created,
            "direction": message.direction,
            "error_message": None,
            "price": None,
            "price_unit": "USD",
            "sid": message.id,
            "status": message.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": message.to,
            "uri": f"{uri}.json",
            **message.resource,
        }


def error(status: int, code: int = 0, message: str = "") -> Response:
    """Twilio's error shape: {"code", "message", "more_info", "status"}."""
    known_code, known_message = _MESSAGES.get(status, (20001, "Bad request"))
    code = code or known_code
    body = {
        "code": code,
        "message": message or known_message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": status,
    }
    headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if status == 401 else {}
    return json_response(status, body, headers)


def read_form(request: Request) -> tuple[dict[str, str], list[str]]:
    """The parameters and the media addresses; raises TwilioRefusal for what is no such form."""
    if request.content_type != "application/x-www-form-urlencoded":
        raise TwilioRefusal(20001, "Content-Type has to be application/x-www-form-urlencoded.")
    try:
        pairs = parse_qsl(
            request.body.decode(), keep_blank_values=True, errors="strict", max_num_fields=200
        )
    except ValueError:
        raise TwilioRefusal(20001, "The form cannot be read.") from None
    single = [name for name, _ in pairs if name not in REPEATABLE]
    if len(single) != len(set(single)):
        raise TwilioRefusal(20001, "A parameter is given twice.")
    return dict(pairs), [value for name, value in pairs if name == "MediaUrl"]


def _wait(params: dict[str, str]) -> float:
    if "SendAt" not in params:
        return 0.0
    at = datetime.fromisoformat(params["SendAt"])
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _period(query: dict[str, str]) -> tuple[datetime, datetime]:
    """First and last moment that DateSent, DateSent> and DateSent< let through."""
    earliest, latest = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    if "DateSent" in query:
        earliest = _moment(query["DateSent"])
        latest = earliest + timedelta(days=1) - timedelta.resolution
    if "DateSent>" in query:
        earliest = max(earliest, _moment(query["DateSent>"]))
    if "DateSent<" in query:
        latest = min(latest, _moment(query["DateSent<"]))
    return earliest, latest


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
