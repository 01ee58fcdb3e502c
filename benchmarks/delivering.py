"""Planning and delivery as the app does it. Works in a worker."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any
from unittest import mock

from django.utils import timezone

from cart_recovery.campaigns.planning import plan
from cart_recovery.channels import transport
from cart_recovery.channels.registry import get_channel
from cart_recovery.delivery.pipeline import deliver_due

#: moments of the clock that all processes of a machine share
Span = tuple[float, float]
#: method, URL, body and headers
Prepared = tuple[str, str, bytes, dict[str, str]]


def plan_all() -> tuple[Span, int]:
    """Enrol all idle carts; when, and how many."""
    began, planned = time.monotonic(), 0
    while (result := plan(timezone.now())).enrolled:
        planned += result.enrolled
    return (began, time.monotonic()), planned


def deliver() -> tuple[Span, int]:
    """Deliver all that is due; when, and how many the providers took."""
    began = time.monotonic()
    result = deliver_due()
    span = (began, time.monotonic())
    lost = {state: count for state, count in result.messages.items() if state != "sent"}
    if lost or result.skipped or result.waiting or result.withdrawn:
        raise RuntimeError(f"Not all went out: {result}")
    return span, result.messages["sent"]


def lanes(channel: str) -> int:
    """Calls that the channel makes at a time."""
    return get_channel(channel).concurrency


def deliver_recording(channel: str) -> list[Prepared]:
    """Deliver all that is due to nobody; gives the requests that would have gone out."""
    requests: list[Prepared] = []

    def record(
        _self: Any, method: str, url: str, *, body: bytes | None, headers: Mapping[str, str]
    ) -> transport.Answer:
        requests.append((method, url, body or b"", dict(headers)))
        return _answer(channel)

    with mock.patch.object(transport.Transport, "request", record):
        deliver()
    return requests


def _answer(channel: str) -> transport.Answer:
    if channel == "email":
        return transport.Answer(202, {"X-Message-Id": "recorded"}, b"")
    body = b'{"sid": "SM%s", "status": "queued", "error_code": null}' % (b"0" * 32)
    return transport.Answer(201, {}, body)
