"""Addresses as a page may show them: known again by their owner, of no use to anybody else."""

from __future__ import annotations

import re
from typing import Final

import phonenumbers

#: stands for what a reader may not see
DOTS: Final = "•••"
_ADDRESS: Final = re.compile(r"[^\s<>]+@[^\s<>]+")
_NUMBER: Final = re.compile(r"\+?\d[\d\s/()-]{6,}\d")


def masked(address_kind: str, address: str) -> str:
    """`m•••@e•••.de`, `+49 ••• 78`; "" for no address."""
    if not address:
        return ""
    return _masked_phone(address) if address_kind == "phone" else _masked_email(address)


def _masked_email(address: str) -> str:
    local, _at, host = address.rpartition("@")
    name, dot, rest = host.partition(".")
    return f"{local[:1]}{DOTS}@{name[:1]}{DOTS}{dot}{rest}"


def _masked_phone(number: str) -> str:
    try:
        code = f"+{phonenumbers.parse(number).country_code} "
    except phonenumbers.NumberParseException:
        code = ""
    return f"{code}{DOTS} {number[-2:]}"


def without_addresses(text: str) -> str:
    """What a provider or a mail server says, without the addresses and numbers in it."""
    return _NUMBER.sub(DOTS, _ADDRESS.sub(DOTS, text))
