"""Begin and end of each request: see `carts.requests`.

Under ASGI Django sends `request_started` in a task of its own, and what a receiver remembers there
is lost. Oscar's basket middleware sees each request of a shop in the right place: it is wrapped, and
begins what the signal could not.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import wraps
from typing import Any

from django.core.signals import request_finished, request_started
from django.http import HttpRequest
from oscar.apps.basket.middleware import BasketMiddleware

from cart_recovery.carts import requests
from cart_recovery.carts.guarding import guarded


def connect() -> None:
    request_started.connect(on_request_started, dispatch_uid="cart_recovery.request_started")
    request_finished.connect(on_request_finished, dispatch_uid="cart_recovery.request_finished")
    # on Oscar's class, which forks inherit from
    if not hasattr(BasketMiddleware.__call__, "is_tracked"):
        BasketMiddleware.__call__ = with_context(BasketMiddleware.__call__)


@guarded
def on_request_started(environ: Mapping[str, Any] | None = None, **kwargs: Any) -> None:
    """WSGI hands over an environ, ASGI a scope."""
    if environ is not None:
        requests.begin(str(environ.get("HTTP_USER_AGENT", "")))


@guarded
def on_request_finished(**kwargs: Any) -> None:
    requests.end()


@guarded
def on_request_at_middleware(request: HttpRequest) -> None:
    requests.begin(request.headers.get("User-Agent", ""))


def with_context(call: Any) -> Any:
    """The middleware's `__call__`, in a context of its own where there is none."""

    @wraps(call)
    def wrapper(self: Any, request: HttpRequest) -> Any:
        if requests.current() is not None:
            return call(self, request)
        on_request_at_middleware(request)
        try:
            return call(self, request)
        finally:
            on_request_finished()

    wrapper.is_tracked = True  # type: ignore[attr-defined]  # a mark that connecting reads
    return wrapper
