"""Campaigns with their steps and the mix of each step on one page, and incentives."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.db.models import Count, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.access import ACTIVATE
from cart_recovery.admin.bases import AnyModelAdmin
from cart_recovery.admin.campaign_forms import CampaignForm
from cart_recovery.admin.campaign_pages import CampaignPages
from cart_recovery.admin.durations import DurationChoiceField, duration_text
from cart_recovery.campaigns import editing
from cart_recovery.campaigns.snapshots import differences, snapshot
from cart_recovery.models import Campaign, Incentive, Message, Step
from cart_recovery.reports.outlook import draft_of, may_send
from cart_recovery.reports.results import Outcome, outcomes

DURATIONS: Final[dict[Any, dict[str, Any]]] = {
    models.DurationField: {"form_class": DurationChoiceField}
}
RECENT: Final = dt.timedelta(days=30)


class CampaignList(ChangeList):
    """Adds what came of the campaigns of the page: one query for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        today = timezone.localdate()
        keys = [campaign.pk for campaign in self.result_list]
        found = outcomes(keys, by=("campaign_key",), since=today - RECENT, until=today)
        for campaign in self.result_list:
            campaign.recent = found.get((campaign.pk,), Outcome())


@admin.register(Campaign)
class CampaignAdmin(CampaignPages):
    form = CampaignForm
    list_display = ["name", "state", "trigger", "step_count", "sent", "recovered", "priority"]
    list_filter = ["is_active", "trigger"]
    search_fields = ["name", "code"]
    change_form_template = "admin/cart_recovery/campaign/change_form.html"
    change_list_template = "admin/cart_recovery/campaign/change_list.html"
    fieldsets = [
        (None, {"fields": ["name", "code", "trigger", "starts_with", "thanks"]}),
        (_("Rules"), {
            "classes": ["collapse"],
            "fields": ["purpose", "priority", "max_age", "attribution_window"],
        }),
    ]  # fmt: skip

    class Media:
        css = {"all": ["cart_recovery/admin.css", "cart_recovery/admin/campaign.css"]}
        js = ["cart_recovery/admin/campaign.js"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return CampaignList

    def get_queryset(self, request: HttpRequest) -> QuerySet[Campaign]:
        rows: QuerySet[Campaign] = super().get_queryset(request)
        return rows.annotate(number_of_steps=Count("steps"))

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Campaign | None:
        """Who is about to write holds the row first: of two editors the second sees the first."""
        if request.method == "POST" and object_id.isdecimal():
            editing.lock(int(object_id))
        return super().get_object(request, object_id, from_field)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.spare_steps = 1 if "add_step" in request.GET else 0
        return form

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        campaign = context.get("original")
        context["may_switch"] = request.user.has_perm(ACTIVATE)
        context["may_edit"] = (
            self.has_add_permission(request)
            if campaign is None
            else self.has_change_permission(request, campaign)
        )
        return super().render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Campaign, form: Any, change: bool) -> None:
        if change:
            # as it was, before anything is written
            form.stored = form.before
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        campaign = form.instance
        editing.write_steps(campaign, [draft for _prefix, draft in form.steps.drafts()])
        if change:
            form.changes = differences(form.stored, snapshot(campaign))
        if form.changes:
            editing.count_up(campaign)
        if campaign.is_active and not may_send(draft_of(campaign)):
            self.message_user(
                request,
                _("Saved, but as it is now the campaign can send nothing: see what is missing."),
                messages.WARNING,
            )  # fmt: skip

    def construct_change_message(
        self, request: HttpRequest, form: Any, formsets: Any, add: bool = False
    ) -> Any:
        if add:
            return super().construct_change_message(request, form, formsets, add)
        return " ".join(form.changes) or str(_("Saved without a change."))

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """A campaign that has written to anybody stays: its messages would go with it."""
        protected = [text for campaign in objs if (text := _history(campaign))]
        if protected:
            return [], {}, set(), protected
        return super().get_deleted_objects(objs, request)

    @admin.display(description=_("state"), ordering="is_active")
    def state(self, campaign: Campaign) -> SafeString:
        if campaign.is_active:
            return format_html(
                '<span class="cr-state cr-on"><span aria-hidden="true">▶</span> {}</span>',
                _("active"),
            )
        return format_html(
            '<span class="cr-state"><span aria-hidden="true">■</span> {}</span>', _("switched off")
        )

    @admin.display(description=_("steps"), ordering="number_of_steps")
    def step_count(self, campaign: Any) -> int:
        return int(campaign.number_of_steps)

    @admin.display(description=_("sent (30 days)"))
    def sent(self, campaign: Any) -> int:
        return int(campaign.recent.sent)

    @admin.display(description=_("orders (30 days)"))
    def recovered(self, campaign: Any) -> int:
        return int(campaign.recent.recovered)


@admin.register(Incentive)
class IncentiveAdmin(AnyModelAdmin):
    list_display = ["name", "kind", "value", "minimum_basket", "validity"]
    list_filter = ["kind"]
    search_fields = ["name"]
    formfield_overrides = DURATIONS

    @admin.display(description=_("valid for"), ordering="valid_for")
    def validity(self, incentive: Incentive) -> str:
        return duration_text(incentive.valid_for)

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[Any], dict[Any, int], set[Any], list[Any]]:
        """An incentive that a step offers stays: the step would offer nothing, without a word."""
        protected = list(_uses(objs))
        if protected:
            return [], {}, set(), protected
        return super().get_deleted_objects(objs, request)


def _history(campaign: Campaign) -> str:
    """Why a campaign stays, "" where nothing hangs on it."""
    people = campaign.enrolments.count()
    if not people:
        return ""
    sent = Message.objects.filter(followup__enrolment__campaign=campaign).count()
    return _(
        "%(name)s: %(people)s shoppers are or were in this campaign, and %(sent)s messages to them would "
        "be lost. Pause it instead."
    ) % {"name": campaign.name, "people": people, "sent": sent}


def _uses(incentives: Iterable[Incentive]) -> Iterable[str]:
    steps = Step.objects.filter(incentive__in=[i.pk for i in incentives])
    for step in steps.select_related("campaign", "incentive").order_by("campaign", "position"):
        yield _(
            "%(incentive)s is offered by “%(campaign)s”, step %(n)s. Choose another incentive there "
            "first."
        ) % {"incentive": step.incentive, "campaign": step.campaign.name, "n": step.position}
