"""What staff take out of the plan: nothing more is sent for that cart."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

from django.db import connection, transaction
from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

from cart_recovery.campaigns.planning import stop_by_id
from cart_recovery.delivery.outbox import end_idle_retries
from cart_recovery.models import FollowUp, FollowUpState, Reason


class CancelObstacle(TextChoices):
    """Why a follow-up is not cancelled."""

    CLAIMED = "claimed", _("it is being worked on at this moment")
    ENDED = "ended", _("it has ended already")


def obstacle_to(followup: FollowUp) -> CancelObstacle | None:
    """None for what is planned."""
    if followup.state == FollowUpState.PLANNED:
        return None
    is_claimed = followup.state == FollowUpState.CLAIMED
    return CancelObstacle.CLAIMED if is_claimed else CancelObstacle.ENDED


def cancel(followups: Collection[FollowUp], now: dt.datetime) -> list[int]:
    """End the enrolments of those that are still planned; gives the keys of these follow-ups.

    Without its next step an enrolment would stay open for ever. A message that was to be tried
    again ends with its follow-up.
    """
    with transaction.atomic():
        rows = FollowUp.objects.filter(
            pk__in=[followup.pk for followup in followups], state=FollowUpState.PLANNED
        ).order_by("pk")
        if connection.features.has_select_for_update:
            rows = rows.select_for_update()
        planned = dict(rows.values_list("pk", "enrolment_id"))
        stop_by_id(planned.values(), Reason.STAFF, now)
        end_idle_retries()
    return list(planned)
