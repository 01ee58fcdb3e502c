"""A plain Oscar shop, as in the tests, on the database and providers that the environment names.

`BENCH_VANILLA` leaves cart_recovery out. `BENCH_PEER` adds django-post_office.
"""

from __future__ import annotations

import os
from typing import Any

from tests.settings import *  # noqa: F403  # Oscar-style settings build on others
from tests.settings import CART_RECOVERY, DATABASES, INSTALLED_APPS

ROOT_URLCONF = "benchmarks.urls"
DATABASE = DATABASES["default"]
if DATABASE["ENGINE"].endswith("sqlite3"):
    # as a small shop runs it, and not as quick as tests may
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    }
if os.environ.get("BENCH_VANILLA"):
    INSTALLED_APPS = [app for app in INSTALLED_APPS if app != "cart_recovery"]
if os.environ.get("BENCH_PEER"):
    INSTALLED_APPS = [*INSTALLED_APPS, "post_office"]

EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST, EMAIL_PORT = "127.0.0.1", int(os.environ.get("BENCH_SMTP_PORT", "25"))
POST_OFFICE: dict[str, Any] = {"BACKENDS": {"default": EMAIL_BACKEND}}
if os.environ.get("BENCH_PEER_THREADS"):
    POST_OFFICE["THREADS_PER_PROCESS"] = int(os.environ["BENCH_PEER_THREADS"])


def _channels() -> dict[str, Any]:
    url = os.environ.get("BENCH_PROVIDERS_URL")
    if not url:
        path = "benchmarks.null_channel.NullChannel"
        return {
            "email": {"BACKEND": path, "OPTIONS": {"address_kind": "email"}},
            "sms": {"BACKEND": path, "OPTIONS": {"address_kind": "phone"}},
        }
    from sandbox_shop.simulators import defaults

    # without BENCH_CONCURRENCY the channels' own default is what is measured
    shared: dict[str, Any] = {"BASE_URL": url, "CA_BUNDLE": os.environ["BENCH_CA_BUNDLE"]}
    if os.environ.get("BENCH_CONCURRENCY"):
        shared["CONCURRENCY"] = int(os.environ["BENCH_CONCURRENCY"])
    return {
        "email": {
            "BACKEND": "cart_recovery.channels.sendgrid.SendGridChannel",
            "OPTIONS": {**shared, "API_KEY": defaults.DEFAULT_SENDGRID_KEY},
        },
        "sms": {
            "BACKEND": "cart_recovery.channels.twilio.TwilioSmsChannel",
            "OPTIONS": {
                **shared,
                "ACCOUNT_SID": defaults.DEFAULT_TWILIO_SID,
                "AUTH_TOKEN": defaults.DEFAULT_TWILIO_TOKEN,
                "FROM": defaults.DEFAULT_TWILIO_NUMBER,
            },
        },
    }


CART_RECOVERY = {**CART_RECOVERY, "CHANNELS": _channels()}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler", "level": "WARNING"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    # tells each batch at INFO, by a handler of its own
    "loggers": {"post_office": {"handlers": ["console"], "level": "ERROR", "propagate": False}},
}
