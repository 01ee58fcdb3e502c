"""What staff type into a template, checked: for saving, and for looking at it before."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from django import forms
from django.conf import settings
from django.utils import formats, timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.bases import AnyModelForm
from cart_recovery.campaigns.templates_used import may_advertise, places_of
from cart_recovery.channels.base import Channel
from cart_recovery.channels.names import channel_name
from cart_recovery.channels.registry import configured_aliases, get_channel
from cart_recovery.conf import conf
from cart_recovery.exceptions import ChannelConfigurationError, RenderingError
from cart_recovery.models import MessageTemplate, TemplateSubject
from cart_recovery.rendering import versions
from cart_recovery.rendering.contents import Content
from cart_recovery.rendering.validation import validate_template

TEXT_FIELDS: Final = versions.TEXTS
_LANGUAGE: Final = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*\Z")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that keeps a text from being sent. `field`: a name of the form, or "" for others."""

    field: str
    line: int
    reason: str
    #: the field in words and the line
    where: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody saved while this was being written."""

    who: str
    at: dt.datetime
    differences: list[versions.Difference]


def known_channel(alias: str) -> Channel:
    """The channel of a form's field. Raises ValidationError with what there is."""
    if alias not in configured_aliases():
        raise forms.ValidationError(
            _(
                "There is no channel “%(channel)s” (any more). Channels are: %(known)s. Choose one, or "
                "have it set up again."
            ),
            params={"channel": alias[:40], "known": ", ".join(configured_aliases())},
        )
    try:
        return get_channel(alias)
    except ChannelConfigurationError as error:
        raise forms.ValidationError(
            _("The channel “%(channel)s” is not set up rightly, so nothing can be sent: %(why)s"),
            params={"channel": alias, "why": str(error)},
        ) from error


def language_choices(current: str = "") -> list[tuple[str, str]]:
    """The languages of the shop's messages with their names, and the one that a row has."""
    names = dict(settings.LANGUAGES)
    codes = [*conf.LANGUAGES, *([current] if current and current not in conf.LANGUAGES else [])]
    return [(code, gettext(str(names.get(code, code)))) for code in codes]


def channel_choices(current: str = "") -> list[tuple[str, str]]:
    """The channels of the settings, and the one that a row has though it is gone."""
    choices = [(alias, channel_name(alias)) for alias in configured_aliases()]
    if current and current not in dict(choices):
        choices.append((current, gettext("%(channel)s (not set up)") % {"channel": current}))
    return choices


def problem_of(error: RenderingError) -> Problem:
    line = gettext("line %(line)s") % {"line": error.line} if error.line else ""
    where = ", ".join(filter(None, [label_of(error.field), line]))
    return Problem(error.field, error.line, error.reason, where)


def label_of(field: str) -> str:
    """A field in words, as the form names it; "" for what is no field."""
    if field in ("basket", "order", "data"):
        return gettext("Data")
    fields = {item.name: item.verbose_name for item in MessageTemplate._meta.concrete_fields}
    return str(capfirst(fields.get(field, "")))


class _LongText(forms.CharField):
    """As typed: a line that went missing at the top would move all others."""

    def __init__(self, rows: int, **kwargs: Any) -> None:
        widget = forms.Textarea(
            attrs={
                "rows": rows,
                "cols": 80,
                "class": "vLargeTextField cr-code",
                "spellcheck": "false",
            }
        )
        super().__init__(strip=False, required=False, widget=widget, **kwargs)

    def clean(self, value: Any) -> str:
        text = str(super().clean(value))
        return text.replace("\r\n", "\n") if text.strip() else ""


