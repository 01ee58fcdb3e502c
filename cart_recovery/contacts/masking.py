"""Addresses as a page may show them: known again by their owner, of no use to anybody else."""

from __future__ import annotations

from typing import Final

import phonenumbers

_DOTS: Final = "•••"


def masked(address_kind: str, address: str) -> str:
    """`m•••@e•••.de`, `+49 ••• 78`; "" for no address."""
    if not address:
        return ""
    return _masked_phone(address) if address_kind == "phone" else _masked_email(address)


def _masked_email(address: str) -> str:
    local, _at, host = address.rpartition("@")
    name, dot, rest = host.partition(".")
    return f"{local[:1]}{_DOTS}@{name[:1]}{_DOTS}{dot}{rest}"


def _masked_phone(number: str) -> str:
    try:
        code = f"+{phonenumbers.parse(number).country_code} "
    except phonenumbers.NumberParseException:
        code = ""
    return f"{code}{_DOTS} {number[-2:]}"
