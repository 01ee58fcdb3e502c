"""Pages of a campaign: outlook, activate, pause, duplicate."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cart_recovery.admin.access import ACTIVATE, ADD_CAMPAIGNS, SEE_CAMPAIGNS
from cart_recovery.admin.campaign_forms import CampaignForm
from cart_recovery.admin.pages import PagesAdmin
from cart_recovery.campaigns import editing
from cart_recovery.campaigns.texts import duration_text
from cart_recovery.models import Campaign
from cart_recovery.rendering.formats import money
from cart_recovery.reports.outlook import Outlook, StepOutlook, draft_of, outlook

FRAGMENT = "admin/cart_recovery/campaign/step_outlook.html"
SUMMARY = "admin/cart_recovery/campaign/summary.html"


class CampaignPages(PagesAdmin):
    """Changes come by POST only. Switching on and off needs a permission of its own."""

    pages = (
        ("forecast/", "forecast_view", SEE_CAMPAIGNS),
        ("<int:key>/outlook/", "outlook_view", SEE_CAMPAIGNS),
        ("<int:key>/activate/", "activate_view", ACTIVATE),
        ("<int:key>/pause/", "pause_view", ACTIVATE),
        ("<int:key>/duplicate/", "duplicate_view", ADD_CAMPAIGNS),
    )

    def forecast_view(self, request: HttpRequest) -> HttpResponseBase:
        """What stands in the form right now, as fragments of the page: {"steps": …, "summary": …}."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        key = request.POST.get("campaign", "")
        campaign = Campaign.objects.filter(pk=int(key)).first() if key.isdecimal() else None
        form = CampaignForm(request.POST, instance=campaign)
        draft = form.draft()
        found = outlook(draft)
        kept = [prefix for prefix, step in form.steps.drafts() if not step.is_removed]
        # without the request: a shop's context processors ask the database for each fragment
        fragments = {
            prefix: render_to_string(FRAGMENT, {"step": shown_step(step, found)})
            for prefix, step in zip(kept, found.steps, strict=True)
        }
        summary = render_to_string(SUMMARY, {"outlook": shown(found)})
        return JsonResponse({"steps": fragments, "summary": summary})

    def outlook_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """The same for the campaign as it is stored, as a page: nothing here needs a script."""
        campaign = self.row(key)
        found = outlook(draft_of(campaign))
        return self._page(
            request, campaign, "outlook", title=_("Reach and forecast"), **_told(found)
        )

    def activate_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """What will happen first; then, by POST, it does. Refused where nothing could be sent."""
        campaign = self.row(key)
        found = outlook(draft_of(campaign))
        if request.method == "POST":
            if not found.may_send:
                self.message_user(
                    request, _("Not activated: nothing could be sent. See below what is missing."),
                    messages.ERROR,
                )  # fmt: skip
            elif self._switch(request, campaign, is_active=True):
                return self._back(campaign)
            campaign = self.row(key)
        return self._page(request, campaign, "activate", title=_("Activate"), **_told(found))

    def pause_view(self, request: HttpRequest, key: int) -> HttpResponse:
        campaign = self.row(key)
        if request.method == "POST":
            if self._switch(request, campaign, is_active=False):
                return self._back(campaign)
            campaign = self.row(key)
        return self._page(
            request, campaign, "pause", title=_("Pause"), running=editing.running(campaign)
        )

    def duplicate_view(self, request: HttpRequest, key: int) -> HttpResponse:
        campaign = self.row(key)
        if request.method != "POST":
            return self._page(request, campaign, "duplicate", title=_("Duplicate"))
        copy = editing.duplicate(campaign)
        self.log_addition(
            request, copy, _("Copied from “%(name)s” (%(code)s).")
            % {"name": campaign.name, "code": campaign.code},
        )  # fmt: skip
        self.message_user(
            request, _("“%(name)s” was made. It is switched off.") % {"name": copy.name},
            messages.SUCCESS,
        )  # fmt: skip
        return self._back(copy)

    def _page(
        self, request: HttpRequest, campaign: Campaign, template: str, **context: Any
    ) -> HttpResponse:
        return self.page(
            request, f"campaign/{template}.html", original=campaign, subtitle=campaign.name,
            media=self.media, **context,
        )  # fmt: skip

    def _switch(self, request: HttpRequest, campaign: Campaign, *, is_active: bool) -> bool:
        """Whether it was done. Whoever saw another state than the present one looks again first."""
        seen = request.POST.get("revision", "")
        changes = None
        if seen.isdecimal() and len(seen) < 10:
            changes = editing.switch(campaign.pk, is_active=is_active, revision=int(seen))
        if changes is None:
            self.message_user(
                request,
                _("Nothing was done: somebody has changed this campaign meanwhile. Look at it again."),
                messages.WARNING,
            )  # fmt: skip
            return False
        if changes:
            self.log_change(request, campaign, " ".join(changes))
        if not is_active:
            text = _("The campaign is paused. Nothing more is sent by it.")
        elif campaign.is_about_orders:
            text = _("The campaign is active. It writes about what happens to orders from now on.")
        else:
            text = _("The campaign is active. It writes to carts that are left from now on.")
        self.message_user(request, text, messages.SUCCESS)
        return True

    def _back(self, campaign: Campaign) -> HttpResponseRedirect:
        return HttpResponseRedirect(
            reverse("admin:cart_recovery_campaign_change", args=[campaign.pk])
        )


