"""Templates: refused with line and reason when they could not be sent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.bases import AnyModelAdmin, AnyModelForm
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.models import MessageTemplate, Variant
from cart_recovery.rendering.validation import validate_template

TEXT_FIELDS = ("subject", "preheader", "html", "text")


class MessageTemplateForm(AnyModelForm):
    class Meta:
        model = MessageTemplate
        fields = ["code", "channel", "language", *TEXT_FIELDS]
        widgets = {
            "html": forms.Textarea(attrs={"rows": 24, "cols": 100, "class": "vLargeTextField"}),
            "text": forms.Textarea(attrs={"rows": 12, "cols": 100, "class": "vLargeTextField"}),
        }

    def clean_channel(self) -> str:
        channel = str(self.cleaned_data["channel"])
        if channel not in configured_aliases():
            raise forms.ValidationError(
                _("There is no channel “%(channel)s”. Channels are: %(known)s."),
                params={"channel": channel, "known": ", ".join(configured_aliases())},
            )
        return channel

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "channel" not in data:
            return data
        problems = validate_template(
            address_kind=get_channel(data["channel"]).address_kind,
            language=data.get("language", ""),
            **{name: data.get(name, "") for name in TEXT_FIELDS},
        )
        for problem in problems:
            where = _("Line %(line)s: ") % {"line": problem.line} if problem.line else ""
            field = problem.field if problem.field in self.fields else None
            self.add_error(field, f"{where}{problem.reason}")
        return data


@admin.register(MessageTemplate)
class MessageTemplateAdmin(AnyModelAdmin):
    form = MessageTemplateForm
    list_display = ["code", "channel", "language", "subject", "updated_at"]
    list_filter = ["channel", "language"]
    search_fields = ["code", "subject"]
    list_per_page = 100

    def has_delete_permission(self, request: Any, obj: MessageTemplate | None = None) -> bool:
        """A template that a step uses stays; take it out of the steps first."""
        if obj is not None and _is_in_use(obj):
            return False
        return super().has_delete_permission(request, obj)


def _is_in_use(template: MessageTemplate) -> bool:
    return Variant.objects.filter(template_code=template.code, channel=template.channel).exists()
