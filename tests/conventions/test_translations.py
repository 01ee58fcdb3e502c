"""Whatever a person reads is there in German, and what is compiled is what was written."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "cart_recovery"
GERMAN = PACKAGE / "locale/de/LC_MESSAGES/django.po"

pytestmark = pytest.mark.skipif(
    shutil.which("msgfmt") is None, reason="gettext's tools are missing (apt-get install gettext)"
)


def run(*command: str, cwd: Path | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_catalogue_is_well_formed(tmp_path: Path) -> None:
    run("msgfmt", "--check", "--output-file", str(tmp_path / "de.mo"), str(GERMAN))


def test_compiled_catalogue_is_up_to_date(tmp_path: Path) -> None:
    compiled = tmp_path / "de.mo"
    run("msgfmt", "--output-file", str(compiled), str(GERMAN))
    told = [run("msgunfmt", str(path)) for path in (compiled, GERMAN.with_suffix(".mo"))]
    assert told[0] == told[1], "run `make messages`"


@pytest.mark.parametrize("lack", ["--untranslated", "--only-fuzzy"])
def test_every_text_in_the_code_is_translated(tmp_path: Path, lack: str) -> None:
    """Collected anew from a copy: a text added without `make messages` is found as well."""
    copied = tmp_path / "cart_recovery"
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
    run(sys.executable, "-m", "django", "makemessages", "--locale=de", "--no-location", cwd=copied)
    catalogue = copied / GERMAN.relative_to(PACKAGE)
    found = run("msgattrib", lack, "--no-obsolete", str(catalogue))
    _header, *entries = found.split("\n\n") if found else [""]
    assert entries == [], "run `make messages` and translate"
