"""The script that starts the servers for tests. What it starts is proven where it is used."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from tests.sandbox.running import ROOT

SCRIPT = ROOT / "scripts" / "services.sh"


def test_the_script_is_executable_and_reads_as_shell():
    assert os.access(SCRIPT, os.X_OK)
    subprocess.run(["bash", "-n", str(SCRIPT)], check=True)


@pytest.mark.postgres
@pytest.mark.redis
def test_the_script_changes_nothing_and_tells_the_addresses_when_all_answer():
    if not shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin"):
        pytest.skip("MariaDB is not installed")
    first, second = (
        subprocess.run([str(SCRIPT)], capture_output=True, text=True, check=True) for _ in range(2)
    )
    assert first.stdout == second.stdout
    assert f"export DATABASE_URL='{os.environ['DATABASE_URL']}'" in second.stdout
    assert second.stderr == ""
