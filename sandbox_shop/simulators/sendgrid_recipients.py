"""SendGrid's rules for whom a mail goes to: personalizations, addresses, custom arguments."""

from __future__ import annotations

import json
from typing import Any

from sandbox_shop.simulators.sendgrid_types import (
    Problems,
    check_headers,
    check_person,
    check_time,
    check_types,
    name_of,
)

MAX_RECIPIENTS = 1_000
MAX_CUSTOM_ARGS_BYTES = 10_000
_PERSONALIZATION_TYPES: dict[str, type] = {
    "from": dict, "to": list, "cc": list, "bcc": list, "subject": str, "headers": dict,
    "substitutions": dict, "dynamic_template_data": dict, "custom_args": dict, "send_at": int,
}  # fmt: skip


def check_personalizations(mail: dict[str, Any], problems: Problems) -> None:
    blocks = mail.get("personalizations", [])
    if not blocks:
        problems.append(("You must have at least one personalization.", "personalizations"))
    if len(blocks) > MAX_RECIPIENTS:
        message = (
            "The personalization block is limited to 1000 personalizations per API request. "
            f"You have provided {len(blocks)} personalizations."
        )
        problems.append((message, "personalizations"))
        return
    seen: set[str] = set()
    for index, block in enumerate(blocks):
        _check_personalization(mail, block, f"personalizations.{index}", seen, problems)
    if _count_recipients(blocks) > MAX_RECIPIENTS:
        message = "There is a limit of 1000 total recipients (to + cc + bcc) per request."
        problems.append((message, "personalizations"))


def _check_personalization(
    mail: dict[str, Any], block: object, field: str, seen: set[str], problems: Problems
) -> None:
    if not isinstance(block, dict):
        problems.append((f"Invalid type. Expected: object, given: {name_of(block)}.", field))
        return
    before = len(problems)
    check_types(block, _PERSONALIZATION_TYPES, f"{field}.", problems)
    if len(problems) > before:
        return
    if not block.get("to"):
        message = (
            "The to array is required for all personalization objects, and must have at least "
            "one email object with a valid email address."
        )
        problems.append((message, f"{field}.to"))
    if "from" in block:
        check_person(block["from"], f"{field}.from", problems)
    for kind in ("to", "cc", "bcc"):
        for index, person in enumerate(block.get(kind, [])):
            check_person(person, f"{field}.{kind}.{index}", problems)
            _check_unique(person, f"{field}.{kind}", seen, problems)
    check_headers(block.get("headers", {}), f"{field}.headers", problems)
    if any(not isinstance(value, str) for value in block.get("substitutions", {}).values()):
        problems.append(("The substitution values must be strings.", f"{field}.substitutions"))
    _check_custom_args(mail, block, field, problems)
    check_time(block, f"{field}.", problems)


def _check_unique(person: object, field: str, seen: set[str], problems: Problems) -> None:
    address = str(person.get("email")).casefold() if isinstance(person, dict) else ""
    if address and address in seen:
        message = (
            "Each unique email address in the personalizations array should only be included "
            f"once. You have included {address} more than once."
        )
        problems.append((message, field))
    seen.add(address)


def _count_recipients(blocks: list[Any]) -> int:
    return sum(
        len(people)
        for block in blocks
        if isinstance(block, dict)
        for people in (block.get("to"), block.get("cc"), block.get("bcc"))
        if isinstance(people, list)
    )


def _check_custom_args(
    mail: dict[str, Any], block: dict[str, Any], field: str, problems: Problems
) -> None:
    for args, where in (
        (block.get("custom_args"), f"{field}.custom_args"),
        (mail.get("custom_args"), "custom_args"),
    ):
        if args == {}:
            problems.append(("custom_args can't be empty.", where))
        if any(not isinstance(value, str) for value in (args or {}).values()):
            message = "All values of custom arguments object must be strings"
            problems.append((message, where))
    merged = {**mail.get("custom_args", {}), **block.get("custom_args", {})}
    if merged and len(json.dumps(merged, ensure_ascii=False).encode()) > MAX_CUSTOM_ARGS_BYTES:
        message = (
            "The combined size of both global and personalization custom arguments may not "
            f"exceed {MAX_CUSTOM_ARGS_BYTES:,} bytes per personalization."
        )
        problems.append((message, f"{field}.custom_args"))
