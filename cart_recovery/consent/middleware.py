"""Catches consent boxes on forms for which the shop sends no signal (the shipping address)."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from cart_recovery.consent import soft_opt_ins
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
                soft_opt_ins.remember(request)
            except Exception as error:
                # The shopper goes on; without a record there is simply no permission. The error's
                # own text stays out of the log: databases quote addresses in it.
                stack = "".join(traceback.format_tb(error.__traceback__))
                logger.error(  # noqa: TRY400 see above
                    "consent could not be recorded: %s\n%s", type(error).__name__, stack
                )
        return response
