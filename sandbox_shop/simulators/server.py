"""The simulators on a socket: ``running_simulators`` for tests, ``serve`` for a process."""

from __future__ import annotations

import asyncio
import socket
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sandbox_shop.simulators.certificates import write_certificate
from sandbox_shop.simulators.connection import Connection
from sandbox_shop.simulators.faults import FaultLine
from sandbox_shop.simulators.options import Options
from sandbox_shop.simulators.service import Service
from sandbox_shop.simulators.webhooks import WebhookCall


class RunningSimulators:
    """A running simulator as a test sees it."""

    def __init__(self, service: Service, url: str, ca_path: str) -> None:
        self.url = url
        # the certificate to trust with tls=True, else ""
        self.ca_path = ca_path
        self.service = service
        self.options = service.options

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @property
    def messages(self) -> list[dict[str, Any]]:
        """As ``/messages.json``: newest first."""
        with self.service.store.lock:
            return [message.as_dict() for message in self.service.store.newest_first()]

    @property
    def requests_seen(self) -> list[Any]:
        """The providers' requests in the order of their coming, as SeenRequest."""
        return list(self.service.store.requests)

    @property
    def webhook_calls(self) -> list[WebhookCall]:
        """Every attempt to call the shop, in order."""
        return list(self.service.webhooks.calls)

    @property
    def faults(self) -> FaultLine:
        return self.service.faults

    @property
    def sendgrid_public_key(self) -> str:
        return self.service.events.signer.public_key

    @property
    def counts(self) -> dict[str, int]:
        """Accepted requests per provider, also in light mode."""
        return dict(self.service.store.counts)

    def set_fault(self, kind: str, **fields: Any) -> None:
        """Put a fault in line, in the words of ``POST /faults``."""
        self.service.faults.add(kind=kind, **fields)

    def reply(self, message_id: str, text: str) -> WebhookCall:
        """Answer an SMS from the phone; blocks until the shop has answered."""
        message = self.service.store.get(message_id)
        if message is None:
            raise LookupError(f"There is no message {message_id!r}")
        return self.service.callbacks.reply(message, text)[0]

    def report(self, message_id: str, event: str, **details: Any) -> None:
        """Send one event of a mail or one status of an SMS, whatever came before."""
        message = self.service.store.get(message_id)
        if message is None:
            raise LookupError(f"There is no message {message_id!r}")
        if message.channel == "email":
            self.service.events.report_now(message, event, **details)
        else:
            self.service.callbacks.report_now(message, event, **details)

    def wait_for(self, is_done: Callable[[], bool], timeout: float = 10.0) -> bool:
        """Block until the condition holds; it is looked at whenever something was stored."""
        with self.service.store.changed:
            return self.service.store.changed.wait_for(is_done, timeout)

    def wait_for_messages(self, count: int, timeout: float = 10.0) -> bool:
        return self.wait_for(lambda: len(self.service.store.newest_first()) >= count, timeout)

    def wait_for_webhooks(self, timeout: float = 10.0) -> bool:
        """Block until every event has been handed over or given up."""
        return self.service.webhooks.wait_until_idle(timeout)

    def clear(self) -> None:
        """Forget messages, requests, calls, faults, opt-outs and suppressions."""
        self.service.store.clear_messages()
        self.service.store.forget_blocks()
        self.service.store.requests.clear()
        self.service.webhooks.calls.clear()
        self.service.faults.clear()


@contextmanager
def running_simulators(**options: Any) -> Iterator[RunningSimulators]:
    """Run the simulators in a thread; the keywords are the fields of Options.

    ``with running_simulators(webhook_base=live_server.url) as sim: ... sim.url, sim.messages``
    """
    chosen = Options(**options)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="simulators", daemon=True)
    thread.start()
    with tempfile.TemporaryDirectory(prefix="simulators-") as folder:
        listener: Listener | None = None
        try:
            starting = Listener.start(Service(chosen), Path(folder))
            listener = asyncio.run_coroutine_threadsafe(starting, loop).result(30)
            yield RunningSimulators(listener.service, listener.url, listener.ca_path)
        finally:
            if listener is not None:
                asyncio.run_coroutine_threadsafe(listener.stop(), loop).result(30)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(10)
            loop.close()


class Listener:
    """The open socket and its connections."""

    def __init__(self, service: Service, server: asyncio.Server, ca_path: str) -> None:
        self.service = service
        self.ca_path = ca_path
        self._server = server
        self._opened: set[Connection] = set()

    @classmethod
    async def start(cls, service: Service, folder: Path) -> Listener:
        """Listen and begin to call back; raises OSError where the port is taken."""
        options = service.options
        opened: set[Connection] = set()
        context, ca_path = _tls_context(folder, options.host) if options.tls else (None, "")
        server = await asyncio.get_running_loop().create_server(
            lambda: Connection(service.respond, opened),
            options.host,
            options.port,
            ssl=context,
            backlog=1_024,
        )
        for listening in server.sockets:
            # inherited by what is accepted: small answers leave at once
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener = cls(service, server, ca_path)
        listener._opened = opened
        service.webhooks.start()
        return listener

    @property
    def url(self) -> str:
        host, port = self._server.sockets[0].getsockname()[:2]
        scheme = "https" if self.service.options.tls else "http"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    async def stop(self) -> None:
        self._server.close()
        for connection in tuple(self._opened):
            connection.close()
        await asyncio.get_running_loop().run_in_executor(None, self.service.webhooks.stop)
        await asyncio.get_running_loop().shutdown_default_executor()


async def serve(options: Options, *, until: asyncio.Event, announce: Callable[[str], None]) -> None:
    """Run in this process until the event is set; ``announce`` gets the address."""
    with tempfile.TemporaryDirectory(prefix="simulators-") as folder:
        listener = await Listener.start(Service(options), Path(folder))
        announce(listener.url)
        try:
            await until.wait()
        finally:
            await listener.stop()


def _tls_context(folder: Path, host: str) -> tuple[ssl.SSLContext, str]:
    certificate, key = write_certificate(folder, host)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context, str(certificate)
