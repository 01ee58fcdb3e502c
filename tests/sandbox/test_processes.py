"""Children of the sandbox: none is left over, however the parent or a child ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from tests.sandbox.running import ROOT

#: a child that has a child of its own, as a queue's cluster has workers
FAMILY = """
import subprocess, sys, time
grandchild = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open({pids!r}, "a").write(f"{{grandchild.pid}}\\n")
{after}
"""
PARENT = """
import sys
from pathlib import Path
from sandbox_shop.processes import Crew, Part, PartFailedError

var = Path({var!r})
part = Part("Family", [sys.executable, "-c", (var / "family.py").read_text()], var / "log")
try:
    Crew([part], environment={{}}, say=lambda text: print(text, flush=True)).run(
        lambda: print(f"up {{part.process.pid}}", flush=True)
    )
except PartFailedError as error:
    sys.exit(str(error))
"""

pytestmark = pytest.mark.queue


class Household:
    """A parent process with a crew of one, and the pids of everyone who ever lived in it."""

    def __init__(self, tmp_path, after="time.sleep(600)"):
        self.pids = tmp_path / "pids"
        (tmp_path / "family.py").write_text(FAMILY.format(pids=str(self.pids), after=after))
        self.parent = subprocess.Popen(
            [sys.executable, "-c", PARENT.format(var=str(tmp_path))], cwd=ROOT, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        self.child = int(self.parent.stdout.readline().split()[1])
        eventually(lambda: self.pids.exists() and self.pids.read_text().endswith("\n"))

    def everyone(self):
        return [self.child, *map(int, self.pids.read_text().split())]


def is_alive(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def eventually(condition, timeout=20.0):
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_nobody_is_left_when_the_parent_is_told_to_stop(tmp_path, number):
    home = Household(tmp_path)
    home.parent.send_signal(number)
    assert home.parent.wait(20) == 0
    assert not any(map(is_alive, home.everyone()))


def test_nobody_is_left_when_a_child_ignores_the_request_and_a_second_one_comes(tmp_path):
    deaf = tmp_path / "deaf"
    stubborn = (
        "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        f"open({str(deaf)!r}, 'a').close(); time.sleep(600)"
    )
    home = Household(tmp_path, after=stubborn)
    eventually(deaf.exists)
    home.parent.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert home.parent.poll() is None
    home.parent.send_signal(signal.SIGINT)
    assert home.parent.wait(20) == 0
    assert not any(map(is_alive, home.everyone()))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells the children")
def test_the_child_ends_when_the_parent_is_killed(tmp_path):
    home = Household(tmp_path)
    home.parent.kill()
    home.parent.wait(20)
    eventually(lambda: not is_alive(home.child))
    # what a real cluster does by itself
    for pid in home.everyone()[1:]:
        os.kill(pid, signal.SIGKILL)


def test_a_child_comes_back_without_its_old_family_when_it_is_killed(tmp_path):
    home = Household(tmp_path)
    before = home.everyone()
    os.kill(home.child, signal.SIGKILL)
    assert "is started again" in home.parent.stdout.readline()
    eventually(lambda: len(home.everyone()) > len(before))
    assert not any(map(is_alive, before))
    home.parent.send_signal(signal.SIGTERM)
    assert home.parent.wait(20) == 0
    assert not any(map(is_alive, home.everyone()))


def test_the_parent_gives_up_with_the_last_words_when_a_child_dies_again_and_again(tmp_path):
    home = Household(tmp_path, after="print('no luck', flush=True); time.sleep(0.5); sys.exit(3)")
    _output, errors = home.parent.communicate(timeout=30)
    assert home.parent.returncode == 1
    assert "again and again" in errors
    assert "no luck" in errors
    assert not any(map(is_alive, home.everyone()))
