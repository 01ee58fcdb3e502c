"""HTTP/1.1 with keep-alive on asyncio: small, because benchmarks must not measure the simulator.

A connection reads one request whole, hands it to ``respond`` and answers before it reads the next.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from email.utils import formatdate
from http import HTTPStatus
from typing import cast

from sandbox_shop.simulators.messages import Request, Response

MAX_HEAD = 65_536
# SendGrid's limit on one mail; a larger body is read, thrown away and answered with 413
MAX_BODY = 30 * 1024 * 1024
MAX_DISCARDED = 256 * 1024 * 1024

Respond = Callable[[Request], "Response | asyncio.Future[Response]"]
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_date = (0, "")


class BadRequestError(ValueError):
    """What came is no HTTP request; ``status`` is what to answer before closing."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Connection(asyncio.Protocol):
    """One client's connection."""

    def __init__(self, respond: Respond, opened: set[Connection]) -> None:
        self._respond = respond
        self._opened = opened
        self._buffer = bytearray()
        self._request: Request | None = None
        self._missing = 0
        self._is_busy = False
        self._keeps_alive = True
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._opened.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._opened.discard(self)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._advance_if_idle()

    def _advance(self) -> None:
        try:
            if self._request is None and not self._read_head():
                return
            if not self._read_body():
                return
        except BadRequestError as error:
            self._keeps_alive = False
            self._answer(Response(error.status, f"{error}\n".encode()))
            return
        request, self._request = cast(Request, self._request), None
        self._is_busy = True
        answer = self._respond(request)
        if isinstance(answer, Response):
            self._answer_later(answer)
        else:
            answer.add_done_callback(lambda done: self._answer_later(done.result()))

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD:
                raise BadRequestError(431, "The request's head is too long.")
            return False
        head = self._buffer[:end].decode("latin-1")
        del self._buffer[: end + 4]
        self._request, self._keeps_alive = parse_head(head)
        self._missing = _body_length(self._request.headers)
        self._request.is_too_large = self._missing > MAX_BODY
        if self._request.headers.get("expect", "").lower() == "100-continue" and self._transport:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return True

    def _read_body(self) -> bool:
        request = cast(Request, self._request)
        if request.is_too_large:
            taken = min(self._missing, len(self._buffer))
            del self._buffer[:taken]
            self._missing -= taken
            return self._missing == 0
        if len(self._buffer) < self._missing:
            return False
        request.body = bytes(self._buffer[: self._missing])
        del self._buffer[: self._missing]
        return True

    def _answer_later(self, response: Response) -> None:
        if response.delay > 0:
            loop = asyncio.get_running_loop()
            loop.call_later(response.delay, self._answer, response)
        else:
            self._answer(response)

    def _answer(self, response: Response) -> None:
        self._is_busy = False
        if self._transport is None:
            return
        if response.is_dropped:
            self._transport.abort()
            return
        self._transport.write(encode(response, keeps_alive=self._keeps_alive))
        if not self._keeps_alive:
            self._transport.close()
        elif self._buffer:
            # the next request is here already; a call from here would nest without end
            asyncio.get_running_loop().call_soon(self._advance_if_idle)

    def _advance_if_idle(self) -> None:
        if not self._is_busy:
            self._advance()


def parse_head(head: str) -> tuple[Request, bool]:
    """The request without its body, and whether the connection stays open after the answer."""
    first, *lines = head.split("\r\n")
    parts = first.split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequestError(400, "This is not an HTTP/1.1 request.")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip():
            raise BadRequestError(400, "A header line is malformed.")
        headers[name.lower()] = value.strip()
    path, _, query = parts[1].partition("?")
    wishes = headers.get("connection", "").lower()
    keeps_alive = "close" not in wishes if parts[2] == "HTTP/1.1" else "keep-alive" in wishes
    return Request(parts[0], path, query, headers, b""), keeps_alive


def _body_length(headers: dict[str, str]) -> int:
    if "transfer-encoding" in headers:
        raise BadRequestError(411, "Send a Content-Length: chunked bodies are not read here.")
    length = headers.get("content-length", "0")
    if not length.isascii() or not length.isdigit() or len(length) > 18:
        raise BadRequestError(400, "Content-Length is no number.")
    if int(length) > MAX_DISCARDED:
        raise BadRequestError(413, "The request is too large.")
    return int(length)


def encode(response: Response, *, keeps_alive: bool) -> bytes:
    lines = [
        f"HTTP/1.1 {response.status} {_REASONS.get(response.status, 'Unknown')}",
        f"Date: {_http_date()}",
        f"Content-Length: {len(response.body)}",
        f"Connection: {'keep-alive' if keeps_alive else 'close'}",
    ]
    lines += [f"{name}: {value}" for name, value in response.headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace") + response.body


def _http_date() -> str:
    global _date  # noqa: PLW0603 # formatted once a second, not once a request
    now = int(time.time())
    if _date[0] != now:
        _date = (now, formatdate(now, usegmt=True))
    return _date[1]
