"""A running simulator, the providers' own libraries pointed at it, and a shop that listens."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import (
    ClickTracking,
    CustomArg,
    Header,
    Mail,
    OpenTracking,
    TrackingSettings,
)
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from sandbox_shop.simulators import defaults
from sandbox_shop.simulators.server import RunningSimulators, running_simulators

PHONE = "+4915112345678"
NUMBER = defaults.DEFAULT_TWILIO_NUMBER


@dataclass
class Shop:
    """What the providers would call: keeps every request, answers as told."""

    url: str = ""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    answer: bytes = b"<Response/>"

    def paths(self) -> list[str]:
        return [path for path, _, _ in self.requests]


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            shop.requests.append((self.path, dict(self.headers.items()), body))
            self.send_response(shop.statuses.pop(0) if shop.statuses else 200)
            self.send_header("Content-Type", "text/xml")
            self.end_headers()
            self.wfile.write(shop.answer)

        def log_message(self, *_args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    shop.url = f"http://127.0.0.1:{server.server_port}"
    yield shop
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def sim() -> Iterator[RunningSimulators]:
    with running_simulators() as running:
        yield running


@pytest.fixture
def sim_with_shop(shop: Shop) -> Iterator[RunningSimulators]:
    with running_simulators(webhook_base=shop.url, retry_delays=(0.01, 0.01, 0.01)) as running:
        yield running


class LoopbackClient(TwilioHttpClient):
    """Twilio's own HTTP client, sent to the simulator instead of api.twilio.com."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=5)
        self.base = base

    def request(self, method: str, url: str, *args: Any, **options: Any) -> Any:
        local = url.replace("https://api.twilio.com", self.base)
        return super().request(method, local, *args, **options)


def sendgrid_client(sim: RunningSimulators, key: str = "") -> SendGridAPIClient:
    client = SendGridAPIClient(key or sim.options.sendgrid_key, host=sim.url)
    client.client.timeout = 5
    return client


def twilio_client(sim: RunningSimulators, token: str = "") -> Client:
    return Client(
        sim.options.account_sid,
        token or sim.options.auth_token,
        http_client=LoopbackClient(sim.url),
    )


def make_mail(to: str = "kim@kunde.example", *, tracked: bool = False) -> Mail:
    """A mail as the app sends it: both parts, one-click header, key in the custom arguments."""
    html = '<p>Hallo</p><a href="https://shop.example/r/abc?a=1&amp;b=2">Zum Korb</a>'
    mail = Mail(("laden@shop.example", "Probeladen"), to, "Ihr Warenkorb", "Hallo", html)
    personalization = mail.personalizations[0]
    personalization.add_custom_arg(CustomArg("message_id", "key-1"))
    personalization.add_header(Header("List-Unsubscribe", "<https://shop.example/u/xyz>"))
    personalization.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
    settings = TrackingSettings()
    settings.click_tracking = ClickTracking(tracked, tracked)
    settings.open_tracking = OpenTracking(tracked)
    mail.tracking_settings = settings
    return mail


def send_sms(sim: RunningSimulators, to: str = PHONE, **options: Any) -> Any:
    given = {"from_": NUMBER, "body": "Ihr Korb: https://shop.example/r/abc", **options}
    return twilio_client(sim).messages.create(to=to, **given)
