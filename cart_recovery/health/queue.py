"""The queue as it can be seen: `tasks`, which alone knows django-q2, hands in how to look."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from cart_recovery.conf import conf
from cart_recovery.health.findings import Finding, Severity, graded


@dataclass(frozen=True, slots=True)
class QueueState:
    """What a look at the queue has found."""

    #: workers per host; None where this process cannot see clusters
    workers: dict[str, int] | None
    #: since when the oldest task has been waiting; None: none waits, or the broker cannot tell
    waiting_since: dt.datetime | None
    has_schedule: bool
    #: whether the schedule will run again
    is_scheduled: bool
    #: kind of the error where the broker does not answer
    broker_error: str = ""


class Probe:
    """How to look at the queue; None without django-q2."""

    def __init__(self) -> None:
        self.look: Callable[[], QueueState] | None = None


probe = Probe()


def examine_queue(now: dt.datetime, *, is_swept: bool) -> list[Finding]:
    """Workers and the schedule. `is_swept`: sweeps come in time, whoever runs them."""
    if probe.look is None:
        return [Finding("worker", "none_needed", Severity.OK)]
    state = probe.look()
    return [_judge_workers(state, now, is_swept), _judge_schedule(state, is_swept)]


def _judge_workers(state: QueueState, now: dt.datetime, is_swept: bool) -> Finding:
    otherwise = Severity.WARN if is_swept else Severity.FAIL
    if state.broker_error:
        return Finding("worker", "no_broker", Severity.FAIL, {"error": state.broker_error})
    if state.waiting_since is not None:
        since = now - state.waiting_since
        severity = graded(since, conf.HEALTH_LIMITS["sweep_age"])
        if severity is not Severity.OK:
            return Finding("worker", "stuck", severity, {"since": since})
    if state.workers is None:
        return Finding("worker", "unseen", Severity.OK if is_swept else Severity.WARN)
    if not state.workers:
        return Finding("worker", "none", otherwise)
    facts = {"workers": sum(state.workers.values()), "hosts": ", ".join(sorted(state.workers))}
    return Finding("worker", "alive", Severity.OK, facts)


def _judge_schedule(state: QueueState, is_swept: bool) -> Finding:
    otherwise = Severity.WARN if is_swept else Severity.FAIL
    if not state.has_schedule:
        return Finding("schedule", "missing", otherwise)
    if not state.is_scheduled:
        return Finding("schedule", "off", otherwise)
    return Finding("schedule", "on", Severity.OK)
