"""`{% load recovery_admin %}`: what the app's index page in admin shows above and around its lists."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from django import template
from django.template.context import Context
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin import periods
from cart_recovery.admin.access import SEE_REPORTS
from cart_recovery.admin.dashboard import build, today

register = template.Library()

#: the lists by what they are for; what is named nowhere comes last
GROUPS: Final[Sequence[tuple[Promise, Sequence[str]]]] = (
    (_("Campaigns and texts"), ("Campaign", "MessageTemplate", "Incentive")),
    (
        _("Carts and messages"),
        ("TrackedCart", "CheckoutTrouble", "Enrolment", "FollowUp", "Message", "Conversion",
         "Notice"),
    ),
    (
        _("After the order"),
        ("StaffTask", "ServiceRating", "LineReview", "ReviewLink"),
    ),
    (
        _("People and permissions"),
        ("Contact", "ConsentRecord", "ConsentWording", "OptIn", "Suppression", "SuppressionChange",
         "Reply"),
    ),
    (_("Operation"), ("ChannelStatus", "Heartbeat", "WebhookPayload", "DeliveryEvent")),
)  # fmt: skip
#: stands on the page already
SHOWN: Final = "DailyFigure"


@register.inclusion_tag("admin/cart_recovery/dashboard.html", takes_context=True)
def recovery_dashboard(context: Context) -> dict[str, Any]:
    """The figures of the days that the query string asks for; nothing for who may not see them."""
    request = context["request"]
    if not request.user.has_perm(SEE_REPORTS):
        return {}
    asked = periods.read(request.GET.dict(), today())
    return {
        **build(asked),
        "presets": periods.PRESETS,
        # what was typed wrongly stays to be corrected
        "since": asked.since or asked.period.since.isoformat(),
        "until": asked.until or asked.period.until.isoformat(),
        "today": today().isoformat(),
    }


@register.simple_tag
def recovery_groups(app_list: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Admin's list of our models, parted into groups that read like apps to its template."""
    found = []
    for app in app_list:
        models = {model["object_name"]: model for model in app["models"]}
        models.pop(SHOWN, None)
        for title, names in GROUPS:
            if mine := [models.pop(name) for name in names if name in models]:
                found.append({**app, "name": title, "models": mine})
        if models:
            found.append({**app, "name": _("More"), "models": list(models.values())})
    return found
