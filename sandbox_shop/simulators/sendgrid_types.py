"""The grounds of SendGrid's checks: types, addresses, headers, times."""

from __future__ import annotations

import re
import time
from typing import Any

MAX_AHEAD = 72 * 3_600
FORBIDDEN_HEADERS = frozenset(
    {
        "x-sg-id", "x-sg-eid", "received", "dkim-signature", "content-type",
        "content-transfer-encoding", "to", "from", "subject", "reply-to", "cc", "bcc",
    }
)  # fmt: skip


# what is wrong and the field that it is wrong in
Problems = list[tuple[str, str | None]]
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
)
_TYPE_NAMES = {list: "array", dict: "object", str: "string", int: "integer", bool: "boolean"}


def is_address(value: object) -> bool:
    if not isinstance(value, str) or len(value) > 254:
        return False
    return _ADDRESS.fullmatch(value) is not None and len(value.partition("@")[0]) <= 64


def check_types(
    data: dict[str, Any], types: dict[str, type], prefix: str, problems: Problems
) -> None:
    for name, value in data.items():
        expected = types.get(name)
        if expected is None:
            problems.append((f"Additional property {name} is not allowed", f"{prefix}{name}"))
        elif not isinstance(value, expected) or isinstance(value, bool):
            given = f"Expected: {_TYPE_NAMES[expected]}, given: {name_of(value)}."
            problems.append((f"Invalid type. {given}", f"{prefix}{name}"))


def name_of(value: object) -> str:
    if value is None:
        return "null"
    return _TYPE_NAMES.get(type(value), "number")


def check_person(person: object, field: str, problems: Problems) -> None:
    if not isinstance(person, dict):
        problems.append((f"Invalid type. Expected: object, given: {name_of(person)}.", field))
        return
    for name in person.keys() - {"email", "name"}:
        problems.append((f"Additional property {name} is not allowed", f"{field}.{name}"))
    if not is_address(person.get("email")):
        problems.append(("Does not contain a valid address.", f"{field}.email"))
    name = person.get("name", "")
    if not isinstance(name, str) or "\n" in name or "\r" in name:
        problems.append(("The name must be a string on one line.", f"{field}.name"))


def check_headers(headers: dict[str, Any], field: str, problems: Problems) -> None:
    names = [name.lower() for name in headers]
    if len(names) != len(set(names)):
        problems.append(("The headers can't contain duplicate keys.", field))
    for name, value in headers.items():
        if name.lower() in FORBIDDEN_HEADERS:
            problems.append((f"Header {name} can not be one of the reserved keys.", field))
        if re.fullmatch(r"[!-9;-~]+", name) is None:
            message = "Header keys can't contain non-ASCII characters and empty spaces."
            problems.append((message, field))
        if not isinstance(value, str):
            problems.append(("The header values must be strings.", f"{field}.{name}"))
        elif "\r" in value or "\n" in value:
            problems.append(("The header values can't contain CRLF.", f"{field}.{name}"))


def check_time(data: dict[str, Any], prefix: str, problems: Problems) -> None:
    if data.get("send_at", 0) > time.time() + MAX_AHEAD:
        message = "Scheduling more than 72 hours in advance is forbidden."
        problems.append((message, f"{prefix}send_at"))
