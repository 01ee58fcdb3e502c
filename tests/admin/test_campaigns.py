"""The campaign screen: timeline and mix, two editors at once, activating and pausing."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import (
    Campaign,
    DailyFigure,
    FollowUp,
    FollowUpState,
    Incentive,
    Measure,
    Message,
    MessageTemplate,
    Reason,
    Variant,
)
from tests.admin.campaign_forms import form_of, page_url
from tests.factories import make_campaign, make_consent, make_contact, make_followup, make_user

pytestmark = pytest.mark.django_db
HOUR = dt.timedelta(hours=1)
LIST = "admin:cart_recovery_campaign_changelist"


@pytest.fixture(autouse=True)
def _english() -> Any:
    cache.clear()
    with translation.override("en"):
        yield
    cache.clear()


@pytest.fixture
def staff() -> Client:
    return _client(is_superuser=True, email="anna@shop.example")


def _client(*permissions: str, **kwargs: Any) -> Client:
    user = make_user(is_staff=True, **kwargs)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def mixed(**kwargs: Any) -> Campaign:
    """One step after an hour: mail 60, SMS 40."""
    campaign = make_campaign(delays=(HOUR,), channels=(), **kwargs)
    step = campaign.steps.get()
    for channel, weight in (("email", 60), ("sms", 40)):
        Variant.objects.create(
            step=step, channel=channel, template_code="abandoned-basket-2", weight=weight
        )
    return campaign


def shares(campaign: Campaign) -> list[tuple[str, str, int]]:
    rows = Variant.objects.filter(step__campaign=campaign).order_by("pk")
    return list(rows.values_list("channel", "label", "weight"))


def text_of(answer: Any) -> str:
    return str(answer.content.decode())


def save(staff: Client, campaign: Campaign, **changes: Any) -> Any:
    names = {name.replace("__", "-"): value for name, value in changes.items()}
    return staff.post(page_url(campaign), form_of(staff, campaign, **names))


class TestSaving:
    def test_what_is_shown_can_be_saved_as_it_is(self, staff: Client) -> None:
        campaign = mixed()
        assert save(staff, campaign).status_code == 302
        campaign.refresh_from_db()
        assert (shares(campaign), campaign.revision) == ([("email", "", 60), ("sms", "", 40)], 1)
        assert LogEntry.objects.get().change_message == "Saved without a change."

    def test_delay_and_shares_change_and_the_log_says_so(self, staff: Client) -> None:
        campaign = mixed()
        answer = save(
            staff, campaign, name="Winter",
            **{"steps-0-delay_0": "90", "steps-0-delay_1": "minutes",
               "steps-0-mix-0-weight": "30", "steps-0-mix-1-weight": "70"},
        )  # fmt: skip
        assert answer.status_code == 302
        campaign.refresh_from_db()
        assert campaign.steps.get().delay == dt.timedelta(minutes=90)
        assert (shares(campaign), campaign.revision) == ([("email", "", 30), ("sms", "", 70)], 2)
        message = LogEntry.objects.get().change_message
        for part in (
            "“Kampagne” to “Winter”",
            "1 hour” to “90 minutes",
            "share of SMS from 40 to 70",
        ):
            assert part in message

    def test_spare_row_makes_a_variant_and_both_get_letters(self, staff: Client) -> None:
        campaign = mixed()
        save(
            staff, campaign,
            **{"steps-0-mix-1-weight": "20", "steps-0-mix-2-weight": "20",
               "steps-0-mix-2-template": "sms:abandoned-checkout-2"},
        )  # fmt: skip
        assert shares(campaign) == [("email", "", 60), ("sms", "A", 20), ("sms", "B", 20)]

    def test_row_is_removed_and_its_history_keeps_counting(self, staff: Client) -> None:
        campaign = mixed()
        step = campaign.steps.get()
        DailyFigure.objects.create(
            day=timezone.localdate(), measure=Measure.SENT, campaign_key=campaign.pk,
            step_key=step.pk, variant_key=step.variants.last().pk, count=7,
        )  # fmt: skip
        save(staff, campaign, **{"steps-0-mix-0-weight": "100", "steps-0-mix-1-DELETE": "on"})
        assert shares(campaign) == [("email", "", 100)]
        page = text_of(staff.get(page_url(campaign, "outlook")))
        assert "removed variants" in page

    def test_steps_are_put_in_the_order_of_their_delays(self, staff: Client) -> None:
        campaign = make_campaign(delays=(HOUR, 2 * HOUR, 3 * HOUR))
        first, second, third = campaign.steps.order_by("position")
        save(staff, campaign, **{"steps-0-delay_0": "5"})
        assert list(campaign.steps.order_by("position")) == [second, third, first]
        assert sorted(campaign.steps.values_list("position", flat=True)) == [1, 2, 3]

    def test_step_is_added_without_script(self, staff: Client) -> None:
        campaign = mixed()
        assert 'name="steps-1-delay_0"' in text_of(staff.get(page_url(campaign) + "?add_step=1"))
        save(
            staff, campaign,
            **{"steps-TOTAL_FORMS": "2", "steps-1-delay_0": "2", "steps-1-delay_1": "days",
               "steps-1-mix-TOTAL_FORMS": "1", "steps-1-mix-INITIAL_FORMS": "0",
               "steps-1-mix-0-template": "email:abandoned-basket-3", "steps-1-mix-0-weight": "100"},
        )  # fmt: skip
        assert list(campaign.steps.values_list("position", "delay")) == [(1, HOUR), (2, 48 * HOUR)]

    def test_weights_of_old_are_shown_as_shares_and_said(self, staff: Client) -> None:
        campaign = make_campaign(channels=("email", "sms"))
        page = text_of(staff.get(page_url(campaign)))
        assert "The weights of this step were 100 : 100." in page
        save(staff, campaign)
        assert shares(campaign) == [("email", "", 50), ("sms", "", 50)]

    def test_new_campaign_is_switched_off(self, staff: Client) -> None:
        add = reverse("admin:cart_recovery_campaign_add")
        assert "A new campaign is switched off" in text_of(staff.get(add))
        answer = staff.post(add, {
            "name": "Neu", "code": "neu", "trigger": "basket_abandoned", "priority": "100",
            "purpose": "cart_reminder", "is_active": "on",
            "steps-TOTAL_FORMS": "1", "steps-INITIAL_FORMS": "0", "steps-0-delay_0": "1",
            "steps-0-delay_1": "hours", "steps-0-mix-TOTAL_FORMS": "2",
            "steps-0-mix-INITIAL_FORMS": "0", "steps-0-mix-0-weight": "100",
            "steps-0-mix-0-template": "email:abandoned-basket-1",
        })  # fmt: skip
        assert answer.status_code == 302, text_of(answer)
        campaign = Campaign.objects.get(code="neu")
        assert (campaign.is_active, shares(campaign)) == (False, [("email", "", 100)])


class TestBadInput:
    @pytest.mark.parametrize(
        ("changes", "says"),
        [
            (
                {"steps-0-mix-0-weight": "50"},
                "add up to 90; they must add up to 100. 10 are missing",
            ),
            ({"steps-0-mix-0-weight": "70"}, "add up to 110; they must add up to 100. That is 10"),
            ({"steps-0-mix-0-weight": "0", "steps-0-mix-1-weight": "0"}, "add up to 0"),
            ({"steps-0-mix-0-weight": "-1"}, "greater than or equal to 0"),
            ({"steps-0-mix-0-weight": ""}, "This field is required"),
            ({"steps-0-mix-0-template": "email:gibt-es-nicht"}, "not one of the available choices"),
            ({"steps-0-mix-2-weight": "10"}, "This field is required"),
            ({"steps-0-delay_0": "-5"}, "greater than or equal to 0"),
            ({"steps-0-delay_0": "99999999", "steps-0-delay_1": "days"}, "Enter at most"),
            ({"name": ""}, "This field is required"),
            ({"name": "x" * 1_000_000}, "at most 100 characters"),
        ],
    )
    def test_is_refused_with_what_to_do_and_nothing_is_lost(
        self, staff: Client, changes: dict[str, str], says: str
    ) -> None:
        campaign = mixed()
        typed = {"code": "getippt", **changes}
        answer = staff.post(page_url(campaign), form_of(staff, campaign, **typed))
        page = text_of(answer)
        assert (answer.status_code, says in page) == (200, True)
        for value in typed.values():
            assert f'value="{value}"' in page
        assert shares(campaign) == [("email", "", 60), ("sms", "", 40)]
        campaign.refresh_from_db()
        assert campaign.code != "getippt"

    def test_script_is_shown_and_never_run(self, staff: Client) -> None:
        campaign = mixed()
        evil = "<script>alert(1)</script>"
        save(staff, campaign, **{"name": evil, "steps-0-mix-0-label": "<b>x</b>"})
        Incentive.objects.create(name=evil, kind="percentage", value=5, valid_for=HOUR)
        for page in ("change", "outlook", "activate", "pause", "duplicate"):
            text = text_of(staff.get(page_url(campaign, page)))
            assert evil not in text
            assert "&lt;script&gt;" in text
        assert evil not in text_of(staff.get(reverse(LIST)))

    def test_stored_channel_that_is_gone_stays_and_is_told(self, staff: Client) -> None:
        campaign = mixed()
        Variant.objects.filter(channel="sms").update(channel="brieftaube")
        assert save(staff, campaign).status_code == 302
        assert shares(campaign)[1][0] == "brieftaube"
        assert "the shop has no such channel" in text_of(staff.get(page_url(campaign, "outlook")))

    def test_template_that_was_deleted_stays_and_is_told(self, staff: Client) -> None:
        campaign = mixed()
        MessageTemplate.objects.filter(channel="sms").delete()
        assert save(staff, campaign).status_code == 302
        page = text_of(staff.get(page_url(campaign, "outlook")))
        assert "there is no template “abandoned-basket-2”" in page

    def test_step_with_a_history_is_not_removed(self, staff: Client) -> None:
        campaign = mixed()
        make_followup(campaign=campaign, contact=make_consent(make_contact()))
        deliver_due()
        answer = save(staff, campaign, **{"steps-0-DELETE": "on"})
        page = text_of(answer)
        assert "cannot be removed: 1 follow-ups with 1 messages hang on it" in page
        assert Message.objects.count() == 1
        # and what is offered instead works
        answer = save(
            staff, campaign, **{"steps-0-mix-0-DELETE": "on", "steps-0-mix-1-DELETE": "on"}
        )
        assert (answer.status_code, shares(campaign)) == (302, [])
        page = text_of(staff.get(page_url(campaign, "outlook")))
        assert "This step has no channel" in page
        assert "as it is now the campaign can send nothing" in page

    def test_step_without_history_is_removed(self, staff: Client) -> None:
        campaign = make_campaign(delays=(HOUR, 2 * HOUR))
        assert save(staff, campaign, **{"steps-1-DELETE": "on"}).status_code == 302
        assert campaign.steps.count() == 1


class TestTwoEditors:
    def test_second_keeps_what_was_typed_and_sees_what_the_first_did(self, staff: Client) -> None:
        campaign = mixed()
        bert = _client(is_superuser=True, email="bert@shop.example")
        opened = form_of(bert, campaign, name="Berts Name")
        save(staff, campaign, **{"steps-0-mix-0-weight": "10", "steps-0-mix-1-weight": "90"})
        answer = bert.post(page_url(campaign), opened)
        page = text_of(answer)
        assert answer.status_code == 200
        assert "Somebody else has changed this campaign" in page
        assert "share of E‑Mail from 60 to 10" in page or "share of e‑mail from 60 to 10" in page
        assert 'value="Berts Name"' in page
        campaign.refresh_from_db()
        assert (campaign.name, campaign.revision, shares(campaign)[0][2]) == ("Kampagne", 2, 10)
        # having read that, Bert saves again, and it holds
        again = {**opened, "revision": "2"}
        assert bert.post(page_url(campaign), again).status_code == 302
        campaign.refresh_from_db()
        assert (campaign.name, campaign.revision, shares(campaign)[0][2]) == ("Berts Name", 3, 60)

    def test_step_that_the_first_removed_comes_back_only_when_the_second_says_so(
        self, staff: Client
    ) -> None:
        campaign = make_campaign(delays=(HOUR, 2 * HOUR))
        opened = form_of(staff, campaign)
        save(staff, campaign, **{"steps-1-DELETE": "on"})
        page = text_of(staff.post(page_url(campaign), opened))
        assert "Step 2 (after 2 hours) was removed." in page
        assert campaign.steps.count() == 1
        assert staff.post(page_url(campaign), {**opened, "revision": "2"}).status_code == 302
        assert campaign.steps.count() == 2

    @pytest.mark.parametrize("seen", [None, "", "forged", "x" * 100_000])
    def test_forged_or_missing_memory_of_the_page_does_no_harm(
        self, staff: Client, seen: str | None
    ) -> None:
        campaign = mixed()
        answer = save(staff, campaign, revision="17", seen=seen)
        assert "What it was cannot be told" in text_of(answer)


class TestSwitching:
    def test_activation_says_what_will_happen_and_does_it_on_post_only(self, staff: Client) -> None:
        campaign = mixed(is_active=False)
        page = text_of(staff.get(page_url(campaign, "activate")))
        assert "0 old carts will be written to" in page
        campaign.refresh_from_db()
        assert not campaign.is_active
        staff.post(page_url(campaign, "activate"), {"revision": campaign.revision})
        campaign.refresh_from_db()
        assert campaign.is_active
        assert campaign.activated_at is not None
        assert timezone.now() - campaign.activated_at < dt.timedelta(minutes=1)
        assert (campaign.revision, LogEntry.objects.get().change_message) == (2, "Switched on.")

    def test_is_refused_when_nothing_could_be_sent(self, staff: Client) -> None:
        campaign = mixed(is_active=False)
        Variant.objects.update(template_code="gibt-es-nicht")
        page = text_of(staff.get(page_url(campaign, "activate")))
        assert "cannot be activated" in page
        assert "Activate now" not in page
        answer = staff.post(page_url(campaign, "activate"), {"revision": 1})
        assert "Not activated: nothing could be sent." in text_of(answer)
        campaign.refresh_from_db()
        assert not campaign.is_active

    def test_is_refused_behind_another_campaign_of_the_trigger(self, staff: Client) -> None:
        make_campaign()
        campaign = mixed(is_active=False)
        page = text_of(staff.get(page_url(campaign, "activate")))
        assert "is active and goes first" in page
        Campaign.objects.filter(pk=campaign.pk).update(priority=1)
        page = text_of(staff.get(page_url(campaign, "activate")))
        assert "gets nothing new any more" in page
        assert "Activate now" in page

    def test_summary_that_is_old_activates_nothing(self, staff: Client) -> None:
        campaign = mixed(is_active=False)
        save(staff, campaign, name="Anders")
        answer = staff.post(page_url(campaign, "activate"), {"revision": 1})
        assert "somebody has changed this campaign meanwhile" in text_of(answer)
        campaign.refresh_from_db()
        assert not campaign.is_active

    def test_pausing_tells_what_becomes_of_what_is_planned(self, staff: Client) -> None:
        campaign = mixed()
        make_followup(campaign=campaign, contact=make_consent(make_contact()))
        page = text_of(staff.get(page_url(campaign, "pause")))
        assert "1 message is planned" in page
        assert "the campaign is switched off" in page
        staff.post(page_url(campaign, "pause"), {"revision": 1})
        deliver_due()
        followup = FollowUp.objects.get()
        assert (followup.state, followup.reason) == (FollowUpState.SKIPPED, Reason.CAMPAIGN_OFF)
        assert LogEntry.objects.get().change_message == "Paused."

    def test_the_form_itself_never_switches(self, staff: Client) -> None:
        campaign = mixed(is_active=False)
        save(staff, campaign, is_active="on", name="Anders")
        campaign.refresh_from_db()
        assert (campaign.name, campaign.is_active) == ("Anders", False)

    def test_editors_without_the_permission_cannot(self) -> None:
        clerk = _client("view_campaign", "change_campaign")
        campaign = mixed(is_active=False)
        assert "Activate …" not in text_of(clerk.get(page_url(campaign)))
        for page in ("activate", "pause", "duplicate"):
            assert clerk.get(page_url(campaign, page)).status_code == 403
            assert clerk.post(page_url(campaign, page), {"revision": 1}).status_code == 403
        campaign.refresh_from_db()
        assert not campaign.is_active


def test_readers_see_and_change_nothing() -> None:
    reader = _client("view_campaign")
    campaign = mixed()
    page = text_of(reader.get(page_url(campaign)))
    assert "Steps and mix" in page
    assert 'name="_save"' not in page
    assert "data-forecast" not in page
    assert "steps-0-mix-2-template" not in page
    assert reader.get(page_url(campaign, "outlook")).status_code == 200
    assert reader.post(page_url(campaign), {}).status_code == 403


def test_copy_is_switched_off_and_has_steps_and_mix(staff: Client) -> None:
    campaign = mixed(code="lang" * 12)
    for number in (1, 2):
        staff.post(page_url(campaign, "duplicate"))
        copy = Campaign.objects.order_by("-pk")[0]
        assert copy.code.endswith("-copy" if number == 1 else "-copy-2")
        assert (copy.name, copy.is_active, copy.activated_at) == ("Kampagne (copy)", False, None)
        assert shares(copy) == shares(campaign)
    assert staff.get(page_url(campaign, "duplicate")).status_code == 200
    assert Campaign.objects.filter(name="Kampagne (copy)").count() == 2


class TestDeleting:
    def test_campaign_with_a_history_stays_and_pausing_is_offered(self, staff: Client) -> None:
        campaign = mixed()
        make_followup(campaign=campaign, contact=make_consent(make_contact()))
        deliver_due()
        url = page_url(campaign, "delete")
        assert "1 messages to them would be lost. Pause it instead." in text_of(staff.get(url))
        staff.post(url, {"post": "yes"})
        data = {"action": "delete_selected", "_selected_action": [campaign.pk], "post": "yes"}
        staff.post(reverse(LIST), data)
        assert (Campaign.objects.filter(pk=campaign.pk).exists(), Message.objects.count()) == (
            True,
            1,
        )

    def test_campaign_without_history_goes(self, staff: Client) -> None:
        campaign = mixed()
        staff.post(page_url(campaign, "delete"), {"post": "yes"})
        assert not Campaign.objects.filter(pk=campaign.pk).exists()

    def test_incentive_in_use_stays_and_says_where(self, staff: Client) -> None:
        campaign = mixed()
        incentive = Incentive.objects.create(
            name="Zehn", kind="percentage", value=10, valid_for=HOUR
        )
        campaign.steps.update(incentive=incentive)
        url = reverse("admin:cart_recovery_incentive_delete", args=[incentive.pk])
        assert "Zehn is offered by “Kampagne”, step 1" in text_of(staff.get(url))
        staff.post(url, {"post": "yes"})
        assert Incentive.objects.filter(pk=incentive.pk).exists()
        campaign.steps.update(incentive=None)
        staff.post(url, {"post": "yes"})
        assert not Incentive.objects.filter(pk=incentive.pk).exists()


class TestLiveOutlook:
    def ask(self, staff: Client, shown: Campaign, **changes: Any) -> Any:
        data = {**form_of(staff, shown), **changes}
        data = {name: value for name, value in data.items() if value is not None}
        return staff.post(reverse("admin:cart_recovery_campaign_forecast"), data)

    def test_answers_for_what_is_typed_and_stores_nothing(self, staff: Client) -> None:
        campaign = mixed()
        for number in range(4):
            contact = make_contact(phone=f"+4915112345{number}00")
            make_followup(campaign=campaign, contact=make_consent(contact, "email", "sms"))
        found = self.ask(staff, campaign).json()
        assert "4 of 4" in found["steps"]["steps-0"]
        assert "From 4 carts of the last 30 days" in found["summary"]
        changed = self.ask(
            staff, campaign, **{"steps-0-mix-0-weight": "100", "steps-0-mix-1-weight": "0"}
        ).json()
        assert changed["steps"]["steps-0"] != found["steps"]["steps-0"]
        assert shares(campaign)[0][2] == 60

    def test_half_typed_and_broken_forms_are_answered(self, staff: Client) -> None:
        campaign = mixed()
        for changes in (
            {"steps-0-delay_0": ""}, {"trigger": "unsinn"}, {"steps-TOTAL_FORMS": "x"},
            {"steps-0-mix-TOTAL_FORMS": None}, {"campaign": "999999"}, {"campaign": "x"},
            {"steps-0-mix-0-weight": "", "steps-0-mix-1-template": ""}, {"priority": ""},
        ):  # fmt: skip
            assert self.ask(staff, campaign, **changes).status_code == 200, changes
        assert staff.post(reverse("admin:cart_recovery_campaign_forecast"), {}).status_code == 200

    def test_is_for_post_and_for_those_who_may_see_campaigns(self, staff: Client) -> None:
        url = reverse("admin:cart_recovery_campaign_forecast")
        assert staff.get(url).status_code == 405
        assert _client().post(url).status_code == 403
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(make_user(is_staff=True, is_superuser=True))
        assert strict.post(url).status_code == 403

    def test_takes_as_many_queries_for_ten_steps_as_for_one(self, staff: Client) -> None:
        def queries(steps: int) -> int:
            campaign = make_campaign(delays=tuple(HOUR * n for n in range(1, steps + 1)))
            url, data = reverse("admin:cart_recovery_campaign_forecast"), form_of(staff, campaign)
            staff.post(url, data)
            with CaptureQueriesContext(connection) as found:
                staff.post(url, data)
            return len(found)

        assert queries(1) == queries(10)


class TestList:
    def test_shows_state_steps_and_what_came_of_it(self, staff: Client) -> None:
        campaign = mixed()
        for measure, count in ((Measure.SENT, 42), (Measure.RECOVERED, 3)):
            DailyFigure.objects.create(
                day=timezone.localdate(), measure=measure, campaign_key=campaign.pk, count=count
            )
        page = text_of(staff.get(reverse(LIST)))
        assert "▶" in page
        assert "■" in page
        assert '<td class="field-sent">42</td>' in page
        assert '<td class="field-recovered">3</td>' in page

    def test_takes_the_same_queries_for_one_and_for_many(self, staff: Client) -> None:
        def queries() -> int:
            with CaptureQueriesContext(connection) as found:
                staff.get(reverse(LIST))
            return len(found)

        mixed()
        queries()
        before = queries()
        for _number in range(8):
            mixed()
        assert queries() == before
