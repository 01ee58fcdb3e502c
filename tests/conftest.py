"""What the whole suite shares: which tests can run here, one Chromium, and a run without skips.

`CART_RECOVERY_NO_SKIPS=1` turns every skip into a failure: that is how the full run of `.ci/run`
proves that it left nothing out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import hypothesis
import pytest

# a slow machine is no defect: speed is shown by benchmarks. The same examples each time: what is new
# is looked for with `--hypothesis-profile explore`, not in somebody's unrelated change
hypothesis.settings.register_profile(
    "cart_recovery", deadline=None, print_blob=True, derandomize=True
)
hypothesis.settings.register_profile("explore", deadline=None, print_blob=True, max_examples=1_000)
hypothesis.settings.load_profile("cart_recovery")

NO_SKIPS = os.environ.get("CART_RECOVERY_NO_SKIPS") == "1"


# --- what can run here --------------------------------------------------------------------------


@cache
def chromium_path() -> str | None:
    """Chromium of the system; Playwright's own is never downloaded."""
    named = os.environ.get("CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next((path for name in names if (path := shutil.which(name))), None)


@cache
def redis_obstacle() -> str:
    """Why tests with Redis cannot run; empty if they can."""
    url = os.environ.get("REDIS_URL")
    if not url:
        return "REDIS_URL names no Redis server"
    import redis

    try:
        redis.Redis.from_url(url, socket_connect_timeout=2).ping()
    except redis.RedisError as error:
        return f"no Redis answers at REDIS_URL ({type(error).__name__})"
    return ""


def obstacle(mark: str) -> str:
    """Why a test with this mark cannot run on this machine; empty if it can."""
    if mark == "browser" and chromium_path() is None:
        return "no Chromium found (apt-get install chromium, or name it in CHROMIUM)"
    if mark == "postgres":
        from django.db import connection

        if connection.vendor != "postgresql":
            return f"needs PostgreSQL in DATABASE_URL, this is {connection.vendor}"
    if mark == "redis":
        return redis_obstacle()
    return ""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
        for mark in ("browser", "postgres", "redis"):
            if item.get_closest_marker(mark) and (reason := obstacle(mark)):
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings: None, request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: Any,
) -> Iterator[None]:  # fmt: skip
    """Workers of one run migrate once between them."""
    from django.db import connection

    is_worker = hasattr(request.config, "workerinput")
    if not is_worker or request.config.getoption("reuse_db") or connection.vendor == "mysql":
        yield
        return

    from tests import cloning

    template = cloning.Template(connection, tmp_path_factory.getbasetemp().parent)
    yield
    with django_db_blocker.unblock():
        template.drop()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """The test database of pytest-django, emptied quickly between tests."""
    from django.db import connection

    from tests import flushing

    flushing.install(connection)


# --- a run in which nothing may be skipped ------------------------------------------------------


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not NO_SKIPS or not report.skipped or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"CART_RECOVERY_NO_SKIPS=1 and yet: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Any:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Any:
    report = yield
    _refuse_skip(report)
    return report


# --- Chromium -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A running Chromium (playwright.sync_api.Browser), one per module.

    Playwright's synchronous interface keeps an event loop in this thread; as long as it lasts,
    Django has to be told that its database calls are meant.
    """
    from playwright.sync_api import sync_playwright

    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    # Chromium's own sandbox refuses to work for root, which CI containers are
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium_path(), args=[*arguments, "--disable-dev-shm-usage"]
        )
        yield running
        running.close()
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]
    else:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture
def new_profile(browser: Any) -> Iterator[Callable[..., Any]]:
    """Make a fresh browser profile (its own cookies): `new_profile(locale="en-GB", ...)`."""
    contexts = []

    def make(**options: Any) -> Any:
        context = browser.new_context(**{"locale": "de-DE", **options})
        context.set_default_timeout(15_000)
        contexts.append(context)
        return context

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_profile: Callable[..., Any]) -> Iterator[Any]:
    """A page in a fresh profile; an error in the page's own script fails the test."""
    errors: list[str] = []
    opened = new_profile().new_page()
    opened.on("pageerror", lambda error: errors.append(str(error)))
    yield opened
    assert errors == [], "errors in the page's script"
