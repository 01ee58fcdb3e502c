"""Real django-q2 clusters over the test's database, to be run, overrun and killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from django.db import connection

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Project:
    """How other processes reach the test's database, queue and providers."""

    broker: str
    providers: str
    name: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:8]}")
    extra: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.queue.settings",
            "QUEUE_TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "QUEUE_TEST_BROKER": self.broker,
            "QUEUE_TEST_NAME": self.name,
            "QUEUE_TEST_PROVIDERS": self.providers,
            "PYTHONPATH": str(ROOT),
            **self.extra,
        }

    def run(self, code: str) -> subprocess.CompletedProcess[str]:
        """Run Python in a process of its own that has the project set up."""
        return subprocess.run(
            [sys.executable, "-c", f"import django; django.setup()\n{code}"],
            env=self.env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    def enqueue(self, task: str, times: int = 1) -> None:
        """Put a task into the real queue, from a process that knows this broker."""
        done = self.run(
            "from django_q.tasks import async_task\n"
            f"for _ in range({times}): async_task('cart_recovery.tasks.{task}')"
        )
        assert done.returncode == 0, done.stderr

    @contextlib.contextmanager
    def cluster(self) -> Iterator[Cluster]:
        """A running `qcluster`; whatever is left of it is killed at the end."""
        process = subprocess.Popen(
            [sys.executable, "-m", "django", "qcluster"],
            env=self.env, cwd=ROOT, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        cluster = Cluster(process)
        try:
            yield cluster
        finally:
            cluster.kill_all()


@dataclass
class Cluster:
    process: subprocess.Popen[bytes]

    def family(self) -> list[psutil.Process]:
        """Main process, sentinel, workers, monitor and pusher, as far as they live."""
        with contextlib.suppress(psutil.NoSuchProcess):
            main = psutil.Process(self.process.pid)
            return [main, *main.children(recursive=True)]
        return []

    def wait_until_started(self) -> None:
        # main, sentinel, 2 workers, monitor, pusher
        wait_until(lambda: len(self.family()) >= 6, timeout=60)

    def kill_workers_connected_to(self, port: int) -> int:
        """kill -9 those that are in the middle of a provider call; counts them."""
        killed = 0
        for process in self.family():
            with contextlib.suppress(psutil.NoSuchProcess):
                calls = [c for c in process.net_connections() if c.raddr and c.raddr.port == port]
                if calls:
                    process.send_signal(signal.SIGKILL)
                    killed += 1
        return killed

    def kill_all(self) -> None:
        """kill -9 for the whole family at once, as when the machine loses power."""
        for process in reversed(self.family()):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=20)


def wait_until(is_true: Callable[[], object], *, timeout: float = 60) -> None:
    """Wait for something that other processes do; fails after `timeout` seconds."""
    ends = time.monotonic() + timeout
    while not is_true():
        assert time.monotonic() < ends, "other processes did not get there in time"
        time.sleep(0.05)
