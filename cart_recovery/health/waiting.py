"""What is due and has not gone out: how much, and how late the oldest is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Final

from cart_recovery.conf import conf
from cart_recovery.consent.addresses import address_kind_of
from cart_recovery.delivery import followups, notices
from cart_recovery.eligibility.timing import time_missed
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.health.findings import Finding, Severity, graded
from cart_recovery.models import FollowUp, FollowUpState, Notice

#: follow-ups looked at for the lateness: after a night the oldest are those that had to wait
SAMPLE: Final = 20


def examine_backlog(now: dt.datetime) -> Finding:
    """Due rows, counted no further than what fails. Two queries."""
    limits = conf.HEALTH_LIMITS["backlog"]
    at_most = int(limits[1])
    count = notices.count_due(now, at_most=at_most) + followups.count_due(now, at_most=at_most)
    severity = graded(count, limits)
    state = "empty" if not count else "some" if severity is Severity.OK else "many"
    return Finding("backlog", state, severity, {"count": min(count, at_most)})


def examine_lateness(now: dt.datetime) -> Finding:
    """How late the oldest due message is. Two queries, two more if it seems to be late."""
    limits = conf.HEALTH_LIMITS["lateness"]
    late = max(_late_notice(now), _late_followup(now, limits[0]))
    severity = graded(late, limits)
    return Finding(
        "lateness", "none" if severity is Severity.OK else "late", severity, {"late": late}
    )


def _late_notice(now: dt.datetime) -> dt.timedelta:
    """Whoever asked for something waits for it at any hour."""
    due = Notice.objects.filter(state=FollowUpState.PLANNED, due_at__lte=now).order_by("due_at")
    oldest = due.values_list("due_at", flat=True).first()
    return now - oldest if oldest is not None else dt.timedelta(0)


def _late_followup(now: dt.datetime, tolerated: dt.timedelta) -> dt.timedelta:
    """`due_at` moves on with every wait that delivery decided on, so what lies behind it is our own
    delay; but what nobody has looked at since the evening may have had no business in the night."""
    due = FollowUp.objects.filter(state=FollowUpState.PLANNED, due_at__lte=now).order_by("due_at")
    oldest = due.values_list("due_at", flat=True).first()
    if oldest is None or now - oldest < tolerated:
        return now - oldest if oldest is not None else dt.timedelta(0)
    sample = due.select_related("enrolment__contact").prefetch_related("step__variants")[:SAMPLE]
    return max((_time_missed(f, now) for f in sample), default=dt.timedelta(0))


def _time_missed(followup: FollowUp, now: dt.datetime) -> dt.timedelta:
    """For how long the follow-up could have gone out on the channel that was open the longest."""
    contact, due_at = followup.enrolment.contact, followup.due_at
    variants = list(followup.step.variants.all())
    drawn = [v.channel for v in variants if v.weight] or [v.channel for v in variants]
    missed = [time_missed(contact, kind, due_at, now) for kind in _address_kinds(drawn)]
    return max(missed, default=now - due_at)


def _address_kinds(channels: Iterable[str]) -> set[str]:
    kinds = set()
    for channel in channels:
        try:
            kinds.add(address_kind_of(channel))
        except ChannelConfigurationError:
            # its check says so; nothing waits for a channel that is not there
            continue
    return kinds
