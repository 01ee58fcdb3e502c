"""The same behaviour in a shop that has forked Oscar's apps, and with another user model."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FORKED = {"DJANGO_SETTINGS_MODULE": "tests.shapes.forked.settings"}
#: what a fork could break: everything that reads the shop or is told something by it
TESTS = [
    "tests/shapes/test_checkout.py", "tests/shapes/test_people.py",
    "tests/receivers/test_tracking.py", "tests/orders", "tests/delivery/test_orders.py",
    "tests/carts", "tests/contacts/test_identities.py",
    "tests/shop", "tests/recommendations",
]  # fmt: skip


def run(*command):
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env={**os.environ, **FORKED},
        capture_output=True, text=True, check=False, timeout=900,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


def test_everything_holds_in_a_forked_shop_without_atomic_requests():
    output = run(
        "-m", "pytest", *TESTS, "-q", "-p", "no:cacheprovider", "-p", "no:xdist",
        "--ds=tests.shapes.forked.settings",
        # there an address is unique among users
        "-k", "not another_user_has_the_same",
    )  # fmt: skip

    assert " passed" in output


def test_forked_shop_needs_no_migration_of_ours():
    run("-m", "django", "makemigrations", "cart_recovery", "--check", "--dry-run")


def test_forked_shop_starts_clean():
    run("-m", "django", "check")
