"""Campaigns with their steps and the mix of each step on one page."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.bases import (
    AnyInlineFormSet,
    AnyModelAdmin,
    AnyModelForm,
    AnyStackedInline,
)
from cart_recovery.admin.durations import DurationChoiceField, duration_text
from cart_recovery.channels.names import channel_name
from cart_recovery.channels.registry import configured_aliases
from cart_recovery.models import Campaign, Incentive, MessageTemplate, Step, Variant

DURATIONS: dict[Any, dict[str, Any]] = {models.DurationField: {"form_class": DurationChoiceField}}


class MixForm(AnyModelForm):
    """A step with one pair of fields per channel: its weight in the mix and its template.

    The variants of a step are rows of their own (A/B tests will have several per channel); this
    form edits the first of each channel and leaves others alone.
    """

    aliases: tuple[str, ...] = ()

    class Meta:
        model = Step
        fields = ["position", "delay", "incentive", "missed_after"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._variants: dict[str, Variant] = {}
        if self.instance.pk:
            for variant in self.instance.variants.all():
                self._variants.setdefault(variant.channel, variant)
        for alias, variant in self._variants.items():
            if alias in self.aliases:
                self.fields[f"weight_{alias}"].initial = variant.weight
                self.fields[f"template_{alias}"].initial = variant.template_code

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for alias in self.aliases:
            weight, template = data.get(f"weight_{alias}"), data.get(f"template_{alias}")
            if weight is not None and not template:
                self.add_error(f"template_{alias}", _("Choose a template, or empty the weight."))
            if template and weight is None:
                self.add_error(f"weight_{alias}", _("Enter a weight, or remove the template."))
        if not any(data.get(f"weight_{alias}") for alias in self.aliases):
            self.add_error(None, _("At least one channel needs a weight above 0."))
        return data

    def save_mix(self) -> None:
        """Write the variants. The step must be saved."""
        for alias in self.aliases:
            weight = self.cleaned_data.get(f"weight_{alias}")
            variant = self._variants.get(alias)
            if weight is None:
                if variant is not None:
                    variant.delete()
                continue
            if variant is None:
                variant = Variant(step=self.instance, channel=alias)
            variant.weight = weight
            variant.template_code = self.cleaned_data[f"template_{alias}"]
            variant.save()


class StepFormSet(AnyInlineFormSet):
    """Saves the mix with each step."""

    def save_new(self, form: MixForm, commit: bool = True) -> Step:
        step: Step = super().save_new(form, commit=commit)
        if commit:
            form.save_mix()
        return step

    def save_existing(self, form: MixForm, obj: Step, commit: bool = True) -> Step:
        step: Step = super().save_existing(form, obj, commit=commit)
        if commit:
            form.save_mix()
        return step


class StepInline(AnyStackedInline):
    model = Step
    extra = 0
    formfield_overrides = DURATIONS

    def get_formset(self, request: HttpRequest, obj: Campaign | None = None, **kwargs: Any) -> Any:
        aliases = configured_aliases()
        fields: dict[str, Any] = {"aliases": aliases}
        codes = _template_codes()
        for alias in aliases:
            fields[f"weight_{alias}"] = forms.IntegerField(
                label=_("Weight of %(channel)s") % {"channel": channel_name(alias)},
                min_value=0, max_value=1000, required=False,
                help_text=_("Empty: not used. 0: only when the others cannot be used."),
            )  # fmt: skip
            fields[f"template_{alias}"] = forms.ChoiceField(
                label=_("Template for %(channel)s") % {"channel": channel_name(alias)},
                choices=[("", "---------"), *((c, c) for c in codes.get(alias, ()))],
                required=False,
            )
        kwargs["form"] = type("StepMixForm", (MixForm,), fields)
        kwargs["formset"] = StepFormSet
        return super().get_formset(request, obj, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Campaign | None = None) -> Any:
        mix = [(f"weight_{alias}", f"template_{alias}") for alias in configured_aliases()]
        return [
            (None, {"fields": [("position", "delay", "missed_after"), "incentive"]}),
            (_("Mix"), {"fields": mix}),
        ]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Step]:
        return super().get_queryset(request).prefetch_related("variants")


def _template_codes() -> dict[str, list[str]]:
    codes: dict[str, list[str]] = {}
    rows = MessageTemplate.objects.order_by("code").values_list("channel", "code").distinct()
    for channel, code in rows:
        codes.setdefault(channel, []).append(code)
    return codes


@admin.register(Campaign)
class CampaignAdmin(AnyModelAdmin):
    list_display = ["name", "trigger", "is_active", "activated_at", "priority"]
    list_filter = ["is_active", "trigger"]
    search_fields = ["name", "code"]
    readonly_fields = ["activated_at"]
    formfield_overrides = DURATIONS
    inlines = [StepInline]
    fieldsets = [
        (None, {"fields": ["name", "code", "trigger", ("is_active", "activated_at")]}),
        (
            _("Rules"),
            {"fields": ["purpose", "priority", "max_age", "attribution_window"]},
        ),
    ]


@admin.register(Incentive)
class IncentiveAdmin(AnyModelAdmin):
    list_display = ["name", "kind", "value", "minimum_basket", "validity"]
    list_filter = ["kind"]
    search_fields = ["name"]
    formfield_overrides = DURATIONS

    @admin.display(description=_("valid for"), ordering="valid_for")
    def validity(self, incentive: Incentive) -> str:
        return duration_text(incentive.valid_for)
