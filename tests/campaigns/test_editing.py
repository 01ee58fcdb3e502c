from __future__ import annotations

import datetime as dt

import pytest

from cart_recovery.campaigns.editing import (
    StepDraft,
    VariantDraft,
    duplicate,
    running,
    switch,
    write_steps,
)
from cart_recovery.campaigns.snapshots import differences, snapshot
from cart_recovery.models import Campaign, Message
from tests.factories import make_campaign, make_followup

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
MAIL = VariantDraft("email", "abandoned-basket-1", 100)


def test_history_outlives_a_draft_that_removes_its_step() -> None:
    followup = make_followup(campaign=(campaign := make_campaign()))
    write_steps(campaign, [StepDraft(HOUR, key=followup.step_id, is_removed=True)])
    assert campaign.steps.get() == followup.step


def test_steps_that_no_draft_names_stay() -> None:
    campaign = make_campaign(delays=(HOUR, 2 * HOUR))
    write_steps(campaign, [StepDraft(3 * HOUR, variants=[MAIL])])
    assert list(campaign.steps.values_list("position", "delay")) == [
        (1, HOUR), (2, 2 * HOUR), (3, 3 * HOUR),
    ]  # fmt: skip


def test_keys_of_another_campaign_change_nothing_there() -> None:
    campaign, other = make_campaign(), make_campaign()
    step = other.steps.get()
    variant = VariantDraft("sms", "x", 100, key=step.variants.get().pk)
    write_steps(campaign, [StepDraft(HOUR, variants=[variant], key=step.pk)])
    assert snapshot(other)["steps"][str(step.pk)]["delay"] == 0
    assert step.variants.get().channel == "email"
    assert campaign.steps.count() == 2


def test_letters_are_given_where_a_channel_has_several_variants() -> None:
    campaign = make_campaign(delays=())
    drafts = [VariantDraft("sms", "x", 20, label) for label in ("", "A", " kurz ", "", "A")]
    write_steps(campaign, [StepDraft(HOUR, variants=[*drafts, MAIL])])
    rows = campaign.steps.get().variants.order_by("pk")
    assert [v.label for v in rows] == ["B", "A", "kurz", "C", "D", ""]


def test_what_a_revision_missed_is_told_in_words() -> None:
    campaign = make_campaign(delays=(HOUR,))
    before = snapshot(campaign)
    write_steps(campaign, [StepDraft(26 * HOUR, variants=[MAIL])])
    found = differences(before, snapshot(campaign))
    assert len(found) == 1
    assert "26" in found[0]
    assert differences(before, before) == []


def test_switching_needs_the_revision_that_was_seen() -> None:
    campaign = make_campaign(is_active=False)
    assert switch(campaign.pk, is_active=True, revision=7) is None
    assert not Campaign.objects.get(pk=campaign.pk).is_active
    assert switch(campaign.pk, is_active=True, revision=1)
    assert switch(campaign.pk, is_active=True, revision=2) == []
    assert Campaign.objects.get(pk=campaign.pk).revision == 2


def test_copy_takes_no_people_along() -> None:
    followup = make_followup()
    copy = duplicate(followup.enrolment.campaign)
    assert (running(copy).enrolments, running(copy).planned) == (0, 0)
    assert running(followup.enrolment.campaign).planned == 1
    assert Message.objects.count() == 0
