"""How a simulator is set up: one frozen object, filled by the command line or by a test."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from sandbox_shop.simulators import defaults

MAX_SECONDS = 3_600


@dataclass(frozen=True, slots=True)
class Options:
    """Everything that can be chosen; durations in seconds.

    ``webhook_base`` is where the shop is reached; empty: nothing is posted to it, neither events
    nor status callbacks. ``public_base`` is what the shop calls itself, where that differs: calls
    are signed for it and named after it, and go to ``webhook_base``.
    ``sms_numbers`` empty: every valid number counts as one of the account's.
    ``light``: nothing is stored and nothing posted back, the answers stay the same (benchmarks).
    ``step_delay`` lies between two events of one message, ``events_every`` between two arrays of
    mail events, ``retry_delays`` between the attempts to hand over one webhook.
    """

    host: str = "127.0.0.1"
    port: int = 0
    tls: bool = False
    webhook_base: str = ""
    public_base: str = ""
    events_path: str = defaults.DEFAULT_EVENTS_PATH
    inbound_path: str = defaults.DEFAULT_INBOUND_PATH
    sendgrid_key: str = defaults.DEFAULT_SENDGRID_KEY
    sendgrid_private_key: str = ""
    account_sid: str = defaults.DEFAULT_TWILIO_SID
    auth_token: str = defaults.DEFAULT_TWILIO_TOKEN
    sms_numbers: tuple[str, ...] = ()
    sms_number: str = defaults.DEFAULT_TWILIO_NUMBER
    advanced_opt_out: bool = False
    delay: float = 0.0
    light: bool = False
    keep: int = defaults.DEFAULT_KEEP
    step_delay: float = 0.0
    events_every: float = 0.0
    retry_delays: tuple[float, ...] = (0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300)
    webhook_timeout: float = 15.0

    def __post_init__(self) -> None:
        """Raise ValueError with what to write instead."""
        for name in ("webhook_base", "public_base"):
            url = getattr(self, name)
            if url and (not url.startswith(("http://", "https://")) or not urlsplit(url).hostname):
                raise ValueError(f"{name} is {url!r}: write it as http://127.0.0.1:8000")
        for name in ("delay", "step_delay", "events_every"):
            if not 0 <= getattr(self, name) <= MAX_SECONDS:
                raise ValueError(f"{name} has to be from 0 to {MAX_SECONDS} seconds")
        if self.keep < 1:
            raise ValueError("keep has to be a number of messages, at least 1")
        if re.fullmatch("AC[0-9a-fA-F]{32}", self.account_sid) is None:
            raise ValueError("The Twilio account has to be AC and 32 hexadecimal digits")

    def shop_url(self, path: str) -> str:
        """The address that the shop knows itself by."""
        return (self.public_base or self.webhook_base).rstrip("/") + path

    def via(self, url: str) -> str:
        """Where to connect for an address of the shop; "" where the address itself says it."""
        is_public = self.public_base and f"{url}/".startswith(self.public_base.rstrip("/") + "/")
        return self.webhook_base if is_public else ""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], **chosen: object) -> Options:
        """Read PROVIDERS_PORT, SENDGRID_API_KEY, TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN.

        What is ``chosen`` by name wins over the environment, an empty variable counts as unset.
        Raises ValueError where PROVIDERS_PORT is no port.
        """
        port = environ.get("PROVIDERS_PORT") or str(defaults.DEFAULT_PORT)
        if not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise ValueError(f"PROVIDERS_PORT is {port!r}: set it to a number from 0 to 65535")
        found: dict[str, object] = {
            "port": int(port),
            "sendgrid_key": environ.get("SENDGRID_API_KEY") or defaults.DEFAULT_SENDGRID_KEY,
            "account_sid": environ.get("TWILIO_ACCOUNT_SID") or defaults.DEFAULT_TWILIO_SID,
            "auth_token": environ.get("TWILIO_AUTH_TOKEN") or defaults.DEFAULT_TWILIO_TOKEN,
        }
        return cls(**{**found, **chosen})  # type: ignore[arg-type] # names are checked by the call
