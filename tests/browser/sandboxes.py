"""The sandbox for tests in a browser: each module runs one of its own, and they are set up once.

Setting one up takes a minute of a core, and on a small machine all modules would do it at once.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.databases import drop_database, own_database
from tests.sandbox.running import RunningSandbox, running_sandbox, set_up

#: what is tried here happens now: half of the time to set it up is saved
WITHOUT_PAST = {"SANDBOX_PAST": "0"}


@contextmanager
def own_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    """A running sandbox that nobody else uses. The run on PostgreSQL and Redis runs it on them too,
    in a database of its own."""
    home, run = tmp_path_factory.mktemp("sandbox"), tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        # the same for all workers
        run = run.parent
    server = os.environ.get("DATABASE_URL", "")
    template = _template(run, server)
    shutil.copytree(run / "sandbox" / "var", home / "var")
    database = own_database(server, template=template)
    services = {"DATABASE_URL": database, "REDIS_URL": os.environ.get("REDIS_URL", "")}
    chosen = {name: url for name, url in services.items() if url}
    with running_sandbox(home, **chosen, **WITHOUT_PAST) as running:
        yield running
    drop_database(database)


def _template(run: Path, server: str) -> str:
    """URL of the database of a sandbox that is set up in `run/sandbox`; "" for SQLite."""
    home = run / "sandbox"
    note = home / "database"
    with (run / "sandbox.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not note.exists():
            shutil.rmtree(home, ignore_errors=True)
            (home / "var").mkdir(parents=True)
            database = own_database(server)
            chosen = {"DATABASE_URL": database} if database else {}
            done = set_up(home, **chosen, **WITHOUT_PAST)
            assert done.returncode == 0, done.stdout + done.stderr
            note.write_text(database)
        return note.read_text()
