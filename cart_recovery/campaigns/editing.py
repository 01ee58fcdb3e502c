"""What staff change about a campaign, its steps and their mix: written here and nowhere else.

Two editors never overwrite each other: whoever writes holds the campaign's row (`lock`), compares its
revision with the one that they read, and counts it up with each change.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from cart_recovery.campaigns.snapshots import differences, snapshot
from cart_recovery.models import Campaign, FollowUp, FollowUpState, Step, Variant

LABELS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
MAX_CODE: Final = 50
MAX_NAME: Final = 100


@dataclass(frozen=True, slots=True)
class VariantDraft:
    """One row of a mix as staff want it. `key` is None for a new one."""

    channel: str
    template_code: str
    weight: int
    label: str = ""
    key: int | None = None


@dataclass(frozen=True, slots=True)
class StepDraft:
    """One step as staff want it. `key` is None for a new one; `is_removed` takes it away."""

    delay: dt.timedelta
    missed_after: dt.timedelta | None = None
    incentive_id: int | None = None
    variants: Sequence[VariantDraft] = field(default_factory=tuple)
    key: int | None = None
    is_removed: bool = False


def lock(campaign_key: int) -> None:
    """Hold the campaign until the transaction ends. An UPDATE locks on every database."""
    Campaign.objects.filter(pk=campaign_key).update(revision=F("revision"))


def count_up(campaign: Campaign) -> None:
    """A new revision: whoever still looks at the one before is told when they save."""
    Campaign.objects.filter(pk=campaign.pk).update(revision=F("revision") + 1)


@transaction.atomic
def write_steps(campaign: Campaign, drafts: Iterable[StepDraft]) -> None:
    """Make the steps what the drafts say. Steps that no draft names stay as they are.

    The order follows the delays. A step that follow-ups hang on is not removed, whatever the draft
    says: they and their messages would go with it (`has_history`).
    """
    known = {step.pk: step for step in campaign.steps.prefetch_related("variants")}
    highest = campaign.steps.aggregate(top=Max("position"))["top"] or 0
    for draft in drafts:
        step = known.get(draft.key or 0)
        if draft.is_removed:
            if step is not None and not has_history(step):
                step.delete()
            continue
        if step is None:
            highest += 1
            step = Step(campaign=campaign, position=highest)
        step.delay, step.missed_after = draft.delay, draft.missed_after
        step.incentive_id = draft.incentive_id
        step.save()
        _write_variants(step, draft.variants)
    renumber(campaign)


def has_history(step: Step) -> bool:
    """Whether follow-ups, and with them messages, would be deleted with the step."""
    return FollowUp.objects.filter(step=step).exists()


def renumber(campaign: Campaign) -> None:
    """Positions from 1 on, in the order of the delays; what has the same delay keeps its order."""
    steps = list(campaign.steps.order_by("delay", "position", "pk"))
    if [step.position for step in steps] == list(range(1, len(steps) + 1)):
        return
    # positions are unique within a campaign: first out of the way, then into place
    beyond = max(step.position for step in steps) + len(steps)
    for offset in (beyond, 0):
        for number, step in enumerate(steps, 1):
            Step.objects.filter(pk=step.pk).update(position=offset + number)


@transaction.atomic
def duplicate(campaign: Campaign) -> Campaign:
    """A copy with steps and mix, switched off, with a code and a name of its own."""
    copy = Campaign.objects.get(pk=campaign.pk)
    steps = list(copy.steps.order_by("position").prefetch_related("variants"))
    copy.pk = None
    copy._state.adding = True
    copy.code, copy.name = _free_code(campaign.code), _copied_name(campaign.name)
    copy.is_active, copy.revision = False, 1
    copy.save()
    for step in steps:
        variants = list(step.variants.all())
        fresh = Step.objects.create(
            campaign=copy, position=step.position, delay=step.delay,
            missed_after=step.missed_after, incentive_id=step.incentive_id,
        )  # fmt: skip
        Variant.objects.bulk_create(
            Variant(
                step=fresh, channel=v.channel, label=v.label, template_code=v.template_code,
                weight=v.weight,
            )
            for v in variants
        )  # fmt: skip
    return copy


@transaction.atomic
def switch(campaign_key: int, *, is_active: bool, revision: int) -> list[str] | None:
    """Activate or pause. What changed in words; None where the campaign is no longer at `revision`.

    Switching on sets the cut-off anew: carts last touched before it are never followed up.
    """
    lock(campaign_key)
    campaign = Campaign.objects.get(pk=campaign_key)
    if campaign.revision != revision:
        return None
    if campaign.is_active == is_active:
        return []
    before = snapshot(campaign)
    campaign.is_active = is_active
    campaign.revision = revision + 1
    campaign.save(update_fields=["is_active", "revision"])
    return differences(before, snapshot(campaign))


@dataclass(frozen=True, slots=True)
class Running:
    """What is under way in a campaign: people, and planned follow-ups."""

    enrolments: int
    planned: int
    #: when the next of them is due
    next_at: dt.datetime | None


def running(campaign: Campaign) -> Running:
    """What pausing would end. Two queries."""
    planned = FollowUp.objects.filter(
        enrolment__campaign=campaign,
        state__in=(FollowUpState.PLANNED, FollowUpState.CLAIMED),
    )
    first = planned.order_by("due_at").values_list("due_at", flat=True).first()
    return Running(
        enrolments=campaign.enrolments.filter(state="active").count(),
        planned=planned.count(), next_at=first,
    )  # fmt: skip


def _write_variants(step: Step, drafts: Sequence[VariantDraft]) -> None:
    known = {variant.pk: variant for variant in step.variants.all()}
    kept = set()
    for draft in labelled(drafts):
        variant = known.get(draft.key or 0) or Variant(step=step)
        variant.channel, variant.label = draft.channel, draft.label
        variant.template_code, variant.weight = draft.template_code, draft.weight
        variant.save()
        kept.add(variant.pk)
    for key, variant in known.items():
        if key not in kept:
            variant.delete()


def labelled(drafts: Sequence[VariantDraft]) -> list[VariantDraft]:
    """The same with labels that differ within a channel: what staff wrote, else the next letter.

    A channel that stands alone needs none.
    """
    labels: list[str] = []
    for place, draft in enumerate(drafts):
        same = [n for n, other in enumerate(drafts) if other.channel == draft.channel]
        if len(same) == 1:
            labels.append(draft.label.strip())
            continue
        given = {labels[n] for n in same if n < place}
        taken = given | {drafts[n].label.strip() for n in same if n != place}
        free = (letter for letter in LABELS if letter not in taken)
        wanted = draft.label.strip()
        is_own = bool(wanted) and wanted not in given
        labels.append(wanted if is_own else next(free, str(place + 1)))
    return [replace(draft, label=label) for draft, label in zip(drafts, labels, strict=True)]


def _free_code(code: str) -> str:
    base = re.sub(r"-copy(-\d+)?$", "", code)
    taken = set(Campaign.objects.values_list("code", flat=True))
    number = 1
    while True:
        ending = "-copy" if number == 1 else f"-copy-{number}"
        wanted = f"{base[: MAX_CODE - len(ending)]}{ending}"
        if wanted not in taken:
            return wanted
        number += 1


def _copied_name(name: str) -> str:
    ending = _(" (copy)")
    return f"{name[: MAX_NAME - len(ending)]}{ending}"
