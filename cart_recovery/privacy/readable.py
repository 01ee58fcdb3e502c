"""The export as a person reads it: tables and columns by their names, values in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from django.utils import formats, timezone
from django.utils.encoding import force_str
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cart_recovery.channels.names import channel_name
from cart_recovery.models import Contact
from cart_recovery.privacy.sections import SECTIONS, Section
from cart_recovery.privacy.subjects import subject_of

#: rows of a table that a page shows; the file has them all
SHOWN: Final = 100
#: what a person cannot make sense of; the file has it
UNREADABLE: Final = frozenset({"html", "address_digest", "provider_message_id"})
#: columns that are no fields of the table itself
LABELS: Final = {
    "id": gettext_lazy("number"),
    "contents": gettext_lazy("contents"),
    "address_digest": gettext_lazy("address hash"),
}


@dataclass(frozen=True, slots=True)
class ReadableSection:
    """`rows` are lists of (label, text), without what is blank; `is_cut`: there are more."""

    title: str
    rows: list[list[tuple[str, str]]]
    is_cut: bool


def readable(contact: Contact) -> list[ReadableSection]:
    """All sections in the current language, the newest rows first. Constant queries, bounded size."""
    subject = subject_of(contact)
    found = []
    for section in SECTIONS:
        rows = list(section.rows(subject, newest=SHOWN + 1))
        lines = [list(_lines(section, row)) for row in rows[:SHOWN]]
        found.append(ReadableSection(str(section.title), lines, len(rows) > SHOWN))
    return found


def _lines(section: Section, row: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for path, value in row.items():
        if path not in UNREADABLE and value not in (None, "", [], {}):
            field = _field(section.model, path)
            yield _label(field, path), _text(field, path, value)


def _field(model: type[Model], path: str) -> Field[Any, Any] | None:
    """The field at the end of a path as `values()` takes it."""
    *steps, last = path.split("__")
    try:
        for step in steps:
            model = model._meta.get_field(step).related_model  # type: ignore[assignment]  # a relation
        field = model._meta.get_field(last.removesuffix("_id"))
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, Field) else None


def _label(field: Field[Any, Any] | None, path: str) -> str:
    known = LABELS.get(path)
    name = known if known is not None else field.verbose_name if field is not None else path
    return capfirst(force_str(name)) or path


def _text(field: Field[Any, Any] | None, path: str, value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dt.datetime):
        return formats.date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")
    if path in ("channel", "preferred_channel"):
        return str(channel_name(value, value))
    if isinstance(value, (list, tuple)):
        return "; ".join(_item(item) for item in value)
    if field is not None and field.choices:
        return force_str(dict(field.flatchoices).get(value, value))
    return value.as_e164 if hasattr(value, "as_e164") else str(value)


def _item(item: Any) -> str:
    """A line of a basket, a part of a webhook, a purpose."""
    if not isinstance(item, dict):
        return str(item)
    if item.keys() >= {"title", "quantity"}:
        options = "".join(f", {name}: {value}" for name, value in item.get("options", {}).items())
        return f"{item['quantity']} × {item['title']}{options}"
    return ", ".join(f"{name}: {value}" for name, value in item.items())
