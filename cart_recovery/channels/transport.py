"""Pooled keep-alive HTTP under the providers' own libraries, and what its failures mean."""

from __future__ import annotations

import contextlib
import os
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final, Generic, TypeVar
from urllib.parse import urlsplit

import urllib3
from urllib3 import exceptions as http_errors

from cart_recovery.channels.outcomes import UNREACHABLE, Outcome, OutcomeKind

C = TypeVar("C")

#: an idle connection older than this may be half dead; a new one costs less than a doubtful send
IDLE_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 5.0
#: providers answer in a few hundred bytes; whatever is longer is not theirs
MAX_ANSWER_BYTES: Final = 64 * 1024
LONGEST_WAIT: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a provider answered. The body is cut at MAX_ANSWER_BYTES."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class ProcessLocal(Generic[C]):
    """One client per process, made on first use. A fork gets its own: sockets are not shared."""

    def __init__(self, build: Callable[[], C]) -> None:
        self._build = build
        self._client: C | None = None
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def get(self) -> C:
        """The client of this process."""
        if self._pid != os.getpid():
            # the copied lock may be held by a thread that only the parent has
            self._renew()
        client = self._client
        if client is None:
            with self._lock:
                client = self._client or self._build()
                self._client = client
        return client

    def take(self) -> C | None:
        """The client, if this process has made one, to be closed by the caller."""
        client = self._client if self._pid == os.getpid() else None
        self._renew()
        return client

    def _renew(self) -> None:
        self._client = None
        self._lock = threading.Lock()
        self._pid = os.getpid()


class Transport:
    """HTTP to one provider. Follows no redirect and repeats nothing; raises urllib3's HTTPError."""

    def __init__(self, base_url: str, *, size: int, timeout: float, ca_bundle: str = "") -> None:
        self._lock = threading.Lock()
        self._used_at = time.monotonic()
        self._timeout = urllib3.Timeout(connect=min(CONNECT_SECONDS, timeout), read=timeout)
        self._pool = _make_pool(base_url, size, ca_bundle)

    def request(
        self, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Make one request. `headers` of the answer are case-insensitive."""
        self._drop_idle()
        response = self._pool.urlopen(
            method, url, body=body, headers=headers, timeout=self._timeout, retries=False,
            redirect=False, preload_content=False, decode_content=True,
        )  # fmt: skip
        return Answer(response.status, response.headers, _read(response))

    def close(self) -> None:
        """Close the kept connections."""
        self._pool.clear()

    def _drop_idle(self) -> None:
        now = time.monotonic()
        with self._lock:
            is_idle = now - self._used_at > IDLE_SECONDS
            self._used_at = now
        if is_idle:
            self._pool.clear()


def failure_outcome(error: Exception) -> Outcome:
    """What a failed request means for its message: surely not handed over, or nobody knows."""
    if isinstance(error, http_errors.ProxyError) and error.original_error is not None:
        error = error.original_error
    detail = type(error).__name__
    if isinstance(error, (http_errors.NewConnectionError, http_errors.ConnectTimeoutError)):
        return Outcome(OutcomeKind.RETRY_SAFE, code=UNREACHABLE, detail=detail)
    if isinstance(error, http_errors.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return Outcome(
            OutcomeKind.CONFIGURATION, code="certificate", detail="The certificate is not trusted."
        )
    if isinstance(error, http_errors.LocationValueError):
        return Outcome(OutcomeKind.CONFIGURATION, code="url", detail=detail)
    code = "timeout" if isinstance(error, http_errors.ReadTimeoutError) else "connection_lost"
    return Outcome(OutcomeKind.UNKNOWN, code=code, detail=detail)


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that a rate-limited answer asks for: `Retry-After` or `X-RateLimit-Reset`.

    `now` is the time in seconds since 1970. None where the provider says nothing readable.
    """
    text = headers.get("Retry-After", "")
    seconds = _number(text)
    if seconds is None and text:
        with contextlib.suppress(ValueError, TypeError, OverflowError):
            seconds = parsedate_to_datetime(text).timestamp() - now
    if seconds is None:
        reset = _number(headers.get("X-RateLimit-Reset", ""))
        # an epoch by the documentation; a small number can only be a duration
        seconds = reset - now if reset is not None and reset > LONGEST_WAIT * 24 else reset
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_WAIT)


def _number(text: str) -> float | None:
    text = text.strip()
    return float(text) if text.isascii() and text.replace(".", "", 1).isdigit() else None


def _read(response: urllib3.BaseHTTPResponse) -> bytes:
    try:
        body = response.read(MAX_ANSWER_BYTES)
        if response.read(1):
            response.close()
        else:
            response.release_conn()
    except http_errors.HTTPError:
        # status and headers have come, and they decide; the body is gone
        response.close()
        return b""
    return body


def _make_pool(base_url: str, size: int, ca_bundle: str) -> urllib3.PoolManager:
    # one context for all connections: loading the authorities takes longer than a handshake
    context = ssl.create_default_context(cafile=ca_bundle or None)
    options: dict[str, Any] = {"num_pools": 4, "maxsize": size, "ssl_context": context}
    parts = urlsplit(base_url)
    proxy = urllib.request.getproxies().get(parts.scheme, "")
    if not proxy or urllib.request.proxy_bypass(parts.hostname or ""):
        return urllib3.PoolManager(**options)
    credentials = urlsplit(proxy)
    headers = None
    if credentials.username:
        pair = f"{credentials.username}:{credentials.password or ''}"
        headers = urllib3.make_headers(proxy_basic_auth=pair)
    return urllib3.ProxyManager(proxy, proxy_headers=headers, **options)
