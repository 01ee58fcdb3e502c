"""Catches consent boxes on forms for which the shop sends no signal (the shipping address)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from cart_recovery.consent.capture import capture_checkout

logger = logging.getLogger(__name__)

_ACCEPTED = frozenset({302, 303})


class ConsentMiddleware:
    """Add `cart_recovery.consent.middleware.ConsentMiddleware` after the session, locale and
    authentication middleware. A redirect after a POST means that the shop took the form."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method == "POST" and response.status_code in _ACCEPTED:
            try:
                capture_checkout(request)
            except Exception:
                # the shopper goes on; without a record there is simply no permission
                logger.exception("consent could not be recorded")
        return response
