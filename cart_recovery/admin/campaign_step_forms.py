"""The steps of a campaign's form, and in each step the rows of its mix.

Rows are told apart by their keys, not by their place.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any, Final

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cart_recovery.admin.bases import AnyFormSet
from cart_recovery.admin.durations import DurationChoiceField
from cart_recovery.campaigns.editing import StepDraft, VariantDraft, labelled
from cart_recovery.campaigns.shares import WHOLE
from cart_recovery.channels.names import channel_name
from cart_recovery.channels.registry import configured_aliases
from cart_recovery.models import FollowUp, Incentive, Message, MessageTemplate, Step

MAX_VARIANTS: Final = 20
#: between the channel and the code of a template in one choice
BETWEEN: Final = ":"


class VariantForm(forms.Form):
    """One row of a mix: channel and template in one choice, share, label."""

    key = forms.IntegerField(required=False, widget=forms.HiddenInput)
    template = forms.ChoiceField(label=_("Channel and template"))
    label = forms.CharField(
        label=_("Variant"), required=False, max_length=20,
        widget=forms.TextInput(attrs={"size": 6, "placeholder": "A, B …"}),
    )  # fmt: skip
    weight = forms.IntegerField(
        label=_("Share"), min_value=0, max_value=WHOLE,
        widget=forms.NumberInput(attrs={"min": 0, "max": WHOLE, "class": "cr-share"}),
    )  # fmt: skip

    def __init__(self, *args: Any, templates: list[Any] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "label_suffix": ""})
        field: Any = self.fields["template"]
        field.choices = [("", "---------"), *(templates or [])]
        value = self["template"].value()
        if value and value not in _values(field.choices):
            # what is stored stays as it is; the outlook beside the step says what is wrong with it
            missing = (value, _choice_text(str(value)))
            if value == self.initial.get("template"):
                field.choices = [*field.choices, missing]
            else:
                field.widget.choices = [*field.choices, missing]

    def draft(self) -> VariantDraft | None:
        """What can be read of the row so far; None where it is empty."""
        data = getattr(self, "cleaned_data", {})
        channel, _between, code = str(data.get("template") or "").partition(BETWEEN)
        if not code:
            return None
        return VariantDraft(
            channel, code, data.get("weight") or 0, data.get("label", ""), data.get("key")
        )


class MixFormSet(AnyFormSet):
    """The rows of one step. Their shares add up to a hundred."""

    def clean(self) -> None:
        if any(self.errors):
            return
        weights = [form.cleaned_data["weight"] for form in self.filled()]
        total = sum(weights)
        if not weights or total == WHOLE:
            return
        if total < WHOLE:
            text = ngettext(
                "The shares add up to %(total)s; they must add up to 100. %(n)s is missing.",
                "The shares add up to %(total)s; they must add up to 100. %(n)s are missing.",
                WHOLE - total,
            )
        else:
            text = ngettext(
                "The shares add up to %(total)s; they must add up to 100. That is %(n)s too much.",
                "The shares add up to %(total)s; they must add up to 100. That is %(n)s too much.",
                total - WHOLE,
            )
        raise forms.ValidationError(text % {"total": total, "n": abs(WHOLE - total)})

    def filled(self) -> list[Any]:
        """Forms of rows that are meant: neither removed nor left empty."""
        return [
            form
            for form in self.forms
            if not form.cleaned_data.get("DELETE") and form.cleaned_data.get("template")
        ]

    def drafts(self) -> list[VariantDraft]:
        rows = (f for f in self.forms if not getattr(f, "cleaned_data", {}).get("DELETE"))
        return labelled([draft for form in rows if (draft := form.draft()) is not None])


class StepForm(forms.Form):
    """One step with its mix."""

    key = forms.IntegerField(required=False, widget=forms.HiddenInput)
    delay = DurationChoiceField(label=_("Delay"))
    missed_after = DurationChoiceField(
        label=_("Too late after"), required=False,
        help_text=_("What could not be sent by then is skipped. Empty: as the shop has set it."),
    )  # fmt: skip
    incentive = forms.ModelChoiceField(
        label=_("Incentive"), queryset=Incentive.objects.order_by("name"), required=False,
        empty_label=_("no incentive"),
    )  # fmt: skip

    def __init__(
        self,
        *args: Any,
        templates: list[Any] | None = None,
        incentives: Any = None,
        counted: str = "",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **{**kwargs, "label_suffix": ""})
        self.fields["delay"].help_text = counted
        if incentives is not None:
            # one query for the choices of all steps
            self.fields["incentive"].widget.choices = incentives
        rows = self.initial.get("mix", [])
        #: what the weights were where they were no shares of a hundred
        self.former_weights: list[int] = self.initial.get("former_weights", [])
        mix_class = forms.formset_factory(
            VariantForm, formset=MixFormSet, extra=1 if rows else 2, can_delete=True,
            max_num=MAX_VARIANTS, absolute_max=MAX_VARIANTS * 2, validate_max=True,
        )  # fmt: skip
        self.mix: Any = mix_class(
            self.data if self.is_bound else None,
            prefix=f"{self.prefix}-mix", initial=rows, form_kwargs={"templates": templates},
        )  # fmt: skip

    def has_changed(self) -> bool:
        return super().has_changed() or self.mix.has_changed()

    def is_valid(self) -> bool:
        own = super().is_valid()
        if self.empty_permitted and not self.has_changed():
            return own
        return bool(self.mix.is_valid()) and own

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        is_new = not data.get("key")
        if is_new and self.mix.is_valid() and not self.mix.filled():
            raise forms.ValidationError(_("Choose at least one channel and template."))
        return data

    def draft(self) -> StepDraft | None:
        """What can be read of the step so far; None where it is empty."""
        data = getattr(self, "cleaned_data", {})
        self.mix.is_valid()
        variants = tuple(self.mix.drafts())
        is_removed = bool(data.get("DELETE"))
        if data.get("delay") is None and not variants and not is_removed:
            return None
        incentive = data.get("incentive")
        return StepDraft(
            delay=data.get("delay") or dt.timedelta(0), missed_after=data.get("missed_after"),
            incentive_id=incentive.pk if incentive else None, variants=variants,
            key=data.get("key"), is_removed=is_removed,
        )  # fmt: skip


class StepFormSet(AnyFormSet):
    def clean(self) -> None:
        """Steps with a history stay: their follow-ups and messages would be deleted with them."""
        removed = [f.cleaned_data.get("key") for f in self.deleted_forms if f.is_bound]
        for step in Step.objects.filter(pk__in=[key for key in removed if key]):
            followups = FollowUp.objects.filter(step=step).count()
            if followups:
                sent = Message.objects.filter(followup__step=step).count()
                raise forms.ValidationError(
                    _("Step %(n)s cannot be removed: %(followups)s follow-ups with %(sent)s messages "
                      "hang on it and would be lost. To send nothing more by it, remove its "
                      "channels instead; what it did so far stays to be read."),
                    params={"n": step.position, "followups": followups, "sent": sent},
                )  # fmt: skip

    def refuse(self, why: str) -> None:
        """Say above the steps what is wrong with all of them."""
        self.non_form_errors().append(why)

    def drafts(self) -> Iterator[tuple[str, StepDraft]]:
        """(prefix, draft) of the steps that can be read so far, removed ones included."""
        for form in self.forms:
            form.is_valid()
            if (draft := form.draft()) is not None:
                yield form.prefix, draft


def template_choices() -> list[Any]:
    """Templates by channel: [(channel in words, [(channel:code, code), …]), …]."""
    rows = (
        MessageTemplate.objects.filter(channel__in=configured_aliases())
        .order_by("code")
        .values_list("channel", "code")
        .distinct()
    )
    groups: dict[str, list[tuple[str, str]]] = {alias: [] for alias in configured_aliases()}
    for channel, code in rows:
        text = _choice_text(f"{channel}{BETWEEN}{code}")
        groups[channel].append((f"{channel}{BETWEEN}{code}", text))
    return [(channel_name(channel), codes) for channel, codes in groups.items() if codes]


def _choice_text(value: str) -> str:
    channel, _between, code = value.partition(BETWEEN)
    return f"{channel_name(channel)}: {code}"


def _values(choices: Any) -> set[str]:
    found: set[str] = set()
    for value, text in choices:
        if isinstance(text, (list, tuple)):
            found |= {inner for inner, _text in text}
        else:
            found.add(value)
    return found
