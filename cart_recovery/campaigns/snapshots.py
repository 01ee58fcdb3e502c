"""A campaign as it was at one moment, and what differs between two of them, in words.

The words stand in Django's log, and tell an editor what somebody else has changed meanwhile. A
snapshot is plain JSON, so that a form can carry it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any, Final

from django.utils.text import capfirst
from django.utils.translation import gettext as _

from cart_recovery.campaigns.texts import duration_text, variant_name
from cart_recovery.models import Campaign, Incentive, Milestone, Purpose, Step, Trigger

Snapshot = dict[str, Any]

FIELDS: Final = (
    "name", "code", "trigger", "starts_with", "purpose", "is_active", "priority", "max_age",
    "attribution_window", "thanks_id",
)  # fmt: skip
STEP_FIELDS: Final = ("delay", "missed_after", "incentive")
#: choices in words, by field
CHOICES: Final[Mapping[str, Mapping[str, Any]]] = {
    "trigger": dict(Trigger.choices), "purpose": dict(Purpose.choices),
    "starts_with": dict(Milestone.choices),
}  # fmt: skip
DURATIONS: Final = frozenset({"max_age", "attribution_window", "delay", "missed_after"})


def snapshot(campaign: Campaign) -> Snapshot:
    """The campaign with its steps and variants, read from the database. Three queries at the most."""
    row = Campaign.objects.get(pk=campaign.pk)
    steps = row.steps.order_by("delay", "position").prefetch_related("variants")
    return {
        "revision": row.revision,
        "fields": {name: _plain(getattr(row, name)) for name in FIELDS},
        "steps": {str(step.pk): _step(step) for step in steps},
    }


def differences(before: Snapshot, after: Snapshot) -> list[str]:
    """What changed, a sentence each; empty where nothing did."""
    return [
        *_changes(Campaign, FIELDS, before["fields"], after["fields"], where=""),
        *_step_changes(before["steps"], after["steps"]),
    ]


def _step(step: Step) -> Snapshot:
    return {
        "delay": _plain(step.delay),
        "missed_after": _plain(step.missed_after),
        "incentive": step.incentive_id,
        "variants": {
            str(variant.pk): {
                "channel": variant.channel,
                "label": variant.label,
                "template": variant.template_code,
                "weight": variant.weight,
            }
            for variant in step.variants.all()
        },
    }


def _plain(value: Any) -> Any:
    return int(value.total_seconds()) if isinstance(value, dt.timedelta) else value


def _step_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[str]:
    numbers = {key: number for number, key in enumerate(after, 1)}
    for number, (key, step) in enumerate(before.items(), 1):
        if key not in after:
            yield _("Step %(n)s (after %(delay)s) was removed.") % {
                "n": number, "delay": _shown("delay", step["delay"]),
            }  # fmt: skip
    for key, step in after.items():
        where = _("Step %(n)s") % {"n": numbers[key]}
        if key not in before:
            yield _("%(where)s was added: after %(delay)s, %(mix)s.") % {
                "where": where, "delay": _shown("delay", step["delay"]), "mix": _mix(step),
            }  # fmt: skip
            continue
        yield from _changes(Step, STEP_FIELDS, before[key], step, where=where)
        yield from _variant_changes(before[key]["variants"], step["variants"], where)


def _variant_changes(
    before: Mapping[str, Any], after: Mapping[str, Any], where: str
) -> Iterator[str]:
    for key, old in before.items():
        if key not in after:
            yield _("%(where)s: %(variant)s was removed.") % {"where": where, "variant": _name(old)}
    for key, new in after.items():
        words = {"where": where, "variant": _name(new), "template": new["template"]}
        if key not in before:
            yield _(
                "%(where)s: %(variant)s was added with a share of %(share)s, template %(template)s."
            ) % {**words, "share": new["weight"]}
            continue
        old = before[key]
        if _name(old) != _name(new):
            yield _("%(where)s: %(old)s became %(variant)s.") % {**words, "old": _name(old)}
        if old["weight"] != new["weight"]:
            yield _("%(where)s: share of %(variant)s from %(old)s to %(new)s.") % {
                **words, "old": old["weight"], "new": new["weight"],
            }  # fmt: skip
        if old["template"] != new["template"]:
            yield _("%(where)s: template of %(variant)s from %(old)s to %(template)s.") % {
                **words, "old": old["template"],
            }  # fmt: skip


def _changes(
    model: Any,
    names: tuple[str, ...],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    where: str,
) -> Iterator[str]:
    for name in names:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if name == "is_active":
            yield _("Switched on.") if new else _("Paused.")
            continue
        label = str(model._meta.get_field(name.removesuffix("_id")).verbose_name)
        yield _("%(what)s from “%(old)s” to “%(new)s”.") % {
            "what": f"{where}: {label}" if where else capfirst(label),
            "old": _shown(name, old), "new": _shown(name, new),
        }  # fmt: skip


def _shown(name: str, value: Any) -> str:
    if value is None or value == "":
        return "-"
    if name in DURATIONS:
        return duration_text(dt.timedelta(seconds=value))
    if name in ("incentive", "thanks_id"):
        return str(Incentive.objects.filter(pk=value).first() or value)
    return str(CHOICES.get(name, {}).get(value, value))


def _name(variant: Mapping[str, Any]) -> str:
    return variant_name(variant["channel"], variant["label"])


def _mix(step: Mapping[str, Any]) -> str:
    parts = [f"{_name(v)} {v['weight']}" for v in step["variants"].values()]
    return ", ".join(parts) or _("without a channel")
