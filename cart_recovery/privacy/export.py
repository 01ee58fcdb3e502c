"""All that is held on a person (GDPR Art. 15 and 20): as data, as a file, as a page."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.utils import timezone

from cart_recovery.conf import conf
from cart_recovery.models import Contact
from cart_recovery.privacy.sections import SECTIONS
from cart_recovery.privacy.subjects import subject_of


def collect(contact: Contact) -> dict[str, Any]:
    """Everything, over merged contacts: `{"shop", "generated_at", <section>: [rows]}`.

    Ready for JSON: times in ISO 8601, amounts as text. Sections as `privacy.sections` lists them.
    The number of queries does not depend on the history, save one per 500 baskets; for a file of
    unknown length use `as_json`.
    """
    subject = subject_of(contact)
    data = _preface()
    for section in SECTIONS:
        data[section.name] = [plain(row) for row in section.rows(subject)]
    return data


def as_json(contact: Contact) -> Iterator[str]:
    """The same as the text of a JSON file, row by row: a long history needs no more memory."""
    subject = subject_of(contact)
    yield json.dumps(_preface(), ensure_ascii=False, indent=1)[:-2]
    for section in SECTIONS:
        yield f",\n {json.dumps(section.name)}: ["
        for number, row in enumerate(section.rows(subject)):
            yield ("," if number else "") + "\n  " + json.dumps(plain(row), ensure_ascii=False)
        yield "]"
    yield "\n}\n"


def plain(value: Any) -> Any:
    """A value of a row as JSON takes it."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return value.as_e164 if hasattr(value, "as_e164") else str(value)


def _preface() -> dict[str, Any]:
    return {"shop": conf.SHOP_NAME, "generated_at": plain(timezone.now())}
