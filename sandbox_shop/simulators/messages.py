"""Requests, answers and stored messages: the plain data that the other modules hand around."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from html.parser import HTMLParser
from typing import Any

_URL = re.compile(r"https?://[^\s<>\"'`]+")
# punctuation that ends a sentence, not an address
_TAIL = ".,;:!?)]}»”’“‘"


@dataclass(slots=True)
class Request:
    """One HTTP request, read whole. Header names are lower case; ``path`` is without query."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes
    is_too_large: bool = False

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(slots=True)
class Response:
    """One answer. ``delay`` in seconds; ``is_dropped`` closes the connection without a byte."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    is_dropped: bool = False


def json_response(status: int, data: object, headers: Mapping[str, str] | None = None) -> Response:
    body = json.dumps(data, ensure_ascii=False).encode()
    return Response(status, body, {"Content-Type": "application/json", **(headers or {})})


@dataclass(frozen=True, slots=True)
class SeenRequest:
    """A provider request as it came and the status it was answered with (0: never answered)."""

    provider: str
    request: Request
    response: Response

    @property
    def status(self) -> int:
        return 0 if self.response.is_dropped else self.response.status

    def json(self) -> Any:
        return json.loads(self.request.body)


@dataclass
class Message:
    """One message to one recipient. ``id`` is the provider's: X-Message-Id or the SID."""

    id: str
    channel: str
    to: str
    sender: str
    text: str
    subject: str = ""
    html: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    status: str = "accepted"
    sent_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    direction: str = "outbound-api"
    custom_args: dict[str, str] = field(default_factory=dict)
    tracking: dict[str, bool] = field(default_factory=dict)
    categories: list[str] = field(default_factory=list)
    resource: dict[str, Any] = field(default_factory=dict)
    callback_url: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    replies: list[dict[str, Any]] = field(default_factory=list)

    @cached_property
    def links(self) -> list[str]:
        return find_links(self.html, self.text)

    def summary(self) -> dict[str, Any]:
        """Shape of a row in a list: no bodies but the text of a short message."""
        return {
            "id": self.id,
            "channel": self.channel,
            "to": self.to,
            "from": self.sender,
            "subject": self.subject,
            "sent_at": self.sent_at.isoformat(),
            "status": self.status,
            "direction": self.direction,
            "preview": " ".join(self.text.split())[:140],
        }

    def as_dict(self) -> dict[str, Any]:
        """Shape of ``/messages.json``."""
        return {
            **self.summary(),
            "text": self.text,
            "html": self.html,
            "links": self.links,
            "headers": self.headers,
            "events": list(self.events),
            "replies": list(self.replies),
            "custom_args": self.custom_args,
            "categories": self.categories,
            "tracking": self.tracking,
            "callback_url": self.callback_url,
        }


class _Hrefs(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("a", "area"):
            self.found += [value.strip() for name, value in attrs if name == "href" and value]


def find_links(html: str, text: str) -> list[str]:
    """Web addresses in the order in which a reader meets them: the HTML's, then the text's."""
    parser = _Hrefs()
    parser.feed(html)
    parser.close()
    hrefs = [href for href in parser.found if href.lower().startswith(("http://", "https://"))]
    return list(dict.fromkeys(hrefs + [_trim(url) for url in _URL.findall(text)]))


def _trim(url: str) -> str:
    trimmed = url.rstrip(_TAIL)
    # a bracket that was opened inside the address belongs to it
    return trimmed + ")" if "(" in trimmed and url[len(trimmed) :].startswith(")") else trimmed
