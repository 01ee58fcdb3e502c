"""Versions of a template: who saved what when, how two of them differ, and the way back."""

from __future__ import annotations

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
)
from django.urls import reverse
from django.utils.translation import gettext as _

from cart_recovery.admin.access import EDIT_TEMPLATES
from cart_recovery.admin.pages import PagesAdmin
from cart_recovery.admin.template_forms import label_of, problems_of
from cart_recovery.channels.registry import configured_aliases
from cart_recovery.models import MessageTemplate, TemplateVersion
from cart_recovery.rendering import versions
from cart_recovery.rendering.contents import Content

#: versions that one page lists, newest first
MAX_LISTED = 200


class VersionPages(PagesAdmin):
    version_pages = (
        ("<int:key>/versions/", "versions_view", EDIT_TEMPLATES),
        ("<int:key>/roll-back/", "roll_back_view", EDIT_TEMPLATES),
    )

    def versions_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """All versions; with `?from=1&to=3`, how the two differ."""
        template = self.row(key)
        rows = list(
            template.versions.select_related("saved_by")
            .defer("html", "text")
            .order_by("-number")[:MAX_LISTED]
        )
        before, after = _chosen(request, template, rows)
        differences = versions.compare(before, after) if before and after else None
        return self.page(
            request, "messagetemplate/versions.html", title=_("Versions"), original=template,
            rows=rows, before=before, after=after, differences=labelled(differences),
            is_compared=differences is not None, is_never_saved=not rows,
        )  # fmt: skip

    def roll_back_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """The texts of a version come back as a new version; nothing is thrown away."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        template = self.row(key)
        version = _by_number(template, request.POST.get("number", ""))
        where = reverse("admin:cart_recovery_messagetemplate_versions", args=[template.pk])
        if version is None:
            self.message_user(request, _("There is no such version."), messages.ERROR)
            return HttpResponseRedirect(where)
        if refusal := _refusal(request, template, version):
            self.message_user(request, refusal, messages.ERROR)
            return HttpResponseRedirect(where)
        new = versions.restore(template, version, user=request.user)
        done = _("Version %(old)s was brought back as version %(new)s.") % {
            "old": version.number, "new": new.number,
        }  # fmt: skip
        self.log_change(request, template, done)
        self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(where)


def labelled(
    differences: list[versions.Difference] | None,
) -> list[tuple[str, versions.Difference]]:
    """Each difference with its field in words."""
    return [(label_of(found.field), found) for found in differences or ()]


def _chosen(
    request: HttpRequest, template: MessageTemplate, rows: list[TemplateVersion]
) -> tuple[TemplateVersion | None, TemplateVersion | None]:
    """The two versions to compare, the older one first: those asked for, else the last two."""
    asked = [_by_number(template, request.GET.get(name, "")) for name in ("from", "to")]
    found = [version for version in asked if version is not None]
    if len(found) < 2:
        found = rows[:2]
    if len(found) < 2:
        return None, None
    before, after = sorted(found, key=lambda version: version.number)
    return before, after


def _by_number(template: MessageTemplate, number: str) -> TemplateVersion | None:
    if not (number.isascii() and number.isdecimal() and len(number) < 10):
        return None
    return template.versions.filter(number=int(number)).first()


def _refusal(request: HttpRequest, template: MessageTemplate, version: TemplateVersion) -> str:
    """Why the version cannot come back, or ""."""
    seen = request.POST.get("seen_revision", "")
    if seen != str(template.revision):
        return _(
            "Somebody has saved this template since you opened this page. Look at the newest version, "
            "then choose again."
        )
    if template.channel not in configured_aliases():
        return _("The template's channel is not set up, so the text cannot be checked.")
    texts = {name: getattr(version, name) for name in versions.TEXTS}
    content = Content(template.language, **texts, about=template.about)
    problems = problems_of(content, template.channel)
    if not problems:
        return ""
    first = problems[0]
    return _("Version %(number)s could not be sent as things are now. %(where)s: %(reason)s") % {
        "number": version.number, "where": first.where, "reason": first.reason,
    }  # fmt: skip
