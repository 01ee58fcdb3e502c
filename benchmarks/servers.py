"""The other ends: provider simulators and an SMTP server, as processes of their own."""

from __future__ import annotations

import contextlib
import re
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True)
class Providers:
    url: str
    #: file with the certificate to trust
    ca_bundle: str


@contextlib.contextmanager
def providers(delay: float) -> Iterator[Providers]:
    """SendGrid and Twilio over TLS on loopback, answering after `delay` seconds."""
    command = ["-m", "sandbox_shop.simulators", "--light", "--tls", "--port", "0"]
    command += ["--webhook-base", "", "--delay", str(delay)]
    with _process(command) as greeting, tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        found = re.search(r"https://\S+", greeting)
        if found is None:
            raise RuntimeError(f"The simulators did not start: {greeting!r}")
        url = found[0].rstrip("/")
        parts = urlsplit(url)
        # it signs itself, anew for each run
        file.write(ssl.get_server_certificate((parts.hostname or "", parts.port or 0)))
        file.flush()
        yield Providers(url, file.name)


@contextlib.contextmanager
def smtp_server(delay: float) -> Iterator[int]:
    """The port of an SMTP server that takes each mail after `delay` seconds."""
    with _process(["-m", "benchmarks.smtp_sink", str(delay)]) as greeting:
        yield int(greeting)


@contextlib.contextmanager
def _process(arguments: Sequence[str]) -> Iterator[str]:
    """Run Python with these arguments; gives the first line that it prints."""
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, cwd=ROOT,
    )  # fmt: skip
    try:
        greeting = process.stdout.readline() if process.stdout else ""
        yield greeting.strip()
    finally:
        process.terminate()
        process.wait(10)
