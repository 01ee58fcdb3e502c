"""The pictures of the staff's documentation: which page of the sandbox each one shows.

`python manage.py pictures` takes them anew (docs/images/staff/<language>/<name>.png). Each entry is
(name, page, what is done on it before the picture is taken).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.contrib.auth.models import Group
from django.core.management import call_command
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from cart_recovery.models import (
    Campaign,
    CartState,
    ConsentAction,
    ConsentState,
    FollowUp,
    FollowUpState,
    MessageTemplate,
    TrackedCart,
)

LANGUAGES: Final = ("en", "de")
FOLDER: Final = Path(__file__).resolve().parents[1] / "docs/images/staff"
#: carts that are left once more, so that there are messages to show
CARTS: Final = 16


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture: its name, the path of its page in a language, and what is clicked there."""

    name: str
    path: Callable[[str], str]
    clicks: tuple[str, ...] = ()


def _list(model: str) -> Callable[[str], str]:
    return lambda language: reverse(f"admin:cart_recovery_{model}_changelist")


def _campaign(language: str) -> str:
    row = Campaign.objects.get(code="abandoned-basket")
    return reverse("admin:cart_recovery_campaign_change", args=[row.pk])


def _template(language: str) -> str:
    rows = MessageTemplate.objects.filter(code="abandoned-basket-1", channel="email")
    return reverse(
        "admin:cart_recovery_messagetemplate_change", args=[rows.get(language=language).pk]
    )


def _activate(language: str) -> str:
    """The page before a campaign is switched on: `prepare` has paused this one."""
    row = Campaign.objects.get(code="abandoned-checkout")
    return reverse("admin:cart_recovery_campaign_activate", args=[row.pk])


def _why(language: str) -> str:
    row = FollowUp.objects.filter(state=FollowUpState.DONE).latest("pk")
    return reverse("admin:cart_recovery_followup_why", args=[row.pk])


def _roles(language: str) -> str:
    row = Group.objects.get(name="Recovery support")
    return reverse("admin:auth_group_change", args=[row.pk])


PICTURES: Final = (
    Picture("templates-editor", _template),
    Picture("campaign", _campaign),
    Picture("campaign-activate", _activate),
    Picture("why", _why),
    Picture("messages", _list("message")),
    Picture("carts", _list("trackedcart")),
    Picture("reviews", _list("linereview")),
    Picture("review-results", lambda language: reverse("admin:cart_recovery_linereview_results")),
    Picture("tasks", _list("stafftask")),
    Picture("troubles", _list("checkouttrouble")),
    Picture("dashboard", lambda language: reverse("admin:app_list", args=["cart_recovery"])),
    Picture("health", lambda language: reverse("admin:cart_recovery_heartbeat_health")),
    Picture("roles", _roles),
)


def prepare() -> dict[str, dict[str, str]]:
    """Have messages sent as the sandbox sends them; language -> name -> path of the page."""
    _leave_carts(timezone.now())
    # what is due follows from what was sent: the second step of the same carts
    for _round in range(2):
        call_command("recovery_sweep", verbosity=0, stdout=_Nowhere())
    Campaign.objects.filter(code="abandoned-checkout").update(is_active=False)
    return {
        language: {picture.name: picture.path(language) for picture in PICTURES}
        for language in LANGUAGES
    }


@transaction.atomic
def _leave_carts(now: dt.datetime) -> None:
    """Baskets of the past whose owners may be written to, as if they had been left just now."""
    agreed = ConsentState.objects.filter(action=ConsentAction.GRANTED).values("contact")
    carts = TrackedCart.objects.filter(state=CartState.ABANDONED, contact__in=agreed)
    for number, pk in enumerate(carts.order_by("pk").values_list("pk", flat=True)[:CARTS]):
        left_at = now - dt.timedelta(seconds=40 + 20 * number)
        TrackedCart.objects.filter(pk=pk).update(
            state=CartState.ACTIVE, last_activity_at=left_at, abandoned_at=None
        )
    Campaign.objects.filter(is_active=True).update(activated_at=now - dt.timedelta(hours=1))


class _Nowhere:
    """Takes what a command says."""

    def write(self, text: Any) -> int:
        return len(text)

    def flush(self) -> None:
        return
