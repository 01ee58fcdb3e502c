"""When the last sweep ran, and which of its stages failed."""

from __future__ import annotations

import datetime as dt
from typing import Final

from cart_recovery.conf import conf
from cart_recovery.health.findings import Finding, Severity, graded
from cart_recovery.models import Heartbeat

#: without these, messages do not go out or outcomes stay open; the others may come later
ESSENTIAL: Final = frozenset({"unknown", "released", "credited", "planned", "due"})


def examine_sweep(now: dt.datetime) -> list[Finding]:
    """The heartbeat's age, and its failed stages. One query."""
    beat = Heartbeat.objects.filter(stage="sweep").first()
    if beat is None:
        return [Finding("sweep", "never", Severity.FAIL)]
    age = max(now - beat.ran_at, dt.timedelta(0))
    severity = graded(age, conf.HEALTH_LIMITS["sweep_age"])
    state = "fresh" if severity is Severity.OK else "late"
    findings = [Finding("sweep", state, severity, {"age": age, "ran_at": beat.ran_at})]
    stages = [str(name) for name in beat.result.get("failed_stages") or ()]
    if stages:
        severity = Severity.FAIL if ESSENTIAL & set(stages) else Severity.WARN
        findings.append(Finding("stages", "failed", severity, {"stages": sorted(stages)}))
    return findings
