"""Double opt-ins and notices: what waits for an answer, and what the app told people."""

from __future__ import annotations

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.filters import ChannelFilter, choice_filter, period_filter
from cart_recovery.admin.lists import ReadOnlyAdmin
from cart_recovery.admin.persons import PersonSearchAdmin
from cart_recovery.admin.reasons import reason_label
from cart_recovery.admin.states import state_badge
from cart_recovery.channels.names import channel_name
from cart_recovery.models import FollowUpState, Notice, NoticeKind, OptIn, OptInState


@admin.register(OptIn)
class OptInAdmin(PersonSearchAdmin, ReadOnlyAdmin):
    list_display = [
        "pk", "state_label", "requested_at", "contact", "channel_label", "source", "expires_at",
    ]  # fmt: skip
    list_filter = [choice_filter("state", _("state"), OptInState.choices), ChannelFilter]
    lookups = ("contact",)
    list_select_related = ["contact"]

    @admin.display(description=_("channel"))
    def channel_label(self, row: OptIn | Notice) -> str:
        return channel_name(row.channel)

    @admin.display(description=_("state"))
    def state_label(self, opt_in: OptIn) -> SafeString:
        return state_badge("optin", opt_in.state, opt_in.get_state_display())


@admin.register(Notice)
class NoticeAdmin(PersonSearchAdmin, ReadOnlyAdmin):
    list_display = [
        "pk", "state_label", "created_at", "kind", "contact", "channel_label", "why", "ended_at",
    ]  # fmt: skip
    list_filter = [
        choice_filter("kind", _("kind"), NoticeKind.choices), period_filter("created_at"),
        choice_filter("state", _("state"), FollowUpState.choices), ChannelFilter,
    ]  # fmt: skip
    lookups = ("contact",)
    list_select_related = ["contact"]
    exclude = ["claim_token", "lease_until"]
    csv_fields = (
        "pk", "created_at", "kind", "contact_id", "channel", "language", "state", "reason",
        "ended_at",
    )  # fmt: skip

    channel_label = OptInAdmin.channel_label

    @admin.display(description=_("state"))
    def state_label(self, notice: Notice) -> SafeString:
        return state_badge("notice", notice.state, notice.get_state_display())

    @admin.display(description=_("reason"))
    def why(self, notice: Notice) -> str:
        return reason_label(notice.reason)
