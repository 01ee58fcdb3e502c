"""Messages and planned follow-ups: state, reason, events, and the way to cart and order."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cart_recovery.admin.bases import AnyTabularInline
from cart_recovery.admin.links import admin_link_by_key
from cart_recovery.admin.lists import ReadOnlyAdmin
from cart_recovery.admin.reasons import choice_label, reason_label
from cart_recovery.admin.searching import digests_of
from cart_recovery.models import (
    Conversion,
    DeliveryEvent,
    FollowUp,
    FollowUpState,
    Message,
    Reason,
    WebhookPayload,
)


class DeliveryEventInline(AnyTabularInline):
    model = DeliveryEvent
    extra = 0
    can_delete = False
    readonly_fields = ["occurred_at", "kind", "code", "detail", "is_machine"]
    fields = [*readonly_fields]
    ordering = ["occurred_at", "pk"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    list_display = [
        "pk", "channel", "state", "reason_label", "subject", "contact_link", "cart_link",
        "sending_at",
    ]  # fmt: skip
    list_filter = ["state", "channel", "notice__kind", "language"]
    list_select_related = ["followup__enrolment"]
    search_fields = ["address_digest"]
    search_help_text = _("A whole e-mail address or phone number, or the provider's id.")
    inlines = [DeliveryEventInline]
    readonly_fields = [
        "channel", "language", "state", "reason_label", "detail", "to_address", "subject", "text",
        "sms_parts", "contact_link", "cart_link", "order_link", "campaign_link", "choice_reason",
        "attempts", "created_at", "sending_at", "sent_at", "delivered_at", "provider_message_id",
    ]  # fmt: skip
    fields = [*readonly_fields]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows = super().get_queryset(request)
        # the list shows no bodies
        return rows.defer("html") if request.resolver_match else rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By index only: hash of a whole address, or the provider's id."""
        term = search_term.strip()
        if not term:
            return queryset, False
        digests = digests_of(term)
        if digests:
            return queryset.filter(address_digest__in=digests), False
        return queryset.filter(provider_message_id=term), False

    @admin.display(description=_("reason"))
    def reason_label(self, message: Message) -> str:
        return reason_label(message.reason)

    @admin.display(description=_("contact"))
    def contact_link(self, message: Message) -> SafeString | str:
        title = _("Contact %(pk)s") % {"pk": message.contact_id}
        return admin_link_by_key("cart_recovery", "contact", message.contact_id, title)

    @admin.display(description=_("cart"))
    def cart_link(self, message: Message) -> SafeString | str:
        if message.followup is None:
            return ""
        key = message.followup.enrolment.cart_id
        return admin_link_by_key(
            "cart_recovery", "trackedcart", key, _("Cart %(pk)s") % {"pk": key}
        )

    @admin.display(description=_("order"))
    def order_link(self, message: Message) -> SafeString | str:
        if message.followup is None:
            return ""
        key = message.followup.enrolment.cart.order_id
        return admin_link_by_key("order", "order", key, str(key))

    @admin.display(description=_("campaign"))
    def campaign_link(self, message: Message) -> SafeString | str:
        if message.followup is None:
            return ""
        campaign = message.followup.enrolment.campaign
        return admin_link_by_key("cart_recovery", "campaign", campaign.pk, campaign.name)

    @admin.display(description=_("choice of the channel"))
    def choice_reason(self, message: Message) -> str:
        return choice_label(message.followup.choice_reason) if message.followup else ""


@admin.register(FollowUp)
class FollowUpAdmin(ReadOnlyAdmin):
    list_display = ["pk", "campaign", "step_position", "contact_link", "state", "why", "due_at"]
    list_filter = ["state", "reason"]
    list_select_related = ["step", "enrolment__campaign"]
    search_fields = ["enrolment__contact__email_key__startswith"]
    actions = ["cancel_planned"]
    readonly_fields = [
        "enrolment", "contact_link", "step", "state", "why", "choice", "variant", "planned_for",
        "due_at", "attempts", "ended_at",
    ]  # fmt: skip
    fields = [*readonly_fields]

    @admin.display(description=_("campaign"))
    def campaign(self, followup: FollowUp) -> str:
        return followup.enrolment.campaign.name

    @admin.display(description=_("step"))
    def step_position(self, followup: FollowUp) -> int:
        return followup.step.position

    @admin.display(description=_("contact"))
    def contact_link(self, followup: FollowUp) -> SafeString | str:
        key = followup.enrolment.contact_id
        title = _("Contact %(pk)s") % {"pk": key}
        return admin_link_by_key("cart_recovery", "contact", key, title)

    @admin.display(description=_("reason"))
    def why(self, followup: FollowUp) -> str:
        return reason_label(followup.reason)

    @admin.display(description=_("choice of the channel"))
    def choice(self, followup: FollowUp) -> str:
        return choice_label(followup.choice_reason)

    @admin.action(description=_("Cancel what is planned"), permissions=["cancel"])
    def cancel_planned(self, request: HttpRequest, queryset: QuerySet[FollowUp]) -> None:
        """Only planned ones: what is being worked on or sent stays as it is."""
        count = queryset.filter(state=FollowUpState.PLANNED).update(
            state=FollowUpState.CANCELLED, reason=Reason.STAFF, ended_at=timezone.now()
        )
        self.message_user(
            request,
            ngettext("%(n)s follow-up cancelled.", "%(n)s follow-ups cancelled.", count)
            % {"n": count},
            messages.SUCCESS,
        )

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("cart_recovery.change_followup")


@admin.register(Conversion)
class ConversionAdmin(ReadOnlyAdmin):
    list_display = [
        "credited_at", "order_link", "amount", "refunded_amount", "currency", "campaign", "channel",
        "basis", "reversed_at",
    ]  # fmt: skip
    list_filter = ["channel", "campaign", "basis", "currency"]
    list_select_related = ["campaign"]
    search_fields = ["=order_number"]

    @admin.display(description=_("order"))
    def order_link(self, conversion: Conversion) -> SafeString | str:
        return admin_link_by_key("order", "order", conversion.order_id, conversion.order_number)


@admin.register(WebhookPayload)
class WebhookPayloadAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "channel", "accepted", "rejected"]
    list_filter = ["channel"]