class MessageTemplateForm(AnyModelForm):
    """The template as it is saved. Refuses what could not be sent, and what would overwrite."""

    #: the version that was read: whoever saved another one since is not overwritten unseen
    seen_revision = forms.IntegerField(widget=forms.HiddenInput, required=False)
    html = _LongText(24, label=_("HTML"))
    text = _LongText(12, label=_("Text"))

    class Meta:
        model = MessageTemplate
        fields = ["code", "about", "channel", "language", *TEXT_FIELDS]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.conflict: Conflict | None = None
        row = self.instance
        if row.pk:
            self.initial["seen_revision"] = row.revision
        for name, choices in (
            ("channel", channel_choices(row.channel)),
            ("language", language_choices(row.language)),
        ):
            # a reader without the right to change gets no fields
            if name in self.fields:
                self.fields[name].widget = forms.Select(choices=choices)

    def clean_channel(self) -> str:
        return known_channel(str(self.cleaned_data["channel"])).alias

    def clean_language(self) -> str:
        language = str(self.cleaned_data["language"])
        if not _LANGUAGE.match(language):
            raise forms.ValidationError(_("Write the code of a language, such as “de” or “en”."))
        return language

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self._keep_to_one_subject(data)
        if "channel" in data:
            texts = {name: data.get(name, "") for name in TEXT_FIELDS if not self.errors.get(name)}
            about = data.get("about") or self.instance.about
            content = Content(data.get("language", ""), **texts, about=about)
            self._add_problems(problems_of(content, data["channel"]))
        if self.instance.pk:
            self._keep_what_is_used(data)
            self._find_conflict(data.get("seen_revision"))
        return data

    def _add_problems(self, problems: Iterable[Problem]) -> None:
        refused = set(self.errors)
        for problem in problems:
            field = problem.field if problem.field in self.fields else None
            # what the field itself has refused is empty by now, which is no second mistake
            if field not in refused:
                where = gettext("Line %(line)s: ") % {"line": problem.line} if problem.line else ""
                self.add_error(field, f"{where}{problem.reason}")

    def _keep_to_one_subject(self, data: dict[str, Any]) -> None:
        """A code is what a step names: in another language or on another channel it has to be about
        the same, or nothing could be sent there."""
        code, about = data.get("code"), data.get("about", self.instance.about)
        if self.instance.pk and code == self.initial.get("code"):
            return
        others = MessageTemplate.objects.filter(code=code).exclude(pk=self.instance.pk)
        other = others.exclude(about=about).first() if code and about else None
        if other is not None:
            # who may not choose it any more can choose another code
            self.add_error(
                "about" if "about" in self.fields else "code",
                _(
                    "There are texts of the code “%(code)s” that are about %(about)s. All languages "
                    "and channels of a code are about the same: choose that, or another code."
                )
                % {"code": code, "about": other.get_about_display()},
            )

    def _keep_what_is_used(self, data: dict[str, Any]) -> None:
        """A step names its template by code and channel: under another name it would not be found."""
        stored = {name: self.initial.get(name) for name in ("code", "channel")}
        renamed = [name for name in stored if name in data and data[name] != stored[name]]
        if not renamed:
            return
        for place in places_of(str(stored["code"]), str(stored["channel"])):
            self.add_error(
                renamed[0],
                _("Cannot be changed while it is in use: %(place)s.") % {"place": place.label},
            )

    def _find_conflict(self, seen: int | None) -> None:
        stored = versions.locked(self.instance.pk)
        if stored is None or stored.revision == seen:
            return
        base = versions.base_of(stored, seen or 0)
        last = versions.base_of(stored, stored.revision)
        who = (
            last.saved_by.get_username()
            if last is not None and last.saved_by
            else gettext("Somebody")
        )
        self.conflict = Conflict(
            who, stored.updated_at, versions.compare(base, stored) if base is not None else []
        )
        moment = formats.date_format(timezone.localtime(stored.updated_at), "DATETIME_FORMAT")
        self.add_error(
            None,
            _(
                "%(who)s saved this template on %(moment)s, while you were writing. Nothing is lost: "
                "what you typed is below, and the other text stays among the versions. Take over what "
                "you want to keep, then save again."
            )
            % {"who": who, "moment": moment},
        )
        # who saves now has been told
        typed: Any = self.data
        typed = typed.copy()
        typed[self.add_prefix("seen_revision")] = str(stored.revision)
        self.data = typed


class PreviewForm(forms.Form):
    """The same fields as they are being typed, and with what to show them."""

    #: forms that were loaded before templates could be about orders say nothing of it
    about = forms.ChoiceField(choices=TemplateSubject, required=False)
    #: decides which campaigns send it, and so whether it may advertise
    code = forms.CharField(required=False)
    channel = forms.CharField(max_length=32)
    language = forms.CharField(max_length=16)
    subject = forms.CharField(max_length=255, required=False)
    preheader = forms.CharField(max_length=255, required=False)
    html = _LongText(24)
    text = _LongText(12)
    preview_data = forms.CharField(max_length=40, required=False)
    preview_scheme = forms.CharField(max_length=10, required=False)

    def clean_channel(self) -> str:
        return known_channel(str(self.cleaned_data["channel"])).alias

    def clean_language(self) -> str:
        language = str(self.cleaned_data["language"])
        if not _LANGUAGE.match(language):
            raise forms.ValidationError(_("Write the code of a language, such as “de” or “en”."))
        return language

    @property
    def used_channel(self) -> Channel:
        return get_channel(self.cleaned_data["channel"])

    def content(self) -> Content:
        """The texts that the channel uses, as the renderer takes them."""
        data = self.cleaned_data
        is_mail = self.used_channel.address_kind == "email"
        names = TEXT_FIELDS if is_mail else ("text",)
        texts = {name: data[name] for name in names}
        return Content(data["language"], **texts, about=data["about"] or TemplateSubject.CART)

    def may_advertise(self) -> bool:
        """Whether the messages that it makes show vouchers and suggestions. One query."""
        return may_advertise(self.cleaned_data["code"], self.cleaned_data["channel"])

    def problems(self) -> list[Problem]:
        """All that is wrong with what is typed; empty if it can be sent."""
        found = [
            Problem(name, 0, str(reason), label_of(name))
            for name, reasons in self.errors.items()
            for reason in reasons
        ]
        return found or problems_of(self.content(), self.cleaned_data["channel"])


def problems_of(content: Content, channel: str) -> list[Problem]:
    texts = {name: getattr(content, name) for name in TEXT_FIELDS}
    found = validate_template(
        address_kind=get_channel(channel).address_kind, language=content.language,
        about=content.about, **texts,
    )  # fmt: skip
    return [problem_of(error) for error in found]
