"""What an examination finds: facts without words, so that they can be kept, sent and translated."""

from __future__ import annotations

import datetime as dt
import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class Severity(enum.IntEnum):
    """How bad it is. The values are the exit codes of `recovery_health`."""

    OK = 0
    WARN = 1
    FAIL = 2

    @property
    def word(self) -> str:
        """`ok`, `warn` or `fail`, as monitors read it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `code` and `state` choose the sentences; `facts` fill them in.

    Facts are numbers, moments, durations, aliases of channels and names of stages: never anything
    about a person.
    """

    code: str
    state: str
    severity: Severity
    facts: Mapping[str, Any] = field(default_factory=dict)
    #: what a provider said; for staff only, since nobody knows what it may quote
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """All findings of one moment."""

    examined_at: dt.datetime
    findings: tuple[Finding, ...]

    @property
    def severity(self) -> Severity:
        """That of the worst finding."""
        return max((finding.severity for finding in self.findings), default=Severity.OK)

    @property
    def failing(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.findings if f.severity is Severity.FAIL)


def graded(value: Any, limits: tuple[Any, Any]) -> Severity:
    """The severity of a number or duration by its limits (warns, fails), which are reached at once."""
    warns, fails = limits
    if value >= fails:
        return Severity.FAIL
    return Severity.WARN if value >= warns else Severity.OK
