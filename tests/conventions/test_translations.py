"""Whatever a person reads is there in German, and what is compiled is what was written."""

from __future__ import annotations

import os
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
    # as `make messages` runs it: without settings, which would have to be importable from there
    env = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def entries(catalogue: Path) -> str:
    """The catalogue but for the date of collection, the order and where lines break."""
    text = run("msgcat", "--no-wrap", "--sort-output", "--no-location", str(catalogue))
    return "\n".join(line for line in text.splitlines() if "POT-Creation-Date" not in line)


@pytest.fixture(scope="module")
def collected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The catalogue as collected anew from a copy of the code."""
    copied = tmp_path_factory.mktemp("messages") / "cart_recovery"
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("__pycache__", "*.mo"))
    run(sys.executable, "-m", "django", "makemessages", "--locale=de", "--no-location",
        "--no-obsolete", cwd=copied)  # fmt: skip
    return copied / GERMAN.relative_to(PACKAGE)


def test_catalogue_is_well_formed(tmp_path: Path) -> None:
    run("msgfmt", "--check", "--output-file", str(tmp_path / "de.mo"), str(GERMAN))


def test_compiled_catalogue_is_up_to_date(tmp_path: Path) -> None:
    compiled = tmp_path / "de.mo"
    run("msgfmt", "--output-file", str(compiled), str(GERMAN))
    told = [run("msgunfmt", str(path)) for path in (compiled, GERMAN.with_suffix(".mo"))]
    assert told[0] == told[1], "run `make messages`"


@pytest.mark.parametrize("lack", ["--untranslated", "--only-fuzzy"])
def test_every_text_in_the_code_is_translated(collected: Path, lack: str) -> None:
    found = run("msgattrib", lack, "--no-obsolete", str(collected))
    _header, *missing = found.split("\n\n") if found else [""]
    assert missing == [], "run `make messages` and translate"


def test_catalogue_holds_the_texts_of_the_code_and_no_others(collected: Path) -> None:
    assert entries(collected) == entries(GERMAN), "run `make messages`"
