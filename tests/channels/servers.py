"""Real local servers that answer as they are told."""

from __future__ import annotations

import http.server
import json
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP


@dataclass
class Reply:
    """What the server does with one request."""

    status: int = 202
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | str = b""
    #: seconds before the answer
    delay: float = 0.0
    #: read the request, then close without an answer
    drop: bool = False


@dataclass
class Seen:
    """One request as it came."""

    path: str
    #: case-insensitive
    headers: Message
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpServer:
    """An HTTP/1.1 server with keep-alive. `replies` are used up first, then `default` answers."""

    def __init__(self, default: Callable[[Seen], Reply]) -> None:
        self.default = default
        self.replies: deque[Reply] = deque()
        self.seen: list[Seen] = []
        self.connections = 0
        owner = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                owner.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                seen = Seen(self.path, self.headers, body)
                owner.seen.append(seen)
                owner._reply(self, owner._next(seen))

            do_GET = do_POST  # noqa: N815 the base class's name

            def log_message(self, *args: object) -> None:
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request: Any, client_address: Any) -> None:
                pass  # clients that hang up are part of the tests

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _next(self, seen: Seen) -> Reply:
        try:
            return self.replies.popleft()
        except IndexError:
            return self.default(seen)

    @staticmethod
    def _reply(handler: http.server.BaseHTTPRequestHandler, reply: Reply) -> None:
        time.sleep(reply.delay)
        if reply.drop:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
            return
        body = reply.body.encode() if isinstance(reply.body, str) else reply.body
        handler.send_response(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)


class MailServer:
    """A real SMTP server. `rules` maps a command ("MAIL", "RCPT", "DATA") and an address part to
    the answer line it gets; the answer "drop" closes the connection."""

    def __init__(self) -> None:
        self.rules: dict[tuple[str, str], str] = {}
        self.mails: list[Any] = []
        self.connections = 0
        owner = self

        class Handler:
            async def handle_EHLO(self, server, session, envelope, hostname, responses):
                owner.connections += 1
                session.host_name = hostname
                return responses

            async def handle_MAIL(self, server, session, envelope, address, options):
                answer = await owner._answer(server, "MAIL", address)
                if answer == "250 OK":
                    envelope.mail_from = address
                return answer

            async def handle_RCPT(self, server, session, envelope, address, options):
                answer = await owner._answer(server, "RCPT", address)
                if answer == "250 OK":
                    envelope.rcpt_tos.append(address)
                return answer

            async def handle_DATA(self, server, session, envelope):
                answer = await owner._answer(server, "DATA", envelope.rcpt_tos[0])
                if answer == "250 OK":
                    owner.mails.append(envelope)
                return answer

        class LoopbackController(Controller):
            def factory(self) -> SMTP:
                return SMTP(self.handler, enable_SMTPUTF8=False)

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._controller = LoopbackController(Handler(), hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def close(self) -> None:
        self._controller.stop()

    async def _answer(self, server: Any, command: str, address: str) -> str:
        for (wanted, part), answer in self.rules.items():
            if wanted == command and part in address:
                if answer == "drop":
                    server.transport.abort()
                return answer
        return "250 OK"


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
