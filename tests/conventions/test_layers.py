"""The layers of the code are a contract (setup.cfg), and the contract bites."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the package that lies in `folder` against the contract of this tree."""
    command = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(command), "--config", str(ROOT / "setup.cfg"), "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_contract_is_kept() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("path", "line", "complaint"),
    [
        pytest.param("surveys/__init__.py", "", "cart_recovery.surveys", id="new folder"),
        pytest.param("odds.py", "", "cart_recovery.odds", id="new module"),
        pytest.param(
            "models/climbing.py", "from cart_recovery import delivery", "BROKEN", id="climbing"
        ),
        pytest.param(
            "carts/sideways.py", "from cart_recovery import consent", "BROKEN", id="sideways"
        ),
        pytest.param(
            "delivery/host.py", "import oscar.core.loading", "Only shop knows Oscar", id="oscar"
        ),
        pytest.param(
            "delivery/queue.py", "import django_q.tasks", "Only tasks knows", id="django-q2"
        ),
        pytest.param(
            "channels/rows.py", "from cart_recovery import models", "no models", id="models"
        ),
    ],
)
def test_contract_breaks_when_the_rule_is(
    tmp_path: Path, path: str, line: str, complaint: str
) -> None:
    copied = tmp_path / "cart_recovery"
    shutil.copytree(
        ROOT / "cart_recovery", copied, ignore=shutil.ignore_patterns("__pycache__", "locale")
    )
    (copied / path).parent.mkdir(exist_ok=True)
    (copied / path).write_text(line + "\n")
    result = lint_imports(tmp_path)
    assert result.returncode != 0
    assert complaint in result.stdout
