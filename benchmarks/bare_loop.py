"""The limit: requests that are ready, over pooled connections, and nothing else.

Works in a worker, or alone in any process.
"""

from __future__ import annotations

import itertools
import ssl
import threading
import time
from collections.abc import Iterator, Sequence

import urllib3

Prepared = tuple[str, str, bytes, dict[str, str]]


def send(
    requests: Sequence[Prepared], count: int, lanes: int, ca_bundle: str
) -> tuple[tuple[float, float], int]:
    """Send the requests in turn, `count` in all, over `lanes` threads; when, and how many."""
    context = ssl.create_default_context(cafile=ca_bundle)
    pool = urllib3.PoolManager(maxsize=lanes, ssl_context=context)
    turns = itertools.islice(itertools.cycle(requests), count)
    lock = threading.Lock()
    accepted = [0] * lanes

    def work(lane: int) -> None:
        for method, url, body, headers in _shared(turns, lock):
            answer = pool.urlopen(
                method, url, body=body, headers=headers, retries=False, redirect=False
            )
            accepted[lane] += 200 <= answer.status < 300

    threads = [threading.Thread(target=work, args=(lane,)) for lane in range(lanes)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    span = (began, time.monotonic())
    pool.clear()
    if sum(accepted) != count:
        raise RuntimeError(f"Only {sum(accepted)} of {count} requests were accepted")
    return span, count


def _shared(turns: Iterator[Prepared], lock: threading.Lock) -> Iterator[Prepared]:
    while True:
        with lock:
            request = next(turns, None)
        if request is None:
            return
        yield request
