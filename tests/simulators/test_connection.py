"""The wire: keep-alive, odd and hostile requests, TLS."""

from __future__ import annotations

import re
import socket
import ssl
import urllib.request
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import urllib3

from sandbox_shop.simulators.server import running_simulators

from .conftest import make_mail, send_sms, sendgrid_client


def talk(sim: Any, data: bytes, *, end: bool = False) -> bytes:
    """Send raw bytes and read until the simulator closes or says nothing more."""
    address = urlsplit(sim.url)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        connection.sendall(data)
        if end:
            connection.shutdown(socket.SHUT_WR)
        connection.settimeout(1)
        answer = b""
        try:
            while chunk := connection.recv(65_536):
                answer += chunk
        except TimeoutError:
            pass
        return answer


def test_connection_is_kept_over_many_requests(sim: Any) -> None:
    pool = urllib3.connection_from_url(sim.url)
    for _ in range(3):
        assert pool.request("GET", "/health").status == 200
    assert (pool.num_connections, pool.num_requests) == (1, 3)


def test_pipelined_requests_are_answered_in_order(sim: Any) -> None:
    request = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    answer = talk(sim, request * 2_000 + last)
    statuses = re.findall(rb"HTTP/1.1 (\d+)", answer)
    assert statuses == [b"200"] * 2_000 + [b"404"]


def test_request_that_comes_byte_by_byte_is_read(sim: Any) -> None:
    address = urlsplit(sim.url)
    body = b'{"kind": "drop"}'
    head = b"POST /faults HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection((address.hostname, address.port), timeout=5) as connection:
        for byte in head + body:
            connection.send(bytes([byte]))
        assert connection.recv(100).startswith(b"HTTP/1.1 201 Created\r\n")


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"hello\r\n\r\n", b"400"),
        (b"GET / HTTP/2\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nA : b\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"411"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000, b"431"),
    ],
)
def test_what_is_no_request_is_refused_and_closed(sim: Any, data: bytes, status: bytes) -> None:
    answer = talk(sim, data)
    assert answer.split(b" ")[1] == status
    assert b"Connection: close" in answer
    assert requests.get(f"{sim.url}/health", timeout=5).status_code == 200


def test_client_that_goes_away_in_mid_request_harms_nobody(sim: Any) -> None:
    talk(sim, b"POST /v3/mail/send HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc", end=True)
    assert requests.get(f"{sim.url}/health", timeout=5).status_code == 200


def test_expected_continue_is_said(sim: Any) -> None:
    head = b"POST /faults HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 16\r\n\r\n"
    answer = talk(sim, head + b'{"kind": "drop"}')
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\n")


def test_libraries_talk_over_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    with running_simulators(tls=True) as sim:
        assert sim.url.startswith("https://127.0.0.1:")
        monkeypatch.setenv("SSL_CERT_FILE", sim.ca_path)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", sim.ca_path)
        assert sendgrid_client(sim).send(make_mail()).status_code == 202
        assert send_sms(sim).status == "queued"


def test_certificate_is_verified_for_the_host() -> None:
    with running_simulators(tls=True) as sim:
        context = ssl.create_default_context(cafile=sim.ca_path)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        url = f"{sim.url}/health"
        with urllib.request.urlopen(url, context=context, timeout=5) as answer:
            assert answer.status == 200
        with pytest.raises(OSError, match="certificate"):
            urllib.request.urlopen(url, timeout=5)


def test_fixed_delay_holds_for_each_answer() -> None:
    with running_simulators(delay=1.0) as sim:
        assert sendgrid_client(sim).send(make_mail()).status_code == 202
        seen = requests.post(f"{sim.url}/v3/mail/send", timeout=5)
        assert seen.elapsed.total_seconds() >= 1.0
        assert requests.get(f"{sim.url}/health", timeout=5).elapsed.total_seconds() < 1.0


def test_two_simulators_run_side_by_side() -> None:
    with running_simulators() as one, running_simulators() as other:
        assert one.url != other.url
        sendgrid_client(one).send(make_mail())
        assert (len(one.messages), len(other.messages)) == (1, 0)
