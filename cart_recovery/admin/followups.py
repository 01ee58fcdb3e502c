"""What is planned, what was decided, and what it brought in."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.access import CANCEL
from cart_recovery.admin.bases import AnyTabularInline
from cart_recovery.admin.bulk import BulkAdmin, Outlook
from cart_recovery.admin.filters import (
    CampaignFilter,
    ChannelFilter,
    ProblemFilter,
    choice_filter,
    period_filter,
)
from cart_recovery.admin.links import admin_link_by_key, subject_link
from cart_recovery.admin.lists import ReadOnlyAdmin
from cart_recovery.admin.persons import PersonSearchAdmin
from cart_recovery.admin.reasons import choice_label, reason_label
from cart_recovery.admin.states import state_badge
from cart_recovery.admin.stories import StoryAdmin, StorySearchAdmin
from cart_recovery.channels.names import channel_name
from cart_recovery.delivery.cancelling import cancel, obstacle_to
from cart_recovery.models import (
    Conversion,
    CreditBasis,
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
    Reason,
)
from cart_recovery.models.followups import FAULTS
from cart_recovery.shop.money import price_text
from cart_recovery.stories import scopes

OPEN_STATES = (FollowUpState.PLANNED, FollowUpState.CLAIMED)


class FollowUpCampaignFilter(CampaignFilter):
    field = "step"
    by_step = True


class FollowUpProblemFilter(ProblemFilter):
    """What the shop can mend: faults of templates, channels and workers, and what came too late."""

    problems = Q(reason__in=FAULTS)


@admin.register(FollowUp)
class FollowUpAdmin(StorySearchAdmin, BulkAdmin, PersonSearchAdmin, ReadOnlyAdmin):
    list_display = [
        "pk", "state_label", "due_at", "campaign", "step_position", "why", "contact_link",
        "subject_link",
    ]  # fmt: skip
    list_filter = [
        FollowUpProblemFilter,
        choice_filter("state", _("state"), FollowUpState.choices, indexed=OPEN_STATES),
        period_filter("planned_for"), FollowUpCampaignFilter,
        choice_filter("reason", _("reason"), Reason.choices, indexed=FAULTS),
    ]  # fmt: skip
    lookups = ("enrolment", "enrolment__contact", "enrolment__cart", "enrolment__order__order")
    list_select_related = ["step", "enrolment__campaign", "enrolment__order__order"]
    person_path = "enrolment__contact"
    actions = ["cancel_planned"]
    readonly_fields = [
        "enrolment_link", "contact_link", "subject_link", "campaign", "step_position", "state_label",
        "why", "choice", "planned_for", "due_at", "attempts", "ended_at",
    ]  # fmt: skip
    fields = [*readonly_fields]
    csv_fields = (
        "pk", "enrolment.campaign.name", "step.position", "state", "reason", "choice_reason",
        "planned_for", "due_at", "ended_at", "enrolment.contact_id", "enrolment.cart_id",
    )  # fmt: skip

    def scope_of(self, row: Any) -> scopes.Scope:
        return scopes.of_enrolment(row.enrolment)

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

    @admin.display(description=_("about"))
    def subject_link(self, followup: FollowUp) -> SafeString | str:
        return subject_link(followup.enrolment)

    @admin.display(description=_("enrolment"))
    def enrolment_link(self, followup: FollowUp) -> SafeString | str:
        key = followup.enrolment_id
        title = _("Enrolment %(pk)s") % {"pk": key}
        return admin_link_by_key("cart_recovery", "enrolment", key, title)

    @admin.display(description=_("state"))
    def state_label(self, followup: FollowUp) -> SafeString:
        return state_badge("followup", followup.state, followup.get_state_display())

    @admin.display(description=_("reason"))
    def why(self, followup: FollowUp) -> str:
        return reason_label(followup.reason)

    @admin.display(description=_("choice of the channel"))
    def choice(self, followup: FollowUp) -> str:
        return choice_label(followup.choice_reason)

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(CANCEL)

    @admin.action(description=_("Cancel what is planned"), permissions=["cancel"])
    def cancel_planned(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        """Only planned ones: what is being worked on or sent stays as it is."""
        rows = list(queryset)
        if not self.is_confirmed(request):
            return self.ask(
                request, [_cancel_outlook(row) for row in rows], action="cancel_planned",
                title=gettext("Cancel what is planned"),
                question=gettext(
                    "Nothing more will be sent about these carts and orders: the later steps are dropped too."
                ),
            )  # fmt: skip
        done = set(cancel(rows, timezone.now()))
        self.log_bulk(request, [row for row in rows if row.pk in done], gettext("Cancelled."))
        text = ngettext(
            "%(n)s follow-up cancelled.", "%(n)s follow-ups cancelled.", len(done)
        )  # fmt: skip
        self.message_user(request, text % {"n": len(done)}, messages.SUCCESS)
        return None


def _cancel_outlook(followup: FollowUp) -> Outlook:
    obstacle = obstacle_to(followup)
    text = capfirst(str(obstacle.label)) if obstacle is not None else ""
    return Outlook(followup, _("will be cancelled"), text)


class FollowUpInline(AnyTabularInline):
    model = FollowUp
    extra = 0
    can_delete = False
    readonly_fields = ["step_position", "state_label", "why", "choice", "due_at", "ended_at"]
    fields = [*readonly_fields]
    show_change_link = True

    step_position = FollowUpAdmin.step_position
    state_label = FollowUpAdmin.state_label
    why = FollowUpAdmin.why
    choice = FollowUpAdmin.choice

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).select_related("step")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Enrolment)
class EnrolmentAdmin(StoryAdmin, PersonSearchAdmin, ReadOnlyAdmin):
    list_display = [
        "pk", "state_label", "enrolled_at", "campaign", "why", "contact", "subject_link",
    ]  # fmt: skip
    list_filter = [
        choice_filter("state", _("state"), EnrolmentState.choices), period_filter("enrolled_at"),
        CampaignFilter, choice_filter("reason", _("reason"), Reason.choices),
    ]  # fmt: skip
    lookups = ("contact", "cart", "order__order")
    list_select_related = ["campaign", "contact", "cart", "order__order"]
    person_path = "contact"
    readonly_fields = [
        "campaign", "contact", "subject_link", "state_label", "why", "clock_at", "enrolled_at", "ended_at",
    ]  # fmt: skip
    fields = [*readonly_fields]
    inlines = [FollowUpInline]
    csv_fields = (
        "pk", "campaign.name", "contact_id", "cart_id", "state", "reason", "clock_at",
        "enrolled_at", "ended_at",
    )  # fmt: skip

    def scope_of(self, row: Any) -> scopes.Scope:
        return scopes.of_enrolment(row)

    @admin.display(description=_("about"))
    def subject_link(self, enrolment: Enrolment) -> SafeString | str:
        return subject_link(enrolment)

    @admin.display(description=_("state"))
    def state_label(self, enrolment: Enrolment) -> SafeString:
        return state_badge("enrolment", enrolment.state, enrolment.get_state_display())

    @admin.display(description=_("reason"))
    def why(self, enrolment: Enrolment) -> str:
        return reason_label(enrolment.reason)


@admin.register(Conversion)
class ConversionAdmin(ReadOnlyAdmin):
    list_display = [
        "pk", "credited_at", "order_link", "price", "refunded", "campaign", "channel_label",
        "basis", "reversed_at",
    ]  # fmt: skip
    list_filter = [
        period_filter("credited_at"), ChannelFilter, CampaignFilter,
        choice_filter("basis", _("credited because"), CreditBasis.choices),
    ]  # fmt: skip
    lookups = ("contact", "cart", "message")
    list_select_related = ["campaign"]
    search_fields = ["=order_number"]
    search_help_text = _("A whole order number.")
    csv_fields = (
        "pk", "credited_at", "order_number", "amount", "refunded_amount", "currency",
        "campaign.name", "channel", "basis", "contact_id", "cart_id", "message_id", "reversed_at",
    )  # fmt: skip

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(order_number=term) if term else queryset), False

    @admin.display(description=_("order"))
    def order_link(self, conversion: Conversion) -> SafeString | str:
        return admin_link_by_key("order", "order", conversion.order_id, conversion.order_number)

    @admin.display(description=_("amount"))
    def price(self, conversion: Conversion) -> str:
        return price_text(conversion.amount, conversion.currency)

    @admin.display(description=_("refunded"))
    def refunded(self, conversion: Conversion) -> str:
        return price_text(conversion.refunded_amount, conversion.currency)

    @admin.display(description=_("channel"))
    def channel_label(self, conversion: Conversion) -> str:
        return channel_name(conversion.channel)
