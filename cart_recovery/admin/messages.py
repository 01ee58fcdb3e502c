"""The message log: what was sent to whom, what became of it, and what it looked like."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.access import RETRY, SEE_PERSONS, may_see_persons
from cart_recovery.admin.bases import AnyTabularInline
from cart_recovery.admin.bodies import body_response, without_tokens
from cart_recovery.admin.bulk import BulkAdmin, Outlook
from cart_recovery.admin.filters import (
    CampaignFilter,
    ChannelFilter,
    LanguageFilter,
    ProblemFilter,
    choice_filter,
    period_filter,
)
from cart_recovery.admin.links import admin_link_by_key, subject_link
from cart_recovery.admin.lists import ReadOnlyAdmin
from cart_recovery.admin.reasons import choice_label, reason_label
from cart_recovery.admin.states import state_badge
from cart_recovery.admin.stories import StoryAdmin
from cart_recovery.channels.names import channel_name
from cart_recovery.contacts.addresses import digests_of
from cart_recovery.contacts.masking import DOTS, masked, without_addresses
from cart_recovery.delivery.retrying import RetryObstacle, examine, retry
from cart_recovery.models import (
    DeliveryEvent,
    Message,
    MessageState,
    NoticeKind,
    Reason,
    WebhookPayload,
)
from cart_recovery.models.messages import PROBLEM_STATES
from cart_recovery.stories import scopes

DIGEST_LENGTH = 64


class MessageCampaignFilter(CampaignFilter):
    field = "followup__step"
    by_step = True


class MessageProblemFilter(ProblemFilter):
    problems = Q(state__in=PROBLEM_STATES)


def masked_recipient(message: Message, address: str) -> str:
    return masked("email" if "@" in address else "phone", address)


class DeliveryEventInline(AnyTabularInline):
    model = DeliveryEvent
    extra = 0
    can_delete = False
    readonly_fields = ["occurred_at", "event_badge", "code", "provider_words", "is_machine"]
    fields = [*readonly_fields]
    ordering = ["occurred_at", "pk"]
    verbose_name_plural = _("What the provider reported")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description=_("kind"))
    def event_badge(self, event: DeliveryEvent) -> SafeString:
        return state_badge("deliveryevent", event.kind, event.get_kind_display())

    @admin.display(description=_("detail"))
    def provider_words(self, event: DeliveryEvent) -> str:
        """Mail servers like to repeat the recipient, whom the page names (or masks) above."""
        return without_addresses(event.detail)


@admin.register(Message)
class MessageAdmin(StoryAdmin, BulkAdmin, ReadOnlyAdmin):
    pages = (("<int:key>/body/", "body_view", SEE_PERSONS),)
    list_display = [
        "pk", "state_label", "created_at", "channel_label", "reason_label", "to_address", "subject",
        "contact_link", "subject_link",
    ]  # fmt: skip
    list_filter = [
        MessageProblemFilter,
        choice_filter("state", _("state"), MessageState.choices, indexed=PROBLEM_STATES),
        period_filter("created_at"), ChannelFilter, MessageCampaignFilter,
        choice_filter("reason", _("reason"), Reason.choices),
        choice_filter("notice__kind", _("notice"), NoticeKind.choices),
        LanguageFilter,
    ]  # fmt: skip
    lookups = ("contact", "followup__enrolment__cart", "followup__enrolment__order__order")
    list_select_related = ["followup__enrolment__order__order"]
    list_deferred = ("html", "text", "detail")
    masked = {
        "to_address": "masked_address", "subject": "masked_subject", "detail": "masked_detail",
    }  # fmt: skip
    search_fields = ["address_digest"]
    search_help_text = _("A whole e-mail address or phone number, or the provider's id.")
    actions = ["try_again"]
    inlines = [DeliveryEventInline]
    readonly_fields = [
        "channel_label", "language", "state_label", "reason_label", "detail", "to_address",
        "subject", "sms_parts", "contact_link", "subject_link", "order_link", "campaign_link",
        "choice_reason", "attempts", "created_at", "sending_at", "sent_at", "delivered_at",
        "provider_message_id",
    ]  # fmt: skip
    fields = [*readonly_fields]
    csv_fields = (
        "pk", "created_at", "channel", "language", "state", "reason", "to_address", "subject",
        "sms_parts", "attempts", "sending_at", "sent_at", "delivered_at", "contact_id",
        "followup.enrolment.cart_id", "followup.step.campaign.name", "followup.step.position",
    )  # fmt: skip
    csv_related = ("followup__enrolment", "followup__step__campaign")
    csv_masked = {"to_address": masked_recipient, "subject": lambda _row, _text: DOTS}

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

    def scope_of(self, row: Any) -> scopes.Scope:
        if row.followup is None:
            return scopes.of_contact(row.contact_id)
        return scopes.of_enrolment(row.followup.enrolment)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        sees = may_see_persons(request)
        context = {
            **(extra_context or {}), "sees_persons": sees,
            "has_html": bool(row is not None and row.html),
            "cut_text": without_tokens(row.text) if row is not None and sees else "",
        }  # fmt: skip
        return super().change_view(request, object_id, form_url, context)

    def body_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """The mail alone, for the sandboxed frame on its page."""
        row = self.row(key)
        if not self.has_view_permission(request, row) or not row.html:
            raise Http404
        return body_response(row.html)

    @admin.display(description=_("channel"))
    def channel_label(self, message: Message) -> str:
        return channel_name(message.channel)

    @admin.display(description=_("state"))
    def state_label(self, message: Message) -> SafeString:
        return state_badge("message", message.state, message.get_state_display())

    @admin.display(description=_("reason"))
    def reason_label(self, message: Message) -> str:
        return reason_label(message.reason)

    @admin.display(description=_("recipient"))
    def masked_address(self, message: Message) -> str:
        return masked_recipient(message, message.to_address)

    @admin.display(description=_("subject"))
    def masked_subject(self, message: Message) -> str:
        return DOTS if message.subject else ""

    @admin.display(description=_("detail"))
    def masked_detail(self, message: Message) -> str:
        return without_addresses(message.detail)

    @admin.display(description=_("contact"))
    def contact_link(self, message: Message) -> SafeString | str:
        title = _("Contact %(pk)s") % {"pk": message.contact_id}
        return admin_link_by_key("cart_recovery", "contact", message.contact_id, title)

    @admin.display(description=_("about"))
    def subject_link(self, message: Message) -> SafeString | str:
        if message.followup is None:
            return ""
        return subject_link(message.followup.enrolment)

    @admin.display(description=_("order"))
    def order_link(self, message: Message) -> SafeString | str:
        if message.followup is None:
            return ""
        enrolment = message.followup.enrolment
        subject = enrolment.cart or enrolment.order
        key = subject and subject.order_id
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

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(RETRY)

    @admin.action(description=_("Try again what failed"), permissions=["retry"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Only what surely reached no provider; asked first, row by row."""
        rows = list(queryset)
        now = timezone.now()
        if not self.is_confirmed(request):
            effect = _("will be planned again and judged by all rules")
            outlooks = [
                Outlook(o.message, effect, _obstacle_text(o.obstacle, o.reason))
                for o in examine(rows, now)
            ]
            return self.ask(
                request, outlooks, action="try_again", title=gettext("Try again what failed"),
                question=gettext(
                    "Only messages that surely reached no provider are tried again; nothing is ever"
                    " sent twice."
                ),
            )  # fmt: skip
        done = set(retry(rows, now))
        self.log_bulk(
            request, [r for r in rows if r.pk in done], gettext("Planned to be tried again.")
        )
        text = ngettext(
            "%(n)s message will be tried again.", "%(n)s messages will be tried again.", len(done)
        )
        self.message_user(request, text % {"n": len(done)}, messages.SUCCESS)
        return None


