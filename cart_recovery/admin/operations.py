"""Is it running? The health page, paused channels and the sweep's heartbeat."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import override

from cart_recovery.admin.access import RESUME, SEE_HEALTH
from cart_recovery.admin.bases import AnyModelAdmin
from cart_recovery.admin.lists import ReadOnlyAdmin
from cart_recovery.admin.pages import PagesAdmin
from cart_recovery.channels.names import channel_name
from cart_recovery.delivery.pausing import obstacles, resume
from cart_recovery.health import examining
from cart_recovery.health.wording import SUMMARIES, tell
from cart_recovery.models import ChannelStatus, Heartbeat


class ResumingAdmin(AnyModelAdmin):
    """Taking channels into use again: checked first, logged, with a word on what happens next."""

    def resume(self, request: HttpRequest, status: ChannelStatus) -> None:
        name = channel_name(status.channel)
        with override("en"):
            # made for the shop's developers, as everything that `manage.py check` says
            problems = obstacles(status.channel)
        if problems:
            refusal = _("%(channel)s stays paused, since its settings are wrong: %(problems)s")
            refusal_facts = {"channel": name, "problems": " ".join(problems)}
            self.message_user(request, refusal % refusal_facts, messages.ERROR)
            return
        resume(status.channel)
        examining.forget()
        self.log_change(request, status, _resumed(status))
        told = _(
            "%(channel)s is in use again. What waits goes out within the next minutes; if the "
            "provider refuses us once more, the channel is paused again."
        )
        self.message_user(request, told % {"channel": name}, messages.SUCCESS)


def _resumed(status: ChannelStatus) -> str:
    """For the log: what was taken back."""
    paused_at = timezone.localtime(status.paused_at) if status.paused_at else None
    told = _("Used again. Paused since %(paused_at)s: %(reason)s")
    return told % {
        "paused_at": f"{paused_at:%Y-%m-%d %H:%M}" if paused_at else "-",
        "reason": status.reason or "-",
    }


@admin.register(ChannelStatus)
class ChannelStatusAdmin(ResumingAdmin, ReadOnlyAdmin):
    list_display = ["channel", "paused_at", "not_before", "reason"]
    actions = ["resume_channels"]

    @admin.action(description=_("Use the channel again"), permissions=["resume"])
    def resume_channels(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """After the repair: what waits goes out with the next sweep."""
        for status in queryset:
            self.resume(request, status)

    def has_resume_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(RESUME)


@admin.register(Heartbeat)
class HeartbeatAdmin(ResumingAdmin, PagesAdmin, ReadOnlyAdmin):
    list_display = ["stage", "ran_at"]
    pages = (
        ("health/", "health_view", SEE_HEALTH),
        ("health/resume/<str:channel>/", "resume_view", RESUME),
    )

    def health_view(self, request: HttpRequest) -> HttpResponse:
        """Everything at this moment, worst first."""
        examining.forget()
        health = examining.current()
        told = [tell(finding) for finding in health.findings]
        return self.page(
            request, "health.html", title=_("Health"), health=health,
            summary=SUMMARIES[health.severity],
            told=sorted(told, key=lambda t: -t.finding.severity),
            may_resume=request.user.has_perm(RESUME),
        )  # fmt: skip

    def resume_view(self, request: HttpRequest, channel: str) -> HttpResponse:
        """Take one channel into use again, by POST; looking at it leads to the page."""
        if request.method == "POST":
            status = ChannelStatus.objects.filter(channel=channel, paused_at__isnull=False).first()
            if status is None:
                name = channel_name(channel)
                told = _("%(channel)s is not paused.") % {"channel": name}
                self.message_user(request, told, messages.INFO)
            else:
                self.resume(request, status)
        return HttpResponseRedirect(reverse("admin:cart_recovery_heartbeat_health"))
