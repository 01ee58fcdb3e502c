"""The simulators without a socket: which part answers a request, and which fault comes first."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import Protocol

from sandbox_shop.simulators import sendgrid, twilio
from sandbox_shop.simulators.console import Console
from sandbox_shop.simulators.faults import REQUEST_KINDS, Fault, FaultLine
from sandbox_shop.simulators.messages import Request, Response, SeenRequest
from sandbox_shop.simulators.options import Options
from sandbox_shop.simulators.sendgrid_events import SendGridEvents
from sandbox_shop.simulators.sendgrid_types import Problems
from sandbox_shop.simulators.store import Store
from sandbox_shop.simulators.twilio_callbacks import TwilioCallbacks
from sandbox_shop.simulators.webhooks import Webhooks

logger = logging.getLogger(__name__)

_GATEWAY_ERROR = (
    b"<html>\r\n<head><title>%d</title></head>\r\n<body>\r\n<center><h1>%d</h1></center>\r\n"
    b"<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)


class _Provider(Protocol):
    def respond(self, request: Request) -> Response: ...


class Service:
    """Both providers, their webhooks and the console around them."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.store = Store(options.keep)
        self.faults = FaultLine()
        self.webhooks = Webhooks(retry_delays=options.retry_delays, timeout=options.webhook_timeout)
        self.events = SendGridEvents(options, self.store, self.faults, self.webhooks)
        self.callbacks = TwilioCallbacks(options, self.store, self.faults, self.webhooks)
        self.sendgrid = sendgrid.SendGrid(options, self.store, self.events)
        self.twilio = twilio.Twilio(options, self.store, self.callbacks)
        self.console = Console(self)

    def respond(self, request: Request) -> Response | asyncio.Future[Response]:
        """Answer a request; what may block is a future of the running loop. Never raises."""
        try:
            if request.path.startswith("/v3/"):
                return self._provide("sendgrid", self.sendgrid, request)
            if request.path.startswith("/2010-04-01/"):
                return self._provide("twilio", self.twilio, request)
        except Exception:
            logger.exception("A request could not be answered")
            return Response(500, b"The simulator failed, see its log.\n")
        if self.console.is_blocking(request):
            return asyncio.get_running_loop().run_in_executor(None, self._console, request)
        return self._console(request)

    def _console(self, request: Request) -> Response:
        try:
            return self.console.respond(request)
        except Exception:
            logger.exception("The console could not answer")
            return Response(500, b"The simulator failed, see its log.\n")

    def _provide(self, name: str, provider: _Provider, request: Request) -> Response:
        fault = self.faults.take(name, kinds=REQUEST_KINDS)
        response = (
            under_fault(fault, name, provider, request) if fault else provider.respond(request)
        )
        if not response.is_dropped:
            response.delay += self.options.delay
        if not self.options.light:
            self.store.note_request(SeenRequest(name, request, response))
        return response


def under_fault(fault: Fault, name: str, provider: _Provider, request: Request) -> Response:
    """What the fault makes of the request; only some kinds let the provider see it."""
    match fault.kind:
        case "accept_and_drop" | "hang" | "drop":
            if fault.accept or fault.kind == "accept_and_drop":
                provider.respond(request)
            return Response(0, is_dropped=True, delay=fault.seconds * (fault.kind == "hang"))
        case "slow":
            response = provider.respond(request)
            response.delay += fault.seconds
            return response
        case "redirect":
            return Response(fault.status, b"", {"Location": fault.location or "/redirected"})
        case "html_error":
            page = _GATEWAY_ERROR % (fault.status, fault.status)
            return Response(fault.status, page, {"Server": "nginx", "Content-Type": "text/html"})
        case _:
            return _refusal(fault, name)


def _refusal(fault: Fault, name: str) -> Response:
    if name == "sendgrid":
        problems: Problems | None = [(fault.message, None)] if fault.message else None
        response = sendgrid.error(fault.status, problems)
    else:
        response = twilio.error(fault.status, fault.code, fault.message)
    if fault.body is not None:
        response.body = fault.body.encode()
        response.headers["Content-Type"] = "text/plain; charset=utf-8"
    if fault.retry_after is not None:
        response.headers |= _limit_headers(name, fault.retry_after)
    response.headers |= fault.headers
    return response


def _limit_headers(name: str, seconds: float) -> dict[str, str]:
    """How each provider says when to come back: an epoch second, or a number of seconds."""
    if name == "sendgrid":
        reset = str(int(time.time() + seconds) + 1)
        return {
            "X-RateLimit-Limit": "600",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": reset,
        }
    return {"Retry-After": f"{seconds:g}"}