def shown(found: Outlook) -> dict[str, Any]:
    """An outlook as the templates read it, amounts in words."""
    return {
        "carts": found.carts,
        "is_about_orders": found.is_about_orders,
        "is_foreseen": found.is_foreseen,
        "messages": round(found.messages),
        "per_day": _rounded(found.messages_per_day),
        "costs": _amounts(found.costs),
        "is_cost_unknown": found.has_costs_unknown,
        "obstacles": found.obstacles,
        "may_send": found.may_send,
        "as_of": timezone.localtime(found.as_of),
        "market": found.market,
        "taken_over": found.taken_over,
    }


def shown_step(step: StepOutlook, found: Outlook) -> dict[str, Any]:
    """A step of an outlook. Messages about orders hold no link that is counted, and no order is
    credited to them: nothing is shown of it rather than a nought."""
    variants = [
        {
            "name": v.name, "share": v.weight, "reached": v.reached, "addresses": v.addresses,
            "is_about": v.is_about,
            "messages": round(v.messages), "cost": _amounts([v.cost] if v.cost else []),
            "parts": v.parts, "sent": v.outcome.sent, "clicked": v.outcome.clicked,
            "recovered": v.outcome.recovered, "revenue": _revenue(v.outcome.revenue),
            "obstacles": v.obstacles,
        }
        for v in step.variants
    ]  # fmt: skip
    return {
        "variants": variants,
        "is_credited": not found.is_about_orders,
        "obstacles": step.obstacles,
        "windows": step.windows,
        "messages": round(step.messages),
        "costs": _amounts(step.costs),
        "may_send": step.may_send,
        "former": step.former,
        "former_revenue": _revenue(step.former.revenue),
        "delay": duration_text(step.draft.delay) if step.draft.delay else "",
    }


def _told(found: Outlook) -> dict[str, Any]:
    """An outlook as the pages show it: as a whole, and step by step."""
    return {"outlook": shown(found), "steps": _numbered(found)}


def _numbered(found: Outlook) -> list[tuple[int, dict[str, Any]]]:
    return [(number, shown_step(step, found)) for number, step in enumerate(found.steps, 1)]


def _rounded(count: float) -> float | int:
    """Few messages a day are told with a decimal: 0.4 is not nothing."""
    return round(count, 1) if 0 < count < 10 else round(count)


def _amounts(costs: Iterable[tuple[Decimal, str]]) -> str:
    language = translation.get_language() or "en"
    return " + ".join(money(amount.quantize(Decimal("0.01")), currency, language)
                      for amount, currency in costs)  # fmt: skip


def _revenue(revenue: dict[str, Decimal]) -> str:
    return _amounts((amount, currency) for currency, amount in sorted(revenue.items()) if currency)
