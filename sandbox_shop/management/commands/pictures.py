"""`python manage.py pictures`: take the pictures of the staff's documentation from a fresh sandbox."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from sandbox_shop import customers
from sandbox_shop.staff_pictures import FOLDER, LANGUAGES, PICTURES, Picture, prepare

MANAGE: Final = Path(__file__).resolve().parents[3] / "manage.py"
START_TIMEOUT: Final = 300.0
STOP_TIMEOUT: Final = 40.0
WIDTH: Final = 1280
HIGHEST: Final = 1500
#: the admin's pages have few colours, and a picture of more than this many bytes slows the docs
COLORS: Final = 64
LARGEST: Final = 150_000
BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
LOCALES: Final = {"en": "en-GB", "de": "de-DE"}


class Command(BaseCommand):
    help = "Takes the pictures of docs/staff anew: a sandbox with fresh data, staff logged in."
    # the sandbox that is started checks itself
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("names", nargs="*", help="Only these pictures; default: all.")
        parser.add_argument("--prepare", action="store_true", help="Used by the command itself.")

    def handle(self, *args: Any, names: list[str], **options: Any) -> None:
        if options["prepare"]:
            self.stdout.write(json.dumps(prepare()))
            return
        unknown = set(names) - {picture.name for picture in PICTURES}
        if unknown:
            raise CommandError(f"There are no pictures {', '.join(sorted(unknown))}.")
        wanted = [picture for picture in PICTURES if not names or picture.name in names]
        with tempfile.TemporaryDirectory() as folder, _sandbox(Path(folder)) as (shop, environment):
            paths = _prepare(environment)
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=_chromium(),
                    # Chromium's own sandbox refuses to work for root, which containers are
                    args=["--no-sandbox"] if os.geteuid() == 0 else [],
                )
                for language in LANGUAGES:
                    page = _log_in(browser, shop, language)
                    for picture in wanted:
                        size = _take(page, shop + paths[language][picture.name], picture, language)
                        self.stdout.write(f"{language}/{picture.name}.png: {size // 1000} kB")
                browser.close()


@contextmanager
def _sandbox(folder: Path) -> Iterator[tuple[str, Mapping[str, str]]]:
    """A running sandbox with data of its own; its address and environment."""
    port, providers_port = _free_ports()
    environment = {
        **os.environ, "PYTHONUNBUFFERED": "1", "SANDBOX_VAR": str(folder / "var"),
        "PORT": str(port), "PROVIDERS_PORT": str(providers_port),
    }  # fmt: skip
    output = folder / "output.txt"
    with output.open("w") as writing:
        process = subprocess.Popen(  # noqa: S603 our own command
            [sys.executable, str(MANAGE), "sandbox"], env=environment, stdin=subprocess.DEVNULL,
            stdout=writing, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        ends = time.monotonic() + START_TIMEOUT
        while "Ctrl-C" not in output.read_text():
            if process.poll() is not None or time.monotonic() > ends:
                raise CommandError(f"The sandbox did not start:\n{output.read_text()}")
            time.sleep(0.3)
        yield f"http://127.0.0.1:{port}", environment
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(STOP_TIMEOUT)


def _prepare(environment: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """In a process of its own, which has the sandbox's database."""
    done = subprocess.run(  # noqa: S603 our own command
        [sys.executable, str(MANAGE), "pictures", "--prepare"], env=dict(environment), text=True,
        stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    paths: dict[str, dict[str, str]] = json.loads(done.stdout.splitlines()[-1])
    return paths


def _log_in(browser: Browser, shop: str, language: str) -> Page:
    context = browser.new_context(
        locale=LOCALES[language], viewport={"width": WIDTH, "height": 800}, color_scheme="light"
    )
    # the sidebar lists the whole shop, which is not what the pictures are about
    context.add_init_script("localStorage.setItem('django.admin.navSidebarIsOpen', 'false')")
    page = context.new_page()
    page.goto(f"{shop}/admin/login/?next=/admin/")
    page.fill("input[name=username]", customers.STAFF_EMAIL)
    page.fill("input[name=password]", customers.STAFF_PASSWORD)
    page.click("input[type=submit]")
    page.wait_for_url(f"{shop}/admin/")
    return page


def _take(page: Page, url: str, picture: Picture, language: str) -> int:
    """Take one picture and write it with few colours; its size in bytes."""
    answer = page.goto(url, wait_until="networkidle")
    if answer is None or not answer.ok:
        raise CommandError(f"{picture.name}: {url} does not open.")
    for selector in picture.clicks:
        page.click(selector)
        page.wait_for_load_state("networkidle")
    height = int(page.evaluate("document.documentElement.scrollHeight"))
    taken = page.screenshot(
        full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": min(height, HIGHEST)}
    )
    with Image.open(io.BytesIO(taken)) as image:
        few = image.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    target = FOLDER / language / f"{picture.name}.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    few.save(target, optimize=True)
    size = target.stat().st_size
    if size > LARGEST:
        raise CommandError(f"{target} has {size} bytes, more than {LARGEST}.")
    return size


def _chromium() -> str:
    named = os.environ.get("CHROMIUM")
    for name in [named] if named else BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    raise CommandError("No Chromium found: apt-get install chromium, or name it in CHROMIUM.")


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as two:
        one.bind(("127.0.0.1", 0))
        two.bind(("127.0.0.1", 0))
        return one.getsockname()[1], two.getsockname()[1]
