"""The whole sandbox as a visitor gets it, for tests: `with running_sandbox(tmp_path) as sandbox: …`."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: seconds; a fresh set-up includes all of Oscar's migrations, on a machine that runs other tests too
START_TIMEOUT = 240.0
STOP_TIMEOUT = 40.0
#: what a developer's or CI's own environment must not put into the sandbox
SHIELDED = (
    "DATABASE_URL", "DJANGO_SETTINGS_MODULE", "REDIS_URL", "SENDGRID_API_KEY", "SENDGRID_BASE_URL",
    "SENDGRID_WEBHOOK_PUBLIC_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "TWILIO_BASE_URL",
    "TWILIO_FROM", "PUBLIC_BASE_URL", "SANDBOX_BIND", "SANDBOX_DEBUG",
)  # fmt: skip


@dataclass(frozen=True)
class RunningSandbox:
    """A sandbox that answers."""

    shop_url: str
    viewer_url: str
    var: Path
    process: subprocess.Popen[str]

    @property
    def admin_url(self) -> str:
        return f"{self.shop_url}/admin/"

    def output(self) -> str:
        """What the foreground process has printed so far."""
        return (self.var / "output.txt").read_text()


def free_ports(count: int) -> list[int]:
    """Ports on loopback that nobody listens on now."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for probe in sockets:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in sockets]
    finally:
        for probe in sockets:
            probe.close()


def sandbox_environment(var: Path, **variables: str) -> dict[str, str]:
    """The environment of a sandbox in `var`, on free ports unless PORT and PROVIDERS_PORT are given."""
    port, providers_port = free_ports(2)
    inherited = {name: value for name, value in os.environ.items() if name not in SHIELDED}
    chosen = {"PORT": str(port), "PROVIDERS_PORT": str(providers_port), "SANDBOX_VAR": str(var)}
    return {**inherited, "PYTHONUNBUFFERED": "1", **chosen, **variables}


def set_up(home: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Make a sandbox in `home/var`, without running it."""
    return subprocess.run(
        [sys.executable, "manage.py", "sandbox", "--setup-only"], cwd=ROOT, text=True,
        env=sandbox_environment(home / "var", **variables), capture_output=True, check=False,
    )  # fmt: skip


@contextmanager
def running_sandbox(tmp_path: Path, **variables: str) -> Iterator[RunningSandbox]:
    """Set up and run the whole sandbox in `tmp_path/var`; stopped as by Ctrl-C at the end.

    `variables` go into its environment. Called again with the same path it starts with the data of
    the time before.
    """
    var = tmp_path / "var"
    var.mkdir(exist_ok=True)
    environment = sandbox_environment(var, **variables)
    with (var / "output.txt").open("w") as output:
        process = subprocess.Popen(
            [sys.executable, str(ROOT / "manage.py"), "sandbox"], cwd=ROOT, env=environment,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
    sandbox = RunningSandbox(
        shop_url=f"http://127.0.0.1:{environment['PORT']}",
        viewer_url=f"http://127.0.0.1:{environment['PROVIDERS_PORT']}",
        var=var,
        process=process,
    )
    try:
        _wait_until_up(sandbox)
        yield sandbox
    finally:
        stop(process)


def stop(process: subprocess.Popen[str]) -> int:
    """Ctrl-C, and the exit code."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        raise


def _wait_until_up(sandbox: RunningSandbox) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while "Ctrl-C" not in sandbox.output():
        if sandbox.process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"The sandbox did not start:\n{sandbox.output()}")
        time.sleep(0.3)
    for url in (f"{sandbox.shop_url}/catalogue/", f"{sandbox.viewer_url}/"):
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert answer.status == 200, url
