"""What SendGrid's ``POST /v3/mail/send`` refuses, after its error reference and OpenAPI document.

Every check adds to a list of (message, field) as the API reports all that is wrong at once.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from sandbox_shop.simulators.sendgrid_recipients import MAX_RECIPIENTS, check_personalizations
from sandbox_shop.simulators.sendgrid_settings import check_settings
from sandbox_shop.simulators.sendgrid_types import (
    Problems,
    check_headers,
    check_person,
    check_time,
    check_types,
    name_of,
)

MAX_CATEGORIES = 10
_TYPES: dict[str, type] = {
    "personalizations": list, "from": dict, "reply_to": dict, "reply_to_list": list,
    "subject": str, "content": list, "attachments": list, "template_id": str, "headers": dict,
    "categories": list, "custom_args": dict, "send_at": int, "batch_id": str, "asm": dict,
    "ip_pool_name": str, "mail_settings": dict, "tracking_settings": dict, "sections": dict,
}  # fmt: skip


def find_problems(mail: object, *, batch_ids: frozenset[str] | set[str] = frozenset()) -> Problems:
    """All that is wrong with the decoded body, empty for a mail that SendGrid takes."""
    problems: Problems = []
    if not isinstance(mail, dict):
        return [("Invalid type. Expected: object, given: " + name_of(mail) + ".", None)]
    check_types(mail, _TYPES, "", problems)
    if problems:
        return problems
    checks: tuple[Callable[[dict[str, Any], Problems], None], ...] = (
        _check_sender,
        check_personalizations,
        _check_subject,
        _check_content,
        _check_categories,
        _check_attachments,
    )
    for check in checks:
        check(mail, problems)
    check_headers(mail.get("headers", {}), "headers", problems)
    check_time(mail, "", problems)
    check_settings(mail, problems)
    if "batch_id" in mail and mail["batch_id"] not in batch_ids:
        problems.append(("The batch_id is not one that this account has created.", "batch_id"))
    return problems


def _check_sender(mail: dict[str, Any], problems: Problems) -> None:
    if "from" not in mail:
        message = (
            "The from object must be provided for every email send. It is an object that "
            "requires the email parameter, but may also contain a name parameter."
        )
        problems.append((message, "from.email"))
    else:
        check_person(mail["from"], "from", problems)
    if "reply_to" in mail:
        check_person(mail["reply_to"], "reply_to", problems)
    if "reply_to" in mail and "reply_to_list" in mail:
        problems.append(("Use either reply_to or reply_to_list, not both.", "reply_to_list"))
    if len(mail.get("reply_to_list", [])) > MAX_RECIPIENTS:
        problems.append(("There is a limit of 1000 reply_to addresses.", "reply_to_list"))
    for index, person in enumerate(mail.get("reply_to_list", [])):
        check_person(person, f"reply_to_list.{index}", problems)


def _check_subject(mail: dict[str, Any], problems: Problems) -> None:
    if "subject" in mail and not mail["subject"]:
        message = "The subject of your email must be a string at least one character in length."
        problems.append((message, "subject"))
    blocks = [block for block in mail.get("personalizations", []) if isinstance(block, dict)]
    if not mail.get("subject") and not (blocks and all(block.get("subject") for block in blocks)):
        message = (
            "The subject is required. You can get around this requirement if you use a template "
            "with a subject defined or if every personalization has a subject defined."
        )
        problems.append((message, "subject"))
    for subject in (mail.get("subject"), *(block.get("subject") for block in blocks)):
        if isinstance(subject, str) and ("\r" in subject or "\n" in subject):
            problems.append(("The subject can't contain CRLF characters.", "subject"))


def _check_content(mail: dict[str, Any], problems: Problems) -> None:
    blocks = mail.get("content", [])
    if "template_id" in mail:
        problems.append(("The template_id must be a valid GUID of this account.", "template_id"))
    if not blocks:
        message = (
            "Unless a valid template_id is provided, the content parameter is required. There "
            "must be at least one defined content block."
        )
        problems.append((message, "content"))
    types = [block.get("type") if isinstance(block, dict) else None for block in blocks]
    for index, block in enumerate(blocks):
        _check_content_block(block, f"content.{index}", problems)
    for kind in ("text/plain", "text/html"):
        if types.count(kind) > 1:
            problems.append((f"If present, {kind} may only be provided once.", "content"))
    order = {"text/plain": 0, "text/html": 1}
    ranks = [order.get(str(kind), 2) for kind in types]
    if ranks != sorted(ranks):
        message = (
            "If either text/html or text/plain are to be sent in your email: text/plain needs to "
            "be first, followed by text/html, followed by any other content."
        )
        problems.append((message, "content"))


def _check_content_block(block: object, field: str, problems: Problems) -> None:
    if not isinstance(block, dict):
        problems.append((f"Invalid type. Expected: object, given: {name_of(block)}.", field))
        return
    for name in block.keys() - {"type", "value"}:
        problems.append((f"Additional property {name} is not allowed", f"{field}.{name}"))
    kind, value = block.get("type"), block.get("value")
    if not isinstance(kind, str) or not kind or set(";\r\n") & set(kind):
        message = "Your content type must be a string of at least one character without ';' or CRLF"
        problems.append((message, f"{field}.type"))
    if not isinstance(value, str) or not value:
        message = "The content value must be a string at least one character in length."
        problems.append((message, f"{field}.value"))


def _check_categories(mail: dict[str, Any], problems: Problems) -> None:
    categories = mail.get("categories", [])
    if len(categories) > MAX_CATEGORIES:
        message = (
            "There is a limit of 10 categories for each email that is sent. "
            f"You provided {len(categories)} categories."
        )
        problems.append((message, "categories"))
    if any(not isinstance(category, str) for category in categories):
        problems.append(("Categories must be an array of strings.", "categories"))
        return
    if len(categories) != len(set(categories)):
        problems.append(("The categories must be a unique list.", "categories"))
    for category in categories:
        if len(category) > 255:
            problems.append(("Each category must not be longer than 255 characters.", "categories"))
        if not category.isascii():
            problems.append(("Categories can not contain non-ASCII characters.", "categories"))


def _check_attachments(mail: dict[str, Any], problems: Problems) -> None:
    for index, attachment in enumerate(mail.get("attachments", [])):
        field = f"attachments.{index}"
        if not isinstance(attachment, dict) or not attachment.get("filename"):
            problems.append(("filename is required.", f"{field}.filename"))
            continue
        if attachment.get("disposition", "attachment") not in ("inline", "attachment"):
            message = 'The disposition of your attachment can be either "inline" or "attachment".'
            problems.append((message, f"{field}.disposition"))
        try:
            is_filled = bool(base64.b64decode(attachment.get("content") or "", validate=True))
        except (binascii.Error, ValueError, TypeError):
            is_filled = False
        if not is_filled:
            message = "The attachment content must be base64 encoded."
            problems.append((message, f"{field}.content"))
