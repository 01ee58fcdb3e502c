"""The simulators as a process of their own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from sandbox_shop.simulators import defaults
from sandbox_shop.simulators.options import Options

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def process(*arguments: str, **environment: str) -> Iterator[tuple[Any, str]]:
    running = subprocess.Popen(
        [sys.executable, "-m", "sandbox_shop.simulators", "--port", "0", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        line = running.stdout.readline()
        found = re.search(r"https?://\S+", line)
        assert found is not None, running.stderr.read()
        yield running, found[0].rstrip("/")
    finally:
        running.kill()
        running.communicate()


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sandbox_shop.simulators", *arguments],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_answers_and_ends_clean_on_a_signal(number: int) -> None:
    with process(SENDGRID_API_KEY="SG.of.mine") as (running, url):
        assert requests.get(f"{url}/health", timeout=5).status_code == 200
        answer = requests.post(
            f"{url}/v3/mail/send", headers={"Authorization": "Bearer SG.of.mine"}, timeout=5
        )
        assert answer.status_code == 415
        running.send_signal(number)
        _, errors = running.communicate(timeout=10)
        assert (running.returncode, errors) == (0, "")


def test_process_signs_with_the_key_in_the_file(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    keys = []
    for _ in range(2):
        with process("--sendgrid-private-key", str(path)) as (_, url):
            keys.append(requests.get(f"{url}/keys.json", timeout=5).json())
    assert keys[0] == keys[1]


@pytest.mark.parametrize(
    ("arguments", "environment", "reason"),
    [
        ([], {"PROVIDERS_PORT": "eighty"}, "PROVIDERS_PORT"),
        ([], {"PROVIDERS_PORT": "70000"}, "PROVIDERS_PORT"),
        ([], {"TWILIO_ACCOUNT_SID": "AC1"}, "AC and 32 hexadecimal digits"),
        (["--webhook-base", "shop.example"], {}, "webhook_base"),
        (["--delay", "-1"], {}, "delay"),
        (["--sendgrid-private-key", "/"], {}, "cannot start"),
    ],
)
def test_process_says_why_it_cannot_start(
    arguments: list[str], environment: dict[str, str], reason: str
) -> None:
    ended = run(*arguments, **environment)
    assert ended.returncode == 1
    assert reason in ended.stderr
    assert "Traceback" not in ended.stderr


def test_process_says_that_the_port_is_taken() -> None:
    with process() as (_, url):
        ended = run("--port", url.rpartition(":")[2])
        assert ended.returncode == 1
        assert "address already in use" in ended.stderr


def test_environment_fills_the_options_and_empty_counts_as_unset() -> None:
    found = Options.from_environment(
        {"PROVIDERS_PORT": "9000", "SENDGRID_API_KEY": "", "TWILIO_AUTH_TOKEN": "mine"}
    )
    assert (found.port, found.auth_token) == (9000, "mine")
    assert found.sendgrid_key == defaults.DEFAULT_SENDGRID_KEY
    assert Options.from_environment({}).port == 8025
    assert Options.from_environment({"PROVIDERS_PORT": "9000"}, port=1).port == 1
