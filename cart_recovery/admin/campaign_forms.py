"""The form of a campaign: its own fields and its steps (`campaign_step_forms`).

Whoever sends in what somebody else has changed meanwhile gets everything back as typed, with what the
other one did, and may save again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import forms
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core import signing
from django.utils.formats import date_format
from django.utils.functional import cached_property
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin import campaign_rules
from cart_recovery.admin.bases import AnyModelForm
from cart_recovery.admin.campaign_step_forms import (
    BETWEEN,
    StepForm,
    StepFormSet,
    template_choices,
)
from cart_recovery.admin.durations import DurationChoiceField, duration_text
from cart_recovery.campaigns.shares import as_shares
from cart_recovery.campaigns.snapshots import Snapshot, differences, snapshot
from cart_recovery.campaigns.texts import counted_from
from cart_recovery.models import Campaign, Incentive, Step, Variant
from cart_recovery.reports.outlook import CampaignDraft

MAX_STEPS: Final = 50
SNAPSHOT_SALT: Final = "cart_recovery.campaign"


class CampaignForm(AnyModelForm):
    """`seen_revision` and `seen` are what the page showed; `conflict` is told where they are old."""

    #: further steps to fill in, for those without script
    spare_steps = 0

    class Meta:
        model = Campaign
        fields = [
            "name", "code", "trigger", "starts_with", "thanks", "purpose", "priority", "max_age",
            "attribution_window",
        ]  # fmt: skip
        labels = {"max_age": _("Maximum age")}
        help_texts = {
            "starts_with": _("For review requests and suggestions after a purchase."),
            "thanks": _(
                "For review requests: what everybody gets who writes one, whatever they say. The "
                "page says so. A voucher for good reviews only would be unlawful."
            ),
            "purpose": _(
                "What people must have agreed to. The trigger decides where the law does: news of an "
                "order needs no consent and holds no advertising; asking for a review is advertising."
            ),
            "max_age": _("What happened longer ago is left alone. Empty: as the shop has set it."),
        }
        field_classes = {
            "max_age": DurationChoiceField,
            "attribution_window": DurationChoiceField,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conflict: dict[str, Any] | None = None
        self.changes: list[str] = []
        if "trigger" in self.fields:
            self.fields["trigger"].widget.attrs.update(campaign_rules.attributes())
            # the trigger decides about them, and a script may leave them out
            self.fields["purpose"].required = self.fields["starts_with"].required = False

    @cached_property
    def before(self) -> Snapshot | None:
        """The campaign as it is stored."""
        return snapshot(self.instance) if self.instance.pk else None

    @cached_property
    def seen(self) -> str:
        """The stored campaign for the page to carry, so that changes since can be told."""
        return signing.dumps(self.before, salt=SNAPSHOT_SALT, compress=True)

    @property
    def counted(self) -> str:
        """From when on the delays count, for the trigger that stands in the form."""
        trigger = self["trigger"].value() if "trigger" in self.fields else self.instance.trigger
        start = self["starts_with"].value() if "starts_with" in self.fields else ""
        return counted_from(str(trigger), str(start or self.instance.starts_with))

    @cached_property
    def steps(self) -> Any:
        initial = _initial_steps(self.instance) if self.instance.pk else []
        extra = self.spare_steps + (0 if self.instance.pk else 1)
        step_class = forms.formset_factory(
            StepForm, formset=StepFormSet, extra=extra, can_delete=True,
            max_num=MAX_STEPS, absolute_max=MAX_STEPS * 2, validate_max=True,
        )  # fmt: skip
        incentives = [
            ("", _("no incentive")),
            *Incentive.objects.order_by("name").values_list("pk", "name"),
        ]
        return step_class(
            self.data if self.is_bound else None,
            prefix="steps", initial=initial,
            form_kwargs={
                "templates": template_choices(), "incentives": incentives, "counted": self.counted,
            },
        )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.instance.pk and str(self.instance.revision) != self.data.get("revision", ""):
            self.conflict = self._conflict()
            raise forms.ValidationError(
                _("Somebody else has changed this campaign while you were editing it. Nothing of "
                  "yours is lost: look at what they changed, and save again if yours should hold."),
                code="conflict",
            )  # fmt: skip
        trigger = data.get("trigger") or self.instance.trigger
        if not self.steps.is_valid() or not self._are_steps_allowed(trigger):
            raise forms.ValidationError(_("Something is wrong with the steps, see there."))
        return campaign_rules.cleaned(trigger, data, self.instance)

    def clean_trigger(self) -> str:
        trigger = str(self.cleaned_data["trigger"])
        if self.instance.pk and (why := campaign_rules.why_no_change(self.instance, trigger)):
            raise forms.ValidationError(why)
        return trigger

    def clean_purpose(self) -> str:
        purpose = str(self.cleaned_data.get("purpose") or "")
        trigger = self.cleaned_data.get("trigger", "")
        if trigger and (why := campaign_rules.why_not_purpose(trigger, purpose)):
            raise forms.ValidationError(why)
        return purpose

    def _are_steps_allowed(self, trigger: str) -> bool:
        """Whether the trigger lets the steps be as they are; says at each what is wrong."""
        kept = [form for form in self.steps.forms if form.draft() and not form.draft().is_removed]
        if why := campaign_rules.why_too_many(trigger, len(kept)):
            self.steps.refuse(why)
        offering = [form for form in kept if form.cleaned_data.get("incentive")]
        if offering and (why := campaign_rules.why_no_incentive(trigger)):
            for form in offering:
                form.add_error("incentive", why)
        return not self.steps.non_form_errors() and not any(form.errors for form in kept)

    def draft(self) -> CampaignDraft:
        """What stands in the form so far, right or wrong, for the outlook."""
        self.is_valid()
        data = getattr(self, "cleaned_data", {})
        return CampaignDraft(
            trigger=data.get("trigger") or self.instance.trigger,
            purpose=data.get("purpose") or self.instance.purpose,
            steps=[draft for _prefix, draft in self.steps.drafts() if not draft.is_removed],
            key=self.instance.pk, priority=data.get("priority") or self.instance.priority,
            starts_with=data.get("starts_with") or self.instance.starts_with,
        )  # fmt: skip

    def _conflict(self) -> dict[str, Any]:
        """Who changed what since the page was opened, as far as it can be told."""
        entry = (
            LogEntry.objects.filter(
                content_type=ContentType.objects.get_for_model(Campaign),
                object_id=str(self.instance.pk),
            )
            .select_related("user")
            .order_by("-action_time")
            .first()
        )
        try:
            seen = signing.loads(self.data.get("seen", ""), salt=SNAPSHOT_SALT)
        except signing.BadSignature:
            seen = None
        return {
            "who": entry.user.get_full_name() or entry.user.get_username() if entry else "",
            "at": date_format(localtime(entry.action_time), "SHORT_DATETIME_FORMAT")
            if entry
            else "",
            "changes": differences(seen, self.before) if seen and self.before else [],
        }


def _initial_steps(campaign: Campaign) -> list[Mapping[str, Any]]:
    """Steps in the order in which they go out. Weights of old that add up to something else are
    shown as shares of a hundred; they are written when the form is saved."""
    steps = campaign.steps.order_by("delay", "position").prefetch_related("variants")
    return [_initial_step(step, list(step.variants.all())) for step in steps]


def _initial_step(step: Step, variants: list[Variant]) -> Mapping[str, Any]:
    weights = [variant.weight for variant in variants]
    shares = as_shares(weights)
    return {
        "key": step.pk, "delay": step.delay, "after": duration_text(step.delay) if step.delay else "",
        "missed_after": step.missed_after, "incentive": step.incentive_id,
        "former_weights": weights if shares != weights else [],
        "mix": [
            {
                "key": v.pk, "template": f"{v.channel}{BETWEEN}{v.template_code}",
                "label": v.label, "weight": share,
            }
            for v, share in zip(variants, shares, strict=True)
        ],
    }  # fmt: skip
