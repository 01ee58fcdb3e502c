"""How follow-ups end."""

from __future__ import annotations

import pytest
from django.utils import timezone

from cart_recovery.delivery.followups import mark_done
from cart_recovery.models import FollowUp, FollowUpState, Variant
from tests.factories import make_campaign, make_followup

pytestmark = pytest.mark.django_db


def test_each_follow_up_keeps_its_own_choice_when_a_batch_mixes_them() -> None:
    campaign = make_campaign(channels=("email", "sms"))
    mail, sms = Variant.objects.filter(step__campaign=campaign).order_by("pk")
    choices = [
        (mail.pk, "drawn"),
        (sms.pk, "fallback: email no_consent"),
        (None, ""),
        (mail.pk, "preferred"),
    ]
    followups = [make_followup(campaign=campaign) for _ in choices]
    for followup, (variant_id, reason) in zip(followups, choices, strict=True):
        followup.variant_id, followup.choice_reason = variant_id, reason
    now = timezone.now()
    mark_done(followups, now)
    rows = FollowUp.objects.in_bulk([f.pk for f in followups])
    assert [(rows[f.pk].variant_id, rows[f.pk].choice_reason) for f in followups] == choices
    assert {(row.state, row.reason, row.ended_at) for row in rows.values()} == {
        (FollowUpState.DONE, "", now)
    }
