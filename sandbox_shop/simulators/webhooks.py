"""Calls back to the shop: one background thread, in order of time, with retries."""

from __future__ import annotations

import heapq
import http.client
import itertools
import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

logger = logging.getLogger(__name__)

# signed at each attempt, because SendGrid's timestamp is that of the attempt
Headers = Callable[[bytes], Mapping[str, str]]
KEPT_CALLS = 1_000
MAX_ANSWER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """One attempt. ``status`` 0: the shop could not be reached, ``answer`` says why."""

    url: str
    headers: dict[str, str]
    body: bytes
    attempt: int
    status: int
    answer: bytes

    @property
    def is_taken(self) -> bool:
        return 200 <= self.status < 300


@dataclass(slots=True)
class Delivery:
    """What one POST carries. Events that are due together and share a ``batch`` go as one.

    ``via``: where to connect, where that is not what ``url`` says. ``on_due``: what happens in the
    simulator at that moment, once, whether the shop listens or not.
    """

    url: str
    headers: Headers
    encode: Callable[[Sequence[object]], bytes]
    parts: list[object]
    via: str = ""
    batch: str = ""
    attempt: int = 1
    is_retried_at: Callable[[int], bool] = lambda status: status == 0 or status >= 500
    on_due: list[Callable[[], None]] = field(default_factory=list)


class Webhooks:
    """The queue of calls and the thread that makes them."""

    def __init__(self, *, retry_delays: Sequence[float], timeout: float) -> None:
        self.calls: deque[WebhookCall] = deque(maxlen=KEPT_CALLS)
        self._retry_delays = retry_delays
        self._timeout = timeout
        self._queue: list[tuple[float, int, Delivery]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._is_stopping = False
        self._is_calling = False
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            # a shop that hangs must not keep the simulator from ending
            self._thread.join(timeout=2)

    def schedule(self, delivery: Delivery, *, after: float = 0.0, every: float = 0.0) -> None:
        """Call in ``after`` seconds, or at the next multiple of ``every`` seconds after that."""
        due = time.monotonic() + after
        with self._changed:
            at = math.ceil(due / every) * every if every else due
            entry = (at, next(self._order), delivery)
            heapq.heappush(self._queue, entry)
            self._changed.notify_all()

    def wait_until_idle(self, timeout: float = 10.0) -> bool:
        """Block until nothing waits and nothing is under way; False when the time was too short."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._is_calling, timeout)

    def pending(self) -> int:
        with self._changed:
            return len(self._queue)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_calling = False
                self._changed.notify_all()
                batch = self._take_due()
                while not batch and not self._is_stopping:
                    self._changed.wait(self._time_to_next())
                    batch = self._take_due()
                if self._is_stopping:
                    return
                self._is_calling = True
            for delivery in batch:
                # outside the lock: it stores, and who holds the store's lock may ask us something
                while delivery.on_due:
                    delivery.on_due.pop(0)()
                self._deliver(delivery)

    def _time_to_next(self) -> float | None:
        return max(0.0, self._queue[0][0] - time.monotonic()) if self._queue else None

    def _take_due(self) -> list[Delivery]:
        """Take all that is due; deliveries of one batch are merged into the first of them."""
        due: list[Delivery] = []
        open_batches: dict[str, Delivery] = {}
        while self._queue and self._queue[0][0] <= time.monotonic():
            delivery = heapq.heappop(self._queue)[2]
            known = open_batches.get(delivery.batch)
            if known is not None and delivery.attempt == 1:
                known.parts += delivery.parts
                known.on_due += delivery.on_due
                continue
            if delivery.batch and delivery.attempt == 1:
                open_batches[delivery.batch] = delivery
            due.append(delivery)
        return due

    def _deliver(self, delivery: Delivery) -> None:
        try:
            body = delivery.encode(delivery.parts)
            call = post(
                delivery.url,
                delivery.headers(body),
                body,
                via=delivery.via,
                timeout=self._timeout,
            )
            call = replace(call, attempt=delivery.attempt)
        except Exception:
            logger.exception("A webhook could not be built and is given up")
            return
        self.calls.append(call)
        if call.is_taken or not delivery.is_retried_at(call.status):
            return
        if delivery.attempt > len(self._retry_delays):
            logger.warning("The shop did not take a webhook in %d attempts", delivery.attempt)
            return
        after = self._retry_delays[delivery.attempt - 1]
        delivery.attempt += 1
        self.schedule(delivery, after=after)


def post(
    url: str, headers: Mapping[str, str], body: bytes, *, via: str = "", timeout: float = 15.0
) -> WebhookCall:
    """POST without following a redirect; a failure of the connection is an answer with status 0."""
    parts, reached = urlsplit(url), urlsplit(via or url)
    secure = reached.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    sent = {"Host": parts.netloc, "User-Agent": "provider-simulator/1", **headers}
    # a proxy that ends TLS for the shop says so
    sent |= {"X-Forwarded-Proto": parts.scheme} if via else {}
    status, answer = 0, b""
    try:
        connection = kind(reached.hostname or "", reached.port, timeout=timeout)
        try:
            path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", path, body=body, headers=sent)
            response = connection.getresponse()
            status, answer = response.status, response.read(MAX_ANSWER)
        finally:
            connection.close()
    except (OSError, http.client.HTTPException, ValueError) as error:
        answer = f"{type(error).__name__}: {error}".encode()
    return WebhookCall(url, sent, body, 1, status, answer)
