"""The sandbox's child processes: started together, watched, stopped together, none left over.

Each child leads a process group of its own. So Ctrl-C reaches only the parent, which stops the
children in order, and what a child leaves behind (queue workers of a killed cluster) can be ended
with its group.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from sandbox_shop import ports

POLL: Final = 0.2
#: seconds that a child may take to answer on its port, and to end when it is told to
START_TIMEOUT: Final = 90.0
STOP_TIMEOUT: Final = 15.0
#: a child that dies more often than this within a minute is given up
MAX_RESTARTS: Final = 3
PR_SET_PDEATHSIG: Final = 1


class PartFailedError(Exception):
    """A child did not come up, or died again and again."""


@dataclass(slots=True)
class Part:
    """One child: its name, its command, its log file, and where it answers (None: nowhere)."""

    name: str
    command: Sequence[str]
    log: Path
    address: tuple[str, int] | None = None
    process: subprocess.Popen[bytes] | None = None
    deaths: deque[float] = field(default_factory=deque)

    def start(self, environment: Mapping[str, str]) -> None:
        """Start the child; its output goes to the log, which is begun anew."""
        with self.log.open("ab" if self.deaths else "wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 our own commands
                self.command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 the parent has one thread only
            )  # fmt: skip

    @property
    def is_running(self) -> bool:
        """Whether the child itself lives; its own children do not count."""
        return self.process is not None and self.process.poll() is None

    @property
    def is_up(self) -> bool:
        """Whether it lives and, where it serves, answers."""
        return self.is_running and (self.address is None or ports.answers(*self.address))

    def ask_to_stop(self) -> None:
        """Let the child end in its own way."""
        if self.process is not None and self.is_running:
            self.process.terminate()

    def end_group(self) -> None:
        """End whatever is left of the child and its descendants."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def last_words(self, lines: int = 15) -> str:
        """The end of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


class Crew:
    """All children. `run` blocks until a signal asks it to stop or a child cannot be kept alive."""

    def __init__(
        self, parts: Sequence[Part], *, environment: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self.parts = parts
        self.environment = environment
        self.say = say
        self.signals_seen = 0

    def run(self, when_up: Callable[[], None]) -> None:
        """Start, call `when_up` once all answer, watch, stop. Raises PartFailedError."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)
        try:
            for part in self.parts:
                part.start(self.environment)
            if self._wait_until_up():
                when_up()
            while not self.signals_seen:
                self._keep_alive()
                time.sleep(POLL)
        finally:
            self._stop()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals_seen += 1

    def _wait_until_up(self) -> bool:
        deadline = time.monotonic() + START_TIMEOUT
        while not all(part.is_up for part in self.parts):
            if self.signals_seen:
                return False
            for part in self.parts:
                if not part.is_running or time.monotonic() > deadline:
                    raise PartFailedError(f"{part.name} did not start.\n{part.last_words()}")
            time.sleep(POLL)
        return True

    def _keep_alive(self) -> None:
        for part in self.parts:
            if part.is_running:
                continue
            # workers of a killed cluster go on working; two clusters at once would be too many
            part.end_group()
            now = time.monotonic()
            part.deaths.append(now)
            while part.deaths and part.deaths[0] < now - 60:
                part.deaths.popleft()
            if len(part.deaths) > MAX_RESTARTS:
                raise PartFailedError(f"{part.name} ends again and again.\n{part.last_words()}")
            self.say(f"{part.name} has ended and is started again; its log: {part.log}")
            part.start(self.environment)

    def _stop(self) -> None:
        """Ask all at once, wait, then end what is left. Another signal ends the waiting."""
        seen = self.signals_seen
        for part in self.parts:
            part.ask_to_stop()
        deadline = time.monotonic() + STOP_TIMEOUT
        while any(part.is_running for part in self.parts) and time.monotonic() < deadline:
            if self.signals_seen > seen:
                break
            time.sleep(POLL / 2)
        for part in self.parts:
            part.end_group()


def _die_with_parent() -> Callable[[], None] | None:
    """Run in the child: have Linux stop it when the parent is killed and cannot do so itself."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)

    return prepare
