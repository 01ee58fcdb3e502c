"""Are the figures of the reports up to date?"""

from __future__ import annotations

import datetime as dt

from django.db.models import Count, Max, Q

from cart_recovery.conf import conf
from cart_recovery.health.findings import Finding, Severity, graded
from cart_recovery.models import RolledDay


def examine_reports(now: dt.datetime) -> Finding:
    """Days that wait to be summed up again, while nothing has been summed up for long. One query."""
    state = RolledDay.objects.aggregate(
        stale=Count("pk", filter=Q(is_stale=True)), last=Max("rolled_at")
    )
    if not state["stale"]:
        return Finding("reports", "fresh", Severity.OK)
    facts = {"count": state["stale"]}
    if state["last"] is None:
        return Finding("reports", "behind", Severity.OK, facts)
    age = now - state["last"]
    severity = graded(age, conf.HEALTH_LIMITS["reports_age"])
    kind = "behind" if severity is Severity.OK else "stale"
    return Finding("reports", kind, severity, {**facts, "age": age})
