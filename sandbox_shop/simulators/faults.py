"""What fails next, on order: ``POST /faults`` puts faults in line, each counts itself down."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from typing import Any

from sandbox_shop.simulators.vocabulary import SENDGRID_EVENTS, TWILIO_STATUSES, provider_event

PROVIDERS = ("sendgrid", "twilio", "any")
# the channel may be named instead
CHANNELS = {"email": "sendgrid", "sms": "twilio"}
# kind -> the fields that it takes besides provider, kind and times
REQUEST_KINDS: dict[str, tuple[str, ...]] = {
    "status": ("status", "headers", "body", "code", "message", "retry_after"),
    "hang": ("seconds", "accept"),
    "accept_and_drop": (),
    "drop": (),
    "slow": ("seconds",),
    "redirect": ("status", "location"),
    "html_error": ("status",),
}
WEBHOOK_KINDS: dict[str, tuple[str, ...]] = {
    "duplicate_events": (),
    "reorder_events": (),
    "lose_events": (),
    "event": ("event", "message_id", "error_code", "reason"),
}
KINDS = REQUEST_KINDS | WEBHOOK_KINDS


class InvalidFaultError(ValueError):
    """The order cannot be carried out; the text says what to write instead."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One order. ``times`` counts requests, or messages for the kinds that touch webhooks."""

    kind: str
    provider: str = "any"
    times: int = 1
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    code: int = 0
    message: str = ""
    retry_after: float | None = None
    seconds: float = 60.0
    accept: bool = False
    location: str = ""
    event: str = ""
    message_id: str = ""
    error_code: int = 0
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        shown = {"kind": self.kind, "provider": self.provider, "times": self.times}
        fields = {name: getattr(self, name) for name in KINDS[self.kind]}
        return shown | {
            name: value for name, value in fields.items() if value not in (None, "", {}, 0, False)
        }


class FaultLine:
    """The faults that wait. The first one that fits is used up first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, **order: Any) -> Fault:
        """Put one in line, in the words of ``POST /faults``; raises InvalidFaultError."""
        fault = parse_fault(order)
        self.put(fault)
        return fault

    def put(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append(fault)

    def waiting(self) -> list[Fault]:
        with self._lock:
            return list(self._faults)

    def clear(self) -> int:
        with self._lock:
            count = len(self._faults)
            self._faults.clear()
        return count

    def take(self, provider: str, *, kinds: dict[str, tuple[str, ...]] | str) -> Fault | None:
        """Use up one turn of the first fault for the provider that is of one of the kinds."""
        if not self._faults:
            return None
        wanted = (kinds,) if isinstance(kinds, str) else kinds
        with self._lock:
            for index, fault in enumerate(self._faults):
                if fault.kind in wanted and fault.provider in (provider, "any"):
                    self._count_down(index, fault)
                    return fault
        return None

    def _count_down(self, index: int, fault: Fault) -> None:
        if fault.times > 1:
            self._faults[index] = replace(fault, times=fault.times - 1)
        else:
            del self._faults[index]


def parse_fault(order: object) -> Fault:
    """Check an order from JSON; raises InvalidFaultError with what to write instead."""
    if not isinstance(order, dict):
        raise InvalidFaultError('Send a JSON object, for example {"kind": "drop", "times": 1}.')
    kind = order.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        raise InvalidFaultError(f"kind is {kind!r}: write one of {', '.join(KINDS)}.")
    given = {
        ("message_id" if k == "message" and kind == "event" else k): v for k, v in order.items()
    }
    allowed = ("kind", "provider", "times", *KINDS[kind])
    unknown = sorted(str(name) for name in given if name not in allowed)
    if unknown:
        raise InvalidFaultError(
            f"{', '.join(unknown)} means nothing to {kind}: it takes {', '.join(allowed)}."
        )
    given["provider"] = CHANNELS.get(str(given.get("provider")), given.get("provider", "any"))
    _check_values(kind, given)
    if "headers" in given:
        given["headers"] = {name: str(value) for name, value in given["headers"].items()}
    return Fault(**{**_defaults(kind), **given, "provider": _provider_of(given)})


def _provider_of(given: dict[str, Any]) -> str:
    """An event that only one provider knows waits for that one."""
    provider = str(given.get("provider", "any"))
    if provider != "any" or "event" not in given:
        return provider
    knowing = [each for each in PROVIDERS[:2] if provider_event(each, given["event"])]
    return knowing[0] if len(knowing) == 1 else "any"


def _defaults(kind: str) -> dict[str, Any]:
    statuses = {"status": 500, "redirect": 302, "html_error": 502}
    defaults: dict[str, Any] = {"status": statuses.get(kind, 0)}
    if kind == "slow":
        defaults["seconds"] = 2.0
    return defaults


def _check_values(kind: str, given: dict[str, Any]) -> None:
    problem = (
        _problem_of_target(given)
        or _problem_of_status(kind, given)
        or _problem_of_answer(given)
        or _problem_of_event(kind, given)
    )
    if problem:
        raise InvalidFaultError(problem)


def _problem_of_target(given: dict[str, Any]) -> str:
    if given.get("provider", "any") not in PROVIDERS:
        return f"provider is {given['provider']!r}: write one of {', '.join(PROVIDERS)}."
    if not _is_number(given.get("times", 1), 1, 1_000_000, whole=True):
        return "times has to be a whole number from 1."
    if not _is_number(given.get("seconds", 1), 0, 3_600):
        return "seconds has to be a number from 0 to 3600."
    if not isinstance(given.get("accept", False), bool):
        return "accept has to be true or false."
    return ""


def _problem_of_status(kind: str, given: dict[str, Any]) -> str:
    low, high = (300, 399) if kind == "redirect" else (400, 599)
    if "status" in given and not _is_number(given["status"], low, high, whole=True):
        return f"status has to be a whole number from {low} to {high} for {kind}."
    retry_after = given.get("retry_after")
    if retry_after is not None and not _is_number(retry_after, 0, 86_400):
        return "retry_after has to be a number of seconds from 0 to 86400."
    return ""


def _problem_of_answer(given: dict[str, Any]) -> str:
    headers = given.get("headers", {})
    if not isinstance(headers, dict) or not all(_is_header(*pair) for pair in headers.items()):
        return 'headers has to be an object of texts or numbers, for example {"Retry-After": "5"}.'
    for name in ("body", "message", "location", "event", "message_id", "reason"):
        if not isinstance(given.get(name, ""), str):
            return f"{name.removesuffix('_id')} has to be a text."
    if "\r" in given.get("location", "") or "\n" in given.get("location", ""):
        return "location has to be one line."
    for name in ("code", "error_code"):
        if not _is_number(given.get(name, 0), 0, 99_999, whole=True):
            return f"{name} has to be a whole number, for example 21610."
    return ""


def _problem_of_event(kind: str, given: dict[str, Any]) -> str:
    if kind != "event":
        return ""
    name, provider = given.get("event") or "", given.get("provider", "any")
    asked = PROVIDERS[:2] if provider == "any" else (provider,)
    if any(provider_event(each, name) for each in asked):
        return ""
    known = {"sendgrid": SENDGRID_EVENTS, "twilio": TWILIO_STATUSES}
    words = ", ".join(dict.fromkeys(word for each in asked for word in known[each]))
    return f"event is {name!r}: write one of {words}."


def _is_header(name: object, value: object) -> bool:
    is_plain = isinstance(name, str) and isinstance(value, str | int | float)
    return is_plain and not set("\r\n") & set(f"{name}{value}")


def _is_number(value: object, low: float, high: float, *, whole: bool = False) -> bool:
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        return False
    return low <= value <= high
