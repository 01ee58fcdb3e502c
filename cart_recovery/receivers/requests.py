"""Begin and end of each request: see `carts.requests`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.signals import request_finished, request_started

from cart_recovery.carts import requests
from cart_recovery.carts.guarding import guarded


def connect() -> None:
    request_started.connect(on_request_started, dispatch_uid="cart_recovery.request_started")
    request_finished.connect(on_request_finished, dispatch_uid="cart_recovery.request_finished")


@guarded
def on_request_started(
    environ: Mapping[str, Any] | None = None,
    scope: Mapping[str, Any] | None = None,
    **kwargs: Any,
) -> None:
    """WSGI hands over an environ, ASGI a scope."""
    requests.begin(environ=environ, scope=scope)


@guarded
def on_request_finished(**kwargs: Any) -> None:
    requests.end()
