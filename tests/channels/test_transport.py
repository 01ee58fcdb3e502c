from __future__ import annotations

import os
import time

import pytest
import urllib3
from urllib3 import exceptions as http_errors

from cart_recovery.channels import transport
from cart_recovery.channels.outcomes import OutcomeKind
from cart_recovery.channels.transport import ProcessLocal, Transport, failure_outcome, retry_after
from tests.channels.servers import HttpServer, Reply, no_proxy  # noqa: F401 autouse

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"Retry-After": "5"}, 5.0),
        ({"Retry-After": "0.5"}, 0.5),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "٣"}, None),
        ({"Retry-After": "1e9"}, None),
        ({"Retry-After": "999999"}, 3600.0),
        ({"Retry-After": "Fri, 15 Jan 2027 08:00:30 GMT"}, 30.0),
        ({"Retry-After": "Fri, 15 Jan 2026 08:00:30 GMT"}, 0.0),
        ({"X-RateLimit-Reset": str(int(NOW) + 20)}, 20.0),
        ({"X-RateLimit-Reset": str(int(NOW) - 20)}, 0.0),
        ({"X-RateLimit-Reset": "20"}, 20.0),
        ({"X-RateLimit-Reset": "x"}, None),
        ({"Retry-After": "3", "X-RateLimit-Reset": "20"}, 3.0),
    ],
)
def test_what_a_provider_asks_for_is_read(headers, seconds):
    assert retry_after(headers, NOW) == seconds


POOL = urllib3.HTTPSConnectionPool("127.0.0.1")


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (http_errors.NewConnectionError(POOL, "refused"), OutcomeKind.RETRY_SAFE),
        (http_errors.NameResolutionError("x", POOL, OSError()), OutcomeKind.RETRY_SAFE),
        (http_errors.ConnectTimeoutError(POOL, "slow"), OutcomeKind.RETRY_SAFE),
        (http_errors.ReadTimeoutError(POOL, "/", "slow"), OutcomeKind.UNKNOWN),
        (http_errors.ProtocolError("aborted", ConnectionResetError()), OutcomeKind.UNKNOWN),
        (http_errors.SSLError("CERTIFICATE_VERIFY_FAILED"), OutcomeKind.CONFIGURATION),
        (http_errors.SSLError("EOF"), OutcomeKind.UNKNOWN),
        (http_errors.LocationParseError("x"), OutcomeKind.CONFIGURATION),
        (
            http_errors.ProxyError("x", http_errors.NewConnectionError(POOL, "refused")),
            OutcomeKind.RETRY_SAFE,
        ),
        (http_errors.ProxyError("x", OSError("tunnel")), OutcomeKind.UNKNOWN),
    ],
)
def test_failures_are_told_apart(error, kind):
    assert failure_outcome(error).kind is kind


def test_connections_that_were_idle_for_long_are_not_trusted(monkeypatch):
    server = HttpServer(lambda seen: Reply(200))
    http = Transport(server.url, size=2, timeout=5)
    for _ in range(2):
        http.request("POST", server.url, body=b"x", headers={})
    assert server.connections == 1
    monkeypatch.setattr(transport, "IDLE_SECONDS", -1.0)
    http.request("POST", server.url, body=b"x", headers={})
    assert server.connections == 2
    server.close()


def test_a_proxy_of_the_environment_is_used(monkeypatch):
    proxy = HttpServer(lambda seen: Reply(200, body=seen.path))
    monkeypatch.setenv("http_proxy", proxy.url.replace("http://", "http://user:secret@"))
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("no_proxy", "")
    http = Transport("http://provider.example", size=2, timeout=5)
    answer = http.request("POST", "http://provider.example/x", body=b"", headers={})
    assert answer.body == b"http://provider.example/x"
    assert proxy.seen[0].headers["Proxy-Authorization"].startswith("Basic ")
    proxy.close()


def test_a_fork_makes_its_own_client():
    clients = ProcessLocal(object)
    before = clients.get()
    assert clients.get() is before
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(writing, b"1" if clients.get() is not before else b"0")
        os._exit(0)
    os.waitpid(pid, 0)
    assert os.read(reading, 1) == b"1"
    assert clients.get() is before


def test_a_client_is_made_once_by_many_threads():
    import threading

    def build():
        time.sleep(0.02)
        return object()

    clients, found = ProcessLocal(build), set()
    threads = [threading.Thread(target=lambda: found.add(clients.get())) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1
