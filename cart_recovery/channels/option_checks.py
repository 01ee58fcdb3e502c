"""What can be wrong with a channel's OPTIONS. Each message spells the setting to write."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core import checks
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

LOOPBACK = re.compile(r"^(localhost|127(\.\d+){3}|::1|\[::1\])$")


class OptionChecks:
    """Collects check messages about the options of one alias."""

    def __init__(self, alias: str, options: Mapping[str, Any]) -> None:
        self.alias = alias
        self.options = options
        self.messages: list[checks.CheckMessage] = []

    def where(self, name: str) -> str:
        """The setting's place, as one would write it."""
        return f'CART_RECOVERY["CHANNELS"]["{self.alias}"]["OPTIONS"]["{name}"]'

    def add_error(self, number: int, text: str, hint: str = "") -> None:
        self.messages.append(checks.Error(text, hint=hint or None, id=f"cart_recovery.E{number}"))

    def add_warning(self, number: int, text: str, hint: str = "") -> None:
        self.messages.append(checks.Warning(text, hint=hint or None, id=f"cart_recovery.W{number}"))

    def check_names(self, *, known: Collection[str], required: Collection[str]) -> None:
        """Options that are missing, and names that nothing reads."""
        for name in sorted(required):
            if not self.options.get(name):
                self.add_error(103, f"{self.where(name)} is missing.", f"Set {self.where(name)}.")
        for name in sorted(set(self.options) - set(known)):
            self.add_warning(
                106, f"{self.where(name)} is not an option of this channel.",
                "Known are: " + ", ".join(sorted(known)) + ".",
            )  # fmt: skip

    def check_number(self, name: str, *, lowest: float, highest: float) -> None:
        value = self.options.get(name)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if value is not None and not (is_number and lowest <= value <= highest):
            self.add_error(
                104, f"{self.where(name)} must be a number from {lowest:g} to {highest:g}."
            )

    def check_secret(self, name: str) -> None:
        """A key that would break the request's header, such as one copied with its line end."""
        value = self.options.get(name)
        if value and not (
            isinstance(value, str) and value.isascii() and not re.search(r"\s", value)
        ):
            self.add_error(
                104, f"{self.where(name)} is not a key.",
                "It must be one word in ASCII: was it copied with a space or a line end?",
            )  # fmt: skip

    def check_pattern(self, name: str, pattern: str, hint: str) -> None:
        value = self.options.get(name)
        if value and not (isinstance(value, str) and re.fullmatch(pattern, value)):
            self.add_error(104, f"{self.where(name)} has a wrong form.", hint)

    def check_url(self, name: str) -> None:
        value = self.options.get(name)
        if not value:
            return
        host, scheme = "", ""
        if isinstance(value, str):
            try:
                parts = urlsplit(value)
                scheme, host = parts.scheme, parts.hostname or ""
                _ = parts.port
            except ValueError:
                host = ""
        if scheme not in {"http", "https"} or not host:
            self.add_error(104, f"{self.where(name)} is not a URL.", "Write https://host[:port].")
        elif scheme == "http" and not LOOPBACK.match(host):
            self.add_warning(
                108, f"{self.where(name)} is not encrypted: keys and addresses go in the clear.",
                "Write https://.",
            )  # fmt: skip

    def check_file(self, name: str) -> None:
        value = self.options.get(name)
        if value and not (isinstance(value, str) and Path(value).is_file()):
            self.add_error(104, f"{self.where(name)} names no file.")

    def check_sender(self, sender: str) -> None:
        """The From of mails, e.g. `Shop <shop@shop.example>`."""
        address = parseaddr(sender)[1]
        hint = 'Set CART_RECOVERY["FROM_EMAIL"] to "Shop <shop@shop.example>".'
        if address == "webmaster@localhost":
            self.add_warning(
                109,
                f'Channel "{self.alias}" sends from Django\'s default webmaster@localhost.',
                hint,
            )
            return
        try:
            validate_email(address)
        except ValidationError:
            self.add_error(105, f'Channel "{self.alias}" has no valid sender address.', hint)
