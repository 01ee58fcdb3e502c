"""Templates: written with the result beside them, refused with line and reason, kept as versions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from cart_recovery.admin.access import EDIT_TEMPLATES
from cart_recovery.admin.template_forms import (
    TEXT_FIELDS,
    MessageTemplateForm,
    language_choices,
)
from cart_recovery.admin.template_palette import Group, Words, palette
from cart_recovery.admin.template_preview import PreviewPages
from cart_recovery.admin.template_versions import VersionPages, labelled
from cart_recovery.campaigns.templates_used import places_of
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.models import MessageTemplate, TemplateSubject
from cart_recovery.rendering import versions
from cart_recovery.rendering.batches import PHONE
from cart_recovery.rendering.defaults import shipped_templates
from cart_recovery.rendering.previews import SAMPLES


@dataclass(frozen=True, slots=True)
class Tab:
    """The template in one language; `is_missing`: there is none yet, the link makes it."""

    language: str
    name: str
    url: str
    is_current: bool
    is_missing: bool


@dataclass(frozen=True, slots=True)
class Subject:
    """What the editor offers for templates about a basket, or about an order."""

    about: str
    samples: list[tuple[str, Words]]
    #: newest carts or orders
    rows: list[tuple[str, str]]
    palette: list[Group]


@admin.register(MessageTemplate)
class MessageTemplateAdmin(PreviewPages, VersionPages):
    form = MessageTemplateForm
    pages = (*PreviewPages.preview_pages, *VersionPages.version_pages)
    list_display = ["code", "about", "channel", "language", "subject", "updated_at"]
    list_filter = ["about", "channel", "language"]
    search_fields = ["code", "subject"]
    list_per_page = 100

    def get_fieldsets(self, request: HttpRequest, obj: MessageTemplate | None = None) -> Any:
        key: list[Any] = [("code", "about"), ("channel", "language")]
        if self._may_write(request, obj):
            key.append("seen_revision")
        return [
            (None, {"fields": key, "classes": ["cr-key"]}),
            (None, {"fields": ["subject", "preheader"], "classes": ["cr-mail-only"]}),
            (None, {"fields": ["html"], "classes": ["cr-mail-only"]}),
            (None, {"fields": ["text"]}),
        ]

    def get_readonly_fields(self, request: HttpRequest, obj: MessageTemplate | None = None) -> Any:
        """What a template is about is chosen once: its texts would mean nothing otherwise."""
        return [*super().get_readonly_fields(request, obj), *(["about"] if obj is not None else [])]

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A missing language begins with the shipped text, else with that of another language."""
        given: dict[str, Any] = dict(super().get_changeform_initial_data(request))
        wanted = {name: str(given.get(name, "")) for name in ("code", "channel", "language")}
        if not (wanted["code"] and wanted["channel"]):
            return given
        texts = _texts_to_begin_with(**wanted)
        names = ("about", *TEXT_FIELDS)
        return {**({name: getattr(texts, name) for name in names} if texts else {}), **given}

    def render_change_form(  # noqa: PLR0913, PLR0917 Django's own signature
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: MessageTemplate | None = None,
    ) -> HttpResponse:
        form = context["adminform"].form
        row = obj or MessageTemplate(**_key_of(form))
        # who may only add has no right to the preview's own pages
        may_edit = self._may_write(request, obj) and request.user.has_perm(EDIT_TEMPLATES)
        context |= {
            "tabs": _tabs(row) if row.code and row.channel else [],
            "places": places_of(row.code, row.channel) if row.pk else [],
            "is_unknown_channel": bool(row.pk) and row.channel not in configured_aliases(),
            "editor": self._editor(request, form, obj) if may_edit else None,
        }
        return super().render_change_form(request, context, add, change, form_url, obj)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        versions.save(obj, user=request.user)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """A template that a step sends stays, with all that is to be deleted along with it: the page
        says where it is used."""
        to_delete, counts, perms_needed, protected = super().get_deleted_objects(objs, request)
        return to_delete, counts, perms_needed, [*protected, *_uses(objs)]

    def _may_write(self, request: HttpRequest, obj: MessageTemplate | None) -> bool:
        if obj is None:
            return self.has_add_permission(request)
        return self.has_change_permission(request, obj)

    def _editor(
        self, request: HttpRequest, form: Any, obj: MessageTemplate | None
    ) -> dict[str, Any]:
        """All that stands around the text; for a new one for whatever it is going to be about."""
        conflict = getattr(form, "conflict", None)
        about = obj.about if obj is not None else str(form["about"].value() or TemplateSubject.CART)
        channel = _key_of(form)["channel"]
        kinds = {alias: _kind_of(alias) for alias in configured_aliases()}
        return {
            "about": about,
            "is_new": obj is None,
            "subjects": [
                self._subject(request, one)
                for one in (TemplateSubject.values if obj is None else [about])
            ],
            "kinds": kinds,
            "is_phone": kinds.get(channel) == PHONE,
            "conflict": conflict,
            "differences": labelled(conflict.differences) if conflict else [],
        }

    def _subject(self, request: HttpRequest, about: str) -> Subject:
        samples = [(sample.key, sample.label) for sample in SAMPLES[about]]
        return Subject(about, samples, self.row_choices(request, about), palette(about))


def _key_of(form: Any) -> dict[str, str]:
    """Code, channel and language of a form, whether typed, prefilled or stored."""
    return {
        name: str(form[name].value() or "") if name in form.fields else ""
        for name in ("code", "channel", "language")
    }


def _kind_of(alias: str) -> str:
    try:
        return get_channel(alias).address_kind
    except ChannelConfigurationError:
        return "email"


def _tabs(row: MessageTemplate) -> list[Tab]:
    rows = MessageTemplate.objects.filter(code=row.code, channel=row.channel)
    keys = dict(rows.values_list("language", "pk"))
    names = dict(language_choices(row.language))
    languages = [*names, *(language for language in keys if language not in names)]
    return [_tab(row, language, names.get(language, language), keys.get(language))
            for language in languages]  # fmt: skip


def _tab(row: MessageTemplate, language: str, name: str, key: int | None) -> Tab:
    if key is not None:
        url = reverse("admin:cart_recovery_messagetemplate_change", args=[key])
    else:
        begin = urlencode({"code": row.code, "channel": row.channel, "language": language})
        url = f"{reverse('admin:cart_recovery_messagetemplate_add')}?{begin}"
    return Tab(language, name, url, language == row.language, key is None)


def _texts_to_begin_with(*, code: str, channel: str, language: str) -> MessageTemplate | None:
    for shipped in shipped_templates():
        if (shipped.code, shipped.channel, shipped.language) == (code, channel, language):
            return shipped
    return MessageTemplate.objects.filter(code=code, channel=channel).first()


def _uses(templates: Iterable[MessageTemplate] | models.QuerySet[Any]) -> list[str]:
    return [
        _("%(template)s: %(place)s") % {"template": template, "place": place.label}
        for template in templates
        for place in places_of(template.code, template.channel)
    ]
