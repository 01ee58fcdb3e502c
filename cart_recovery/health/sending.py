"""Do providers take what they are given? Errors of the last hour, and channels that are held."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any, Final

from django.db.models import Count

from cart_recovery.channels.registry import configured_aliases
from cart_recovery.conf import conf
from cart_recovery.health.findings import Finding, Severity, graded
from cart_recovery.models import ChannelStatus, Message, MessageState

PERIOD: Final = dt.timedelta(hours=1)
#: fewer errors than this say nothing about a provider, whatever their share
FEWEST: Final = 5
ERRORS: Final = frozenset({MessageState.FAILED, MessageState.UNKNOWN})


def examine_errors(now: dt.datetime) -> list[Finding]:
    """Failed and unknown messages of the last hour, a finding per channel that has any. One query."""
    # what was emptied within its first hour was erased: it is left out for the partial index's sake
    recent = Message.objects.filter(created_at__gte=now - PERIOD, emptied_at__isnull=True)
    rows = recent.order_by().values_list("channel", "state").annotate(n=Count("pk"))
    totals: dict[str, int] = defaultdict(int)
    errors: dict[str, int] = defaultdict(int)
    for channel, state, count in rows:
        totals[channel] += count
        if state in ERRORS:
            errors[channel] += count
    if not errors:
        return [Finding("errors", "none", Severity.OK, {"count": sum(totals.values())})]
    return [
        Finding(
            "errors", "some",
            graded(count / totals[channel], conf.HEALTH_LIMITS["provider_errors"])
            if count >= FEWEST else Severity.OK,
            {"channel": channel, "count": count, "total": totals[channel]},
        )
        for channel, count in sorted(errors.items())
    ]  # fmt: skip


def examine_channels(now: dt.datetime) -> list[Finding]:
    """Channels that are paused, or held by a rate limit. One query."""
    findings = []
    aliases = configured_aliases()
    for status in ChannelStatus.objects.filter(channel__in=aliases).order_by("channel"):
        facts: dict[str, Any] = {"channel": status.channel}
        if status.paused_at is not None:
            facts |= {"paused_at": status.paused_at}
            findings.append(Finding("channel", "paused", Severity.FAIL, facts, status.reason))
        elif status.not_before is not None and status.not_before > now:
            facts |= {"until": status.not_before}
            findings.append(Finding("channel", "held", Severity.WARN, facts))
    return findings or [Finding("channel", "open", Severity.OK, {"count": len(aliases)})]
