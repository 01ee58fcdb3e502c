"""Templates as they once were: each save keeps one, and any of them can come back."""

from __future__ import annotations

import datetime as dt
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from django.db import connection, transaction
from django.utils import timezone

from cart_recovery.models import MessageTemplate, TemplateVersion

TEXTS: Final = ("subject", "preheader", "html", "text")
#: unchanged lines that are shown around each change
AROUND: Final = 2


class HasTexts(Protocol):
    """A template or one of its versions."""

    subject: str
    preheader: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a comparison. `kind`: same, removed, added, or gap (lines that are left out)."""

    kind: str
    text: str = ""
    #: numbers of the line before and after; 0 where it is not
    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True)
class Difference:
    """How one field differs."""

    field: str
    rows: tuple[Row, ...]


def locked(key: Any) -> MessageTemplate | None:
    """The template as it is stored, locked until the transaction ends; None if it is gone."""
    rows = MessageTemplate.objects.filter(pk=key)
    if connection.in_atomic_block and connection.features.has_select_for_update:
        rows = rows.select_for_update()
    return rows.first()


def save(
    template: MessageTemplate, *, user: Any, now: dt.datetime | None = None
) -> TemplateVersion:
    """Save a new or changed template as the next version. What it replaces is kept too, also where
    it never was a version: a shipped text, or one that was changed past this function."""
    now = now or timezone.now()
    with transaction.atomic():
        stored = locked(template.pk) if template.pk else None
        template.revision = _keep(stored) + 1 if stored is not None else 1
        template.save()
        return _version(template, template.revision, user=user, saved_at=now)


def restore(template: MessageTemplate, version: TemplateVersion, *, user: Any) -> TemplateVersion:
    """Bring the texts of a version back, as the next version."""
    for name in TEXTS:
        setattr(template, name, getattr(version, name))
    return save(template, user=user)


def base_of(template: MessageTemplate, revision: int) -> TemplateVersion | None:
    """The version that somebody saw who read this revision of the template."""
    return template.versions.filter(number=revision).first()


def compare(old: HasTexts, new: HasTexts) -> list[Difference]:
    """The fields that differ, line by line."""
    return [
        Difference(name, tuple(_rows(_lines(getattr(old, name)), _lines(getattr(new, name)))))
        for name in TEXTS
        if _lines(getattr(old, name)) != _lines(getattr(new, name))
    ]


def _keep(stored: MessageTemplate) -> int:
    """See that the stored text is a version; the number of the last one."""
    last = stored.versions.order_by("-number").first()
    if last is not None and compare(last, stored) == []:
        return max(last.number, stored.revision)
    number = max(last.number + 1 if last is not None else 1, stored.revision)
    _version(stored, number, user=None, saved_at=stored.updated_at)
    return number


def _version(
    template: MessageTemplate, number: int, *, user: Any, saved_at: dt.datetime
) -> TemplateVersion:
    texts = {name: getattr(template, name) for name in TEXTS}
    return TemplateVersion.objects.create(
        template=template, number=number, saved_at=saved_at, saved_by=user, **texts
    )


def _lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _rows(old: list[str], new: list[str]) -> Iterator[Row]:
    matcher = difflib.SequenceMatcher(None, old, new)
    for index, group in enumerate(matcher.get_grouped_opcodes(AROUND)):
        if index or group[0][1] > 0:
            yield Row("gap")
        for tag, old_start, old_end, new_start, new_end in group:
            if tag == "equal":
                for offset, line in enumerate(old[old_start:old_end]):
                    yield Row("same", line, old_start + offset + 1, new_start + offset + 1)
                continue
            for number, line in enumerate(old[old_start:old_end], old_start + 1):
                yield Row("removed", line, before=number)
            for number, line in enumerate(new[new_start:new_end], new_start + 1):
                yield Row("added", line, after=number)
