"""A sent message as staff may look at it: without what gives its reader the recipient's rights."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

from django.http import HttpResponse

from cart_recovery.contacts.masking import DOTS

_URL: Final = re.compile(r"https?://[^\s<>\"'()]+")
#: a part of a path from this length on may be a token
TOKEN_LENGTH: Final = 12
#: attributes that lead somewhere, or load something
LEADING: Final = frozenset({"href", "action", "formaction", "ping", "srcset", "data", "background"})
DROPPED: Final = frozenset(
    {"script", "iframe", "frame", "object", "embed", "base", "meta", "link", "form"}
)
#: pictures come from this host alone: a foreign one would learn who looks
POLICY: Final = (
    "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; sandbox; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)


def without_tokens(text: str) -> str:
    """The text with all links cut to what they look like: a link in it works for nobody."""
    return _URL.sub(lambda found: _cut(found[0]), text)


def _cut(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return DOTS
    path = "/".join(DOTS if len(p) >= TOKEN_LENGTH else p for p in parts.path.split("/"))
    tail = f"?{DOTS}" if parts.query or parts.fragment else ""
    return f"{parts.scheme}://{parts.netloc}{path}{tail}"


class _Cutter(HTMLParser):
    """Writes the HTML again without what leads out of it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.written: list[str] = []
        self._is_in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_in_script = tag == "script"
        if tag not in DROPPED:
            kept = "".join(_attribute(name, value) for name, value in attrs)
            self.written.append(f"<{tag}{kept}>")

    def handle_endtag(self, tag: str) -> None:
        self._is_in_script = False
        if tag not in DROPPED:
            self.written.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if not self._is_in_script:
            self.written.append(without_tokens(data))

    def handle_entityref(self, name: str) -> None:
        self.written.append(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self.written.append(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self.written.append(f"<!{decl}>")


def _attribute(name: str, value: str | None) -> str:
    if name in LEADING or name.startswith("on"):
        return ""
    return f' {name}="{escape(without_tokens(value or "") if name != "src" else value or "")}"'


def cut_html(html: str) -> str:
    """The mail without links, scripts, forms and comments."""
    cutter = _Cutter()
    cutter.feed(html)
    cutter.close()
    return "".join(cutter.written)


def body_response(html: str) -> HttpResponse:
    """For a sandboxed frame: nothing runs, nothing is loaded from elsewhere, nothing leads out."""
    response = HttpResponse(cut_html(html))
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Frame-Options"] = "SAMEORIGIN"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
