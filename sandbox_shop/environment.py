"""What the environment of the sandbox says: addresses, directories, and which parts are real.

Without any variable everything is local and simulated. A provider is the real one as soon as its
key is given; `SENDGRID_BASE_URL` and `TWILIO_BASE_URL` win over both.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

from sandbox_shop import keys
from sandbox_shop.simulators import defaults

SENDGRID_URL = "https://api.sendgrid.com"
TWILIO_URL = "https://api.twilio.com"
LOOPBACK = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104 only compared with


@dataclass(frozen=True, slots=True)
class Environment:
    """The environment, read: `Environment(os.environ)`. Empty variables count as missing."""

    variables: Mapping[str, str]

    def get(self, name: str, default: str = "") -> str:
        """Value of a variable without spaces around it."""
        return self.variables.get(name, "").strip() or default

    @property
    def var(self) -> Path:
        """Where data, keys, pictures and logs live: SANDBOX_VAR, or `var/` beside the code."""
        return Path(self.get("SANDBOX_VAR") or Path(__file__).resolve().parent.parent / "var")

    @property
    def bind(self) -> str:
        """Address that the servers listen on: SANDBOX_BIND, or this machine only."""
        return self.get("SANDBOX_BIND", LOOPBACK)

    @property
    def port(self) -> int:
        """The shop's port. Raises ImproperlyConfigured if it is no port."""
        return self._port("PORT", 8000)

    @property
    def providers_port(self) -> int:
        """The simulators' port. Raises ImproperlyConfigured if it is no port."""
        return self._port("PROVIDERS_PORT", defaults.DEFAULT_PORT)

    @property
    def host(self) -> str:
        """Where this machine reaches its own servers."""
        return LOOPBACK if self.bind in EVERYWHERE else self.bind

    @property
    def local_shop_url(self) -> str:
        """How the simulators on this machine reach the shop."""
        return f"http://{self.host}:{self.port}"

    @property
    def shop_url(self) -> str:
        """How shoppers and providers reach the shop: PUBLIC_BASE_URL, or this machine."""
        return self.get("PUBLIC_BASE_URL", self.local_shop_url).rstrip("/")

    @property
    def simulators_url(self) -> str:
        """How the simulators and their message viewer are reached on this machine."""
        return f"http://{self.host}:{self.providers_port}"

    @property
    def allowed_hosts(self) -> list[str]:
        """Host names that the shop answers to."""
        if self.bind != LOOPBACK:
            return ["*"]
        return ["localhost", LOOPBACK, "[::1]", urlsplit(self.shop_url).hostname or LOOPBACK]

    @property
    def sendgrid_is_real(self) -> bool:
        """Whether e-mail leaves this machine."""
        return self._base_url("SENDGRID_BASE_URL", "SENDGRID_API_KEY", SENDGRID_URL) != (
            self.simulators_url
        )

    @property
    def twilio_is_real(self) -> bool:
        """Whether SMS leave this machine."""
        return self._base_url("TWILIO_BASE_URL", "TWILIO_AUTH_TOKEN", TWILIO_URL) != (
            self.simulators_url
        )

    @property
    def twilio_account_sid(self) -> str:
        """Account of the real or the simulated Twilio."""
        return self.get("TWILIO_ACCOUNT_SID", defaults.DEFAULT_TWILIO_SID)

    @property
    def twilio_auth_token(self) -> str:
        """Token that Twilio, real or simulated, signs its webhooks with."""
        return self.get("TWILIO_AUTH_TOKEN", defaults.DEFAULT_TWILIO_TOKEN)

    def database(self) -> dict[str, Any]:
        """The default database: DATABASE_URL, or an SQLite file. Raises ImproperlyConfigured."""
        url = self.get("DATABASE_URL", f"sqlite:///{self.var / 'shop.sqlite3'}")
        try:
            database: dict[str, Any] = dict(dj_database_url.parse(url))
        except ValueError as error:
            raise ImproperlyConfigured(
                "DATABASE_URL must look like postgres://user:password@host:5432/name."
            ) from error
        if database["ENGINE"] == "django.db.backends.sqlite3":
            # web server and queue workers write at once: wait for the lock, never upgrade it
            database["OPTIONS"] = {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
            }
        return {**database, "ATOMIC_REQUESTS": True}

    def channels(self) -> dict[str, dict[str, Any]]:
        """The CHANNELS setting: SendGrid and Twilio, real or simulated."""
        public_key = self.get("SENDGRID_WEBHOOK_PUBLIC_KEY") or keys.webhook_public_key(self.var)
        return {
            "email": {
                "BACKEND": "cart_recovery.channels.sendgrid.SendGridChannel",
                "OPTIONS": {
                    "API_KEY": self.get("SENDGRID_API_KEY", defaults.DEFAULT_SENDGRID_KEY),
                    "BASE_URL": self._base_url(
                        "SENDGRID_BASE_URL", "SENDGRID_API_KEY", SENDGRID_URL
                    ),
                    "WEBHOOK_PUBLIC_KEY": public_key,
                },
            },
            "sms": {
                "BACKEND": "cart_recovery.channels.twilio.TwilioSmsChannel",
                "OPTIONS": {
                    "ACCOUNT_SID": self.twilio_account_sid,
                    "AUTH_TOKEN": self.twilio_auth_token,
                    "BASE_URL": self._base_url("TWILIO_BASE_URL", "TWILIO_AUTH_TOKEN", TWILIO_URL),
                    "FROM": self.get("TWILIO_FROM", defaults.DEFAULT_TWILIO_NUMBER),
                },
            },
        }

    @property
    def has_quiet_hours(self) -> bool:
        """Whether SMS wait for the daytime, and messages are capped: SANDBOX_QUIET_HOURS=1."""
        return self.get("SANDBOX_QUIET_HOURS") == "1"

    @property
    def has_past(self) -> bool:
        """Whether the shop is set up with orders and messages of the past: not with SANDBOX_PAST=0,
        which is quicker."""
        return self.get("SANDBOX_PAST") != "0"

    def limits(self) -> dict[str, Any]:
        """Settings by which messages come at any hour, and for each basket and order that one tries;
        none of them where the sandbox is to keep quiet hours as a real shop does."""
        if self.has_quiet_hours:
            return {}
        return {
            "MARKETS": {"*": {"windows": {"phone": None}}}, "FREQUENCY_CAPS": [],
            "SERVICE_CAPS": [],
        }  # fmt: skip

    def q_cluster(self) -> dict[str, Any]:
        """The Q_CLUSTER setting: Redis if REDIS_URL names one, else the database is the queue."""
        broker = self.get("REDIS_URL")
        # the list in Redis is called like this: two sandboxes must not take each other's tasks
        place = hashlib.sha256(str(self.var.resolve()).encode()).hexdigest()[:8]
        # retry must outlast every task that can wait before it, or django-q2 runs it twice
        return {
            "name": f"sandbox-{place}", "label": "Queue", "workers": 2, "queue_limit": 2, "bulk": 1,
            "timeout": 60, "retry": 300, "max_attempts": 1, "ack_failures": True,
            "catch_up": False, "save_limit": 100, "recycle": 200,
            **({"redis": broker} if broker else {"orm": "default"}),
        }  # fmt: skip

    def _base_url(self, url_name: str, key_name: str, real: str) -> str:
        fallback = real if self.get(key_name) else self.simulators_url
        return self.get(url_name, fallback).rstrip("/")

    def _port(self, name: str, default: int) -> int:
        text = self.get(name, str(default))
        if not text.isdecimal() or not 0 < int(text) < 65536:
            raise ImproperlyConfigured(
                f"{name} must be a port number from 1 to 65535, not {text!r}."
            )
        return int(text)


def current() -> Environment:
    """The environment of this process."""
    return Environment(os.environ)