def _obstacle_text(obstacle: RetryObstacle | None, reason: Reason | None) -> str:
    if obstacle is None:
        return ""
    why = f": {reason.label}" if reason is not None else ""
    return f"{capfirst(str(obstacle.label))}{why}"


@admin.register(DeliveryEvent)
class DeliveryEventAdmin(ReadOnlyAdmin):
    list_display = [
        "pk", "event_badge", "received_at", "channel_label", "code", "message_link", "is_machine",
    ]  # fmt: skip
    list_filter = [
        choice_filter("kind", _("kind"), DeliveryEvent.KINDS), period_filter("received_at"),
        ChannelFilter,
    ]  # fmt: skip
    lookups = ("message",)
    readonly_fields = [
        "channel_label", "event_badge", "code", "masked_detail", "is_machine", "occurred_at",
        "received_at", "message_link",
    ]  # fmt: skip
    fields = [*readonly_fields]
    csv_fields = (
        "pk", "received_at", "occurred_at", "channel", "kind", "code", "message_id", "is_machine",
    )  # fmt: skip

    channel_label = MessageAdmin.channel_label
    event_badge = DeliveryEventInline.event_badge
    masked_detail = MessageAdmin.masked_detail

    @admin.display(description=_("message"))
    def message_link(self, event: DeliveryEvent) -> SafeString | str:
        title = _("Message %(pk)s") % {"pk": event.message_id}
        return admin_link_by_key("cart_recovery", "message", event.message_id, title)


@admin.register(WebhookPayload)
class WebhookPayloadAdmin(ReadOnlyAdmin):
    list_display = ["pk", "received_at", "channel", "accepted", "rejected"]
    list_filter = [period_filter("received_at"), ChannelFilter]
    masked = {"body": "masked_body"}

    @admin.display(description=_("content"))
    def masked_body(self, webhook: WebhookPayload) -> str:
        return DOTS
