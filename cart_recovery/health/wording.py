"""Findings in plain words, in the reader's language: what is, and what to do."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils import formats, timezone
from django.utils.functional import Promise
from django.utils.timesince import timesince
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy, pgettext_lazy

from cart_recovery.channels.names import channel_name
from cart_recovery.health.findings import Finding, Severity

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Told:
    """A finding for people. `advice` is "" where there is nothing to do."""

    finding: Finding
    title: str
    text: str
    advice: str

    @property
    def severity_label(self) -> str:
        return str(SEVERITIES[self.finding.severity])


SEVERITIES: Final[Mapping[Severity, Text]] = {
    Severity.OK: pgettext_lazy("health", "fine"),
    Severity.WARN: pgettext_lazy("health", "worth a look"),
    Severity.FAIL: pgettext_lazy("health", "to be repaired"),
}
SUMMARIES: Final[Mapping[Severity, Text]] = {
    Severity.OK: _("Everything runs."),
    Severity.WARN: _("Messages go out, but something is worth a look."),
    Severity.FAIL: _("Something has to be repaired: messages may not go out."),
}
TITLES: Final[Mapping[str, Text]] = {
    "database": _("Database"),
    "sweep": _("Sweep"),
    "stages": _("Stages of the sweep"),
    "worker": _("Queue worker"),
    "schedule": _("Schedule"),
    "backlog": _("Backlog"),
    "lateness": _("Lateness"),
    "channel": _("Channels"),
    "errors": _("Providers"),
    "reports": _("Reports"),
}
STAGES: Final[Mapping[str, Text]] = {
    "unknown": _("clearing up calls that were cut off"),
    "released": _("taking over from workers that died"),
    "credited": _("crediting orders"),
    "planned": _("planning follow-ups"),
    "noticed": _("finding orders that were changed without a signal"),
    "orders": _("looking at changed orders"),
    "purged": _("removing expired vouchers"),
    "rolled": _("summing up the reports"),
    "recommended": _("counting what is bought together"),
    "retention": _("deleting what was kept for long enough"),
    "due": _("finding what is due"),
}

START_WORKER: Final = _(
    "Ask whoever runs the shop's server to start the queue worker (“manage.py qcluster”), or the cron "
    "job with “manage.py recovery_sweep”. Nothing is lost: what is planned waits."
)
READ_LOG: Final = _("Ask whoever runs the shop's server to look into the log of the queue worker.")
NOTHING: Final = ""

#: code.state -> (what is, what to do)
SENTENCES: Final[Mapping[str, tuple[Text, Text]]] = {
    "database.down": (
        _("The database does not answer."),
        _("Ask whoever runs the shop's server to look after the database."),
    ),
    "sweep.never": (_("No sweep has run yet. It finds carts and plans messages."), START_WORKER),
    "sweep.late": (
        _("The last sweep ran %(age)s ago (%(ran_at)s). It should run every minute."),
        START_WORKER,
    ),
    "sweep.fresh": (_("The last sweep ran %(age)s ago (%(ran_at)s)."), NOTHING),
    "stages.failed": (_("The last sweep could not do everything: %(stages)s."), READ_LOG),
    "worker.none_needed": (
        _("The shop works without a queue: a cron job runs the sweep."),
        NOTHING,
    ),
    "worker.no_broker": (
        _("The queue does not answer (%(error)s)."),
        _("Ask whoever runs the shop's server to look after the queue's broker, such as Redis."),
    ),
    "worker.stuck": (_("A task has been waiting for %(since)s, and no worker takes it."), START_WORKER),
    "worker.unseen": (
        _("Queue workers cannot be seen from here; the sweep tells whether they work."),
        NOTHING,
    ),
    "worker.none": (_("No queue worker is running."), START_WORKER),
    "worker.alive": (
        ngettext_lazy(
            "%(workers)s queue worker is running (%(hosts)s).",
            "%(workers)s queue workers are running (%(hosts)s).",
            "workers",
        ),
        NOTHING,
    ),
    "schedule.missing": (
        _("The schedule of the sweep is missing."),
        _("Ask whoever runs the shop's server to run “manage.py migrate”: it makes the schedule."),
    ),
    "schedule.off": (
        _("The schedule of the sweep is switched off."),
        _("In admin, under Scheduled tasks, set its repeats to -1."),
    ),
    "schedule.on": (_("The sweep is planned for every minute."), NOTHING),
    "backlog.empty": (_("Nothing waits to be sent."), NOTHING),
    "backlog.some": (
        ngettext_lazy(
            "%(count)s message is due and goes out now.",
            "%(count)s messages are due and go out now.",
            "count",
        ),
        NOTHING,
    ),
    "backlog.many": (
        ngettext_lazy(
            "%(count)s message or more is due.", "%(count)s messages or more are due.", "count"
        ),
        _("If the number does not fall, more queue workers are needed, or a provider is slow."),
    ),
    "lateness.none": (_("No message is late."), NOTHING),
    "lateness.late": (
        _(
            "The oldest message that waits is %(late)s late. Time in which nothing may be sent does not "
            "count."
        ),
        _(
            "Look at the sweep and the queue worker above. What is too late is left out, never sent in "
            "a burst."
        ),
    ),
    "channel.open": (_("No channel is paused."), NOTHING),
    "channel.paused": (
        _("%(channel)s has been paused since %(paused_at)s: the provider refuses us."),
        _(
            "Have the cause repaired: the key, the sender or the account at the provider. Then use the "
            "channel again; what waits goes out."
        ),
    ),
    "channel.held": (
        _("%(channel)s waits until %(until)s: the provider asks us to slow down."),
        _("Nothing to do now. If it happens often, ask the provider for a higher limit."),
    ),
    "errors.none": (
        _("Providers have refused nothing in the last hour."),
        NOTHING,
    ),
    "errors.some": (
        ngettext_lazy(
            "%(channel)s: of %(total)s messages in the last hour, %(count)s failed or is unclear.",
            "%(channel)s: of %(total)s messages in the last hour, %(count)s failed or are unclear.",
            "count",
        ),
        _("Messages, filtered by their state, give the provider's reason."),
    ),
    "reports.fresh": (_("The figures are up to date."), NOTHING),
    "reports.behind": (
        ngettext_lazy(
            "The figures of %(count)s day are being summed up.",
            "The figures of %(count)s days are being summed up.",
            "count",
        ),
        NOTHING,
    ),
    "reports.stale": (
        ngettext_lazy(
            "The figures of %(count)s day are out of date; the last were summed up %(age)s ago.",
            "The figures of %(count)s days are out of date; the last were summed up %(age)s ago.",
            "count",
        ),
        READ_LOG,
    ),
}  # fmt: skip


def tell(finding: Finding) -> Told:
    """The finding in the language at hand."""
    text, advice = SENTENCES[f"{finding.code}.{finding.state}"]
    facts = {name: _shown(name, value) for name, value in finding.facts.items()}
    return Told(finding, str(TITLES[finding.code]), str(text % facts), str(advice))


def _shown(name: str, value: Any) -> Any:
    if name == "channel":
        told = channel_name(value)
        return told[:1].upper() + told[1:]
    if name == "stages":
        return ", ".join(str(STAGES.get(stage, stage)) for stage in value)
    if isinstance(value, dt.datetime):
        return formats.date_format(timezone.localtime(value), "SHORT_DATETIME_FORMAT")
    if isinstance(value, dt.timedelta):
        return _spoken(value)
    return Counted(value) if isinstance(value, int) else value


class Counted(int):
    """A number that chooses the plural and shows with the language's separators."""

    def __str__(self) -> str:
        return formats.number_format(int(self), force_grouping=True)


def _spoken(duration: dt.timedelta) -> str:
    """`5 minutes`, `2 hours, 10 minutes`."""
    if duration < dt.timedelta(minutes=1):
        return str(_("less than a minute"))
    now = timezone.now()
    return timesince(now - duration, now)
