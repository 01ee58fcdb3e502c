"""The wheel, built from a copy of this tree, and installed in a bare shop by the README's steps."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BARE_SHOP = Path(__file__).resolve().parent / "bare_shop"

pytestmark = pytest.mark.packaging


def run(*command: str | Path, cwd: Path) -> str:
    """Run in an environment that sees neither this tree nor this shop's settings."""
    hidden = ("DJANGO_SETTINGS_MODULE", "PYTHONPATH", "DATABASE_URL", "REDIS_URL")
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={name: value for name, value in os.environ.items() if name not in hidden},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, by way of the source distribution, so that that one is complete as well."""
    tree = tmp_path_factory.mktemp("tree")
    no_caches = shutil.ignore_patterns("__pycache__", ".*")
    for name in ("cart_recovery", "sandbox_shop", "tests"):
        shutil.copytree(ROOT / name, tree / name, ignore=no_caches)
    files = ("setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE", "CHANGELOG.md")
    for name in files:
        shutil.copy(ROOT / name, tree / name)
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", tree / "dist", cwd=tree)
    return next((tree / "dist").glob("*.whl"))


@pytest.fixture(scope="module")
def contents(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def is_shipped(path: Path) -> bool:
    of_tools = any(part.startswith(".") or part == "__pycache__" for part in path.parts)
    return path.is_file() and not of_tools


def test_wheel_holds_every_file_of_the_package_and_nothing_else(contents: set[str]) -> None:
    expected = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "cart_recovery").rglob("*")
        if is_shipped(path)
    }
    packaged = {name for name in contents if ".dist-info/" not in name}
    assert packaged == expected


@pytest.mark.parametrize(
    "part",
    [
        r"py\.typed",
        r"templates/.+\.html",
        r"static/.+\.css",
        r"locale/de/LC_MESSAGES/django\.mo",
        r"rendering/.+\.(html|txt)",
        r"migrations/0001_initial\.py",
    ],
)
def test_wheel_has_what_is_not_python(contents: set[str], part: str) -> None:
    assert [name for name in contents if re.fullmatch(f"cart_recovery/{part}", name)]


def test_metadata_names_licence_and_python(wheel: Path, contents: set[str]) -> None:
    name = next(name for name in contents if name.endswith(".dist-info/METADATA"))
    metadata = zipfile.ZipFile(wheel).read(name).decode()
    assert "Name: django-oscar-cart-recovery\n" in metadata
    assert "License-Expression: BSD-3-Clause\n" in metadata
    assert "Requires-Python: >=3.11\n" in metadata
    assert any(name.endswith("LICENSE") for name in contents)


def readme_steps() -> list[str]:
    """The code blocks of the README's chapter on installing: settings, URLs, command."""
    chapter = (ROOT / "README.md").read_text().split("## Install it in a shop")[1].split("\n## ")[0]
    return re.findall(r"^```\w+\n(.*?)^```$", chapter, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def shop(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(folder of a bare shop with the README's steps done, its Python)."""
    folder = tmp_path_factory.mktemp("shop") / "shop"
    shutil.copytree(BARE_SHOP, folder, ignore=shutil.ignore_patterns("__pycache__"))
    venv.create(folder.parent / "venv", with_pip=True)
    python = folder.parent / "venv/bin/python"
    # the versions of the lock file: next year's releases have their own run, with tox
    run(
        *(python, "-m", "pip", "install", "--quiet", "--no-compile", wheel),
        "django-oscar[sorl-thumbnail]",
        *("--constraint", ROOT / "requirements/dev.txt"),
        cwd=folder,
    )
    settings, urls, command = readme_steps()
    with (folder / "settings.py").open("a") as file:
        file.write(settings)
    with (folder / "urls.py").open("a") as file:
        file.write(urls)
    assert command == "python manage.py migrate\n"
    run(python, "manage.py", "migrate", "--verbosity=0", cwd=folder)
    return folder, python


def test_checks_pass_after_the_three_steps(shop: tuple[Path, Path]) -> None:
    folder, python = shop
    assert "no issues" in run(python, "manage.py", "check", cwd=folder)
    run(python, "manage.py", "makemigrations", "cart_recovery", "--check", cwd=folder)


def test_basket_left_behind_is_followed_up_once(shop: tuple[Path, Path]) -> None:
    folder, python = shop
    result = json.loads(run(python, "use_it.py", cwd=folder).splitlines()[-1])
    assert Path(result["installed_in"]).is_relative_to(folder.parent / "venv")
    assert result["to"] == ["erika@example.de"]
    assert "Teekanne" in result["texts"][0]
    assert result["one_click"] == ["List-Unsubscribe=One-Click"]
    assert result["states"] == ["sent"]
    assert result["restore_page"] == 200
