"""Consents that the shop brings along, row by row from a CSV file: each with its proof, or not at all."""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from cart_recovery.consent.addresses import address_kind_of, digest_on
from cart_recovery.consent.ledger import record
from cart_recovery.consent.suppression import suppressed
from cart_recovery.consent.wordings import publish
from cart_recovery.contacts.addresses import normalize_email, parse_phone
from cart_recovery.contacts.identities import resolve
from cart_recovery.exceptions import ChannelConfigurationError, InvalidAddressError
from cart_recovery.models import (
    ConsentAction,
    ConsentMethod,
    ConsentState,
    ConsentWording,
    Contact,
    Purpose,
)

REQUIRED: Final = ("channel", "purposes", "recorded_at", "source", "evidence")
OPTIONAL: Final = (
    "email", "phone", "country", "language", "method", "wording", "version", "wording_text",
)  # fmt: skip
METHODS: Final = (ConsentMethod.IMPORTED, ConsentMethod.DOUBLE, ConsentMethod.SINGLE)
MAX_EVIDENCE: Final = 10_000
COUNTRY: Final = re.compile(r"[A-Z]{2}|")


class RowError(ValueError):
    """A row cannot be taken over. The text says why and what to write, and holds no address."""


@dataclass(frozen=True, slots=True)
class RowResult:
    """What became of a row: `problem` says why it was refused, else how many purposes are new."""

    line: int
    written: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    channel: str
    kind: str
    address: str
    country: str
    language: str
    purposes: tuple[str, ...]
    method: str
    source: str
    evidence: str
    recorded_at: dt.datetime


def import_rows(
    lines: Iterable[str], *, dry_run: bool = False, now: dt.datetime | None = None
) -> Iterator[RowResult]:
    """Take over a CSV file's consents, one result per row as it is read.

    A row is taken as a whole or refused. A yes that is known, or older than what the person said
    since, is not written again, so a file may be imported twice. Never overrules a withdrawal that
    came later, nor a blocked address. Raises RowError for a heading that does not fit.
    """
    now = now or timezone.now()
    reader = csv.DictReader(lines, strict=True)
    _check_heading(reader)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield RowResult(reader.line_num, problem=f"no CSV: {error}")
            continue
        try:
            with transaction.atomic():
                written = _take(_read(cells, now), cells)
                if dry_run:
                    transaction.set_rollback(True)
        except (RowError, InvalidAddressError, ChannelConfigurationError) as error:
            yield RowResult(reader.line_num, problem=str(error))
        else:
            yield RowResult(reader.line_num, written)


def _check_heading(reader: csv.DictReader[str]) -> None:
    names = [name.strip().lower() for name in reader.fieldnames or ()]
    missing = [name for name in REQUIRED if name not in names]
    unknown = [name for name in names if name not in (*REQUIRED, *OPTIONAL)]
    if missing:
        raise RowError(f"The first line must name the columns; missing: {', '.join(missing)}.")
    if unknown:
        raise RowError(
            f'Unknown column "{unknown[0]}". Possible: {", ".join((*REQUIRED, *OPTIONAL))}.'
        )
    if "email" not in names and "phone" not in names:
        raise RowError('There must be a column "email" or "phone".')
    reader.fieldnames = names


def _read(cells: Mapping[str, str | list[str] | None], now: dt.datetime) -> _Row:
    """The row's values, checked. Raises RowError, and what addresses and channels raise."""
    if None in cells or None in cells.values():
        raise RowError("the row has more or fewer cells than the heading")
    value = {name: str(text).strip().replace("\x00", "") for name, text in cells.items()}
    for name in REQUIRED:
        if not value[name]:
            raise RowError(f'"{name}" is empty: a consent without it proves nothing')
    kind = address_kind_of(value["channel"])
    country = value.get("country", "").upper()
    if not COUNTRY.fullmatch(country):
        raise RowError('"country" must be an ISO code of two letters')
    raw = value.get(kind, "")
    if not raw:
        raise RowError(f'"{kind}" is empty: the channel needs it')
    address = normalize_email(raw)[0] if kind == "email" else parse_phone(raw, country)
    method = value.get("method", "") or ConsentMethod.IMPORTED
    if method not in METHODS:
        raise RowError(f'"method" must be one of {", ".join(METHODS)}')
    return _Row(
        value["channel"], kind, address, country, value.get("language", "")[:16],
        _purposes(value["purposes"]), method, value["source"],
        value["evidence"][:MAX_EVIDENCE], _moment(value["recorded_at"], now),
    )  # fmt: skip


def _purposes(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(re.split(r"[\s,;|]+", text.strip(" ,;|"))))
    unknown = [name for name in names if name not in Purpose.values]
    if unknown:
        raise RowError(f'"purposes": there is no "{unknown[0]}", only {", ".join(Purpose.values)}')
    return names


def _moment(text: str, now: dt.datetime) -> dt.datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise RowError('"recorded_at" must be a date and time such as 2025-03-01T12:00:00+01:00')
    if timezone.is_naive(moment):
        moment = timezone.make_aware(moment)
    if moment > now:
        raise RowError('"recorded_at" lies in the future')
    return moment


def _take(row: _Row, cells: Mapping[str, str]) -> int:
    wording = _wording(row, cells)
    by_kind = {row.kind: row.address}
    contact = resolve(
        email=by_kind.get("email", ""), phone=by_kind.get("phone", ""), country=row.country,
        language=row.language,
    )  # fmt: skip
    if contact is None:
        raise RowError("the address cannot be used")
    if suppressed([(row.channel, digest_on(contact, row.channel))]):
        raise RowError("the address is blocked on this channel: only the person can undo that")
    new = _unknown_purposes(row, contact)
    record(
        contact, channel=row.channel, purposes=new, action=ConsentAction.GRANTED,
        method=row.method, wording=wording, source=row.source, evidence=row.evidence,
        now=row.recorded_at,
    )  # fmt: skip
    return len(new)


def _unknown_purposes(row: _Row, contact: Contact) -> list[str]:
    """Purposes on which the person has said nothing since. Raises RowError for a later no."""
    states = {
        state.purpose: state
        for state in ConsentState.objects.filter(
            contact=contact, channel=row.channel, purpose__in=row.purposes
        )
    }
    later = {p: s for p, s in states.items() if s.since >= row.recorded_at}
    refused = [p for p, s in later.items() if s.action == ConsentAction.WITHDRAWN]
    if refused:
        raise RowError(f"the person withdrew {refused[0]} later than that")
    return [purpose for purpose in row.purposes if purpose not in later]


def _wording(row: _Row, cells: Mapping[str, str]) -> ConsentWording:
    """By code and version, else by its text, which becomes a version of its own if it is new."""
    code = (cells.get("wording") or "").strip()
    text = (cells.get("wording_text") or "").strip()
    version = (cells.get("version") or "").strip()
    known = ConsentWording.objects.filter(channel=row.channel, language=row.language)
    if text:
        code = code or f"import-{row.channel}"
        same = known.filter(code=code, text=text, purposes=list(row.purposes)).first()
        return same or publish(
            code, row.language, channel=row.channel, purposes=row.purposes, text=text
        )
    if not code or not version.isdecimal():
        raise RowError(
            'what was agreed to is missing: give "wording_text", or "wording" and "version"'
        )
    wording = known.filter(code=code, version=int(version)).first()
    if wording is None:
        raise RowError(f'there is no wording "{code}" in version {version} and this language')
    return wording
