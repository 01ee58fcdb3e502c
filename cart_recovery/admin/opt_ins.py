"""Double opt-ins and notices: what waits for an answer, and what the app told people."""

from __future__ import annotations

from django.contrib import admin

from cart_recovery.admin.lists import ReadOnlyAdmin
from cart_recovery.models import Notice, OptIn


@admin.register(OptIn)
class OptInAdmin(ReadOnlyAdmin):
    list_display = ["requested_at", "contact", "channel", "state", "source", "expires_at"]
    list_filter = ["state", "channel"]
    list_select_related = ["contact"]


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ["created_at", "kind", "contact", "channel", "state", "reason", "ended_at"]
    list_filter = ["kind", "state", "channel"]
    list_select_related = ["contact"]
    exclude = ["claim_token", "lease_until"]
