"""Is it running? Paused channels and the sweep's heartbeat."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.lists import ReadOnlyAdmin
from cart_recovery.delivery.pausing import resume
from cart_recovery.models import ChannelStatus, Heartbeat


@admin.register(ChannelStatus)
class ChannelStatusAdmin(ReadOnlyAdmin):
    list_display = ["channel", "paused_at", "not_before", "reason"]
    actions = ["resume_channels"]

    @admin.action(description=_("Use the channel again"), permissions=["resume"])
    def resume_channels(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """After the repair: what waits goes out with the next sweep."""
        for status in queryset:
            resume(status.channel)
        self.message_user(request, _("The channels are in use again."), messages.SUCCESS)

    def has_resume_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("cart_recovery.change_channelstatus")


@admin.register(Heartbeat)
class HeartbeatAdmin(ReadOnlyAdmin):
    list_display = ["stage", "ran_at"]
