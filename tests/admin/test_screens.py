"""Every screen opens, finds, explains, refuses; and none asks one query per row."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import (
    ChannelStatus,
    FollowUp,
    FollowUpState,
    Message,
    MessageTemplate,
    Reason,
    Suppression,
)
from tests.factories import (
    make_consent,
    make_contact,
    make_followup,
    make_user,
)

pytestmark = pytest.mark.django_db

REGISTERED = [
    "campaign", "incentive", "messagetemplate", "contact", "consentrecord", "consentwording",
    "suppression", "reply", "trackedcart", "enrolment", "followup", "message", "conversion",
    "webhookpayload", "channelstatus", "heartbeat", "optin", "notice", "suppressionchange",
    "dailyfigure", "deliveryevent", "checkouttrouble", "reviewlink", "linereview", "servicerating",
    "stafftask",
]  # fmt: skip


def list_url(name: str) -> str:
    return reverse(f"admin:cart_recovery_{name}_changelist")


def change_url(row: Any) -> str:
    return reverse(f"admin:cart_recovery_{row._meta.model_name}_change", args=[row.pk])


@pytest.mark.parametrize("name", REGISTERED)
def test_list_opens_for_staff_and_not_for_others(staff: Client, name: str) -> None:
    assert staff.get(list_url(name)).status_code == 200
    assert Client().get(list_url(name)).status_code == 302
    clerk = Client()
    clerk.force_login(make_user(is_staff=True))
    assert clerk.get(list_url(name)).status_code == 403


def test_every_model_with_a_screen_is_in_this_test() -> None:
    from django.contrib import admin

    models = apps.get_app_config("cart_recovery").get_models()
    assert {m._meta.model_name for m in models if m in admin.site._registry} == set(REGISTERED)


@pytest.mark.parametrize("name", ["message", "followup", "trackedcart", "contact", "enrolment"])
def test_list_takes_the_same_queries_for_one_row_and_for_many(staff: Client, name: str) -> None:
    def run(rows: int) -> int:
        for _n in range(rows):
            make_followup(contact=make_consent(make_contact()))
        deliver_due()
        with CaptureQueriesContext(connection) as queries:
            assert staff.get(list_url(name)).status_code == 200
        counts = [q["sql"] for q in queries if 'COUNT(*) FROM (SELECT "cart_recovery' in q["sql"]]
        assert all("LIMIT" in sql for sql in counts)
        assert not any('COUNT(*) AS "__count" FROM "cart_recovery' in q["sql"] for q in queries)
        return len(queries)

    run(1)
    assert run(1) == run(12)


class TestTemplates:
    def data(self, **changes: Any) -> dict[str, Any]:
        template = MessageTemplate.objects.get(
            code="abandoned-basket-1", channel="email", language="de"
        )
        fields = ("code", "channel", "language", "subject", "preheader", "html", "text")
        texts = {name: getattr(template, name) for name in fields}
        return {**texts, "seen_revision": template.revision, **changes}

    def save(self, staff: Client, **changes: Any) -> Any:
        template = MessageTemplate.objects.get(
            code="abandoned-basket-1", channel="email", language="de"
        )
        return staff.post(change_url(template), self.data(**changes))

    def test_shipped_template_can_be_saved_as_it_is(self, staff: Client) -> None:
        answer = self.save(staff)
        assert answer.status_code == 302, _errors(answer)

    @pytest.mark.parametrize(
        ("field", "value", "says"),
        [
            ("text", "a\nb\n{{ nix }}", "3"),
            ("subject", "{% if %}", ""),
            ("html", "{{ restore_url|safe }}", ""),
            ("html", '<a href="javascript:alert(1)">x</a>', ""),
            ("channel", "brieftaube", "email"),
        ],
    )
    def test_what_could_not_be_sent_is_refused_with_line_and_reason(
        self, staff: Client, field: str, value: str, says: str
    ) -> None:
        answer = self.save(staff, **{field: value})
        assert answer.status_code == 200
        assert says in str(answer.context["adminform"].form.errors[field])

    def test_template_in_use_cannot_be_deleted(self, staff: Client) -> None:
        template = MessageTemplate.objects.filter(code="abandoned-basket-1").first()
        assert template is not None
        url = reverse("admin:cart_recovery_messagetemplate_delete", args=[template.pk])
        page = staff.post(url, {"post": "yes"})
        assert "Warenkorb verlassen" in page.content.decode()
        staff.post(
            list_url("messagetemplate"),
            {"action": "delete_selected", "_selected_action": [template.pk], "post": "yes"},
        )
        assert MessageTemplate.objects.filter(pk=template.pk).exists()


class TestFinding:
    def test_message_is_found_by_any_spelling_of_the_address(self, staff: Client) -> None:
        make_followup(contact=make_consent(make_contact("anna@example.de")))
        make_followup(contact=make_consent(make_contact("bernd@example.de")))
        deliver_due()
        page = staff.get(list_url("message"), {"q": "Anna@Example.DE"})
        assert [m.to_address for m in page.context["cl"].result_list] == ["anna@example.de"]

    def test_contact_is_found_by_number(self, staff: Client) -> None:
        contact = make_contact(None, phone="+4915112345678")
        make_contact()
        page = staff.get(list_url("contact"), {"q": "0151 12345678"})
        assert list(page.context["cl"].result_list) == [contact]

    def test_suppression_is_found_though_it_holds_no_address(self, staff: Client) -> None:
        from cart_recovery.consent.suppression import suppress
        from cart_recovery.provider_events import SuppressionReason

        suppress("email", "email", "weg@example.de", reason=SuppressionReason.COMPLAINT, source="t")
        page = staff.get(list_url("suppression"), {"q": "weg@example.de"})
        assert list(page.context["cl"].result_list) == [Suppression.objects.get()]

    def test_message_leads_to_cart_contact_and_campaign(self, staff: Client) -> None:
        followup = make_followup(contact=make_consent(make_contact()))
        deliver_due()
        html = staff.get(change_url(Message.objects.get())).content.decode()
        for row in (
            followup.enrolment.cart,
            followup.enrolment.contact,
            followup.enrolment.campaign,
        ):
            assert change_url(row) in html


class TestActions:
    def test_planned_follow_up_is_cancelled_with_its_reason(self, staff: Client) -> None:
        followup = make_followup()
        staff.post(
            list_url("followup"),
            {"action": "cancel_planned", "_selected_action": [followup.pk], "confirmed": "yes"},
        )
        followup.refresh_from_db()
        assert (followup.state, followup.reason) == (FollowUpState.CANCELLED, Reason.STAFF)

    def test_paused_channel_is_resumed(self, staff: Client) -> None:
        status = ChannelStatus.objects.create(
            channel="email", paused_at=timezone.now(), reason="401"
        )
        staff.post(
            list_url("channelstatus"),
            {"action": "resume_channels", "_selected_action": [status.pk]},
        )
        status.refresh_from_db()
        assert status.paused_at is None

    def test_action_is_refused_without_the_permission(self, client: Client) -> None:
        clerk = make_user(is_staff=True)
        clerk.user_permissions.add(Permission.objects.get(codename="view_followup"))
        client.force_login(clerk)
        followup = make_followup()
        client.post(
            list_url("followup"),
            {"action": "cancel_planned", "_selected_action": [followup.pk], "confirmed": "yes"},
        )
        followup.refresh_from_db()
        assert followup.state == FollowUpState.PLANNED


def test_rows_of_the_app_cannot_be_changed_by_hand(staff: Client) -> None:
    followup = make_followup()
    for row in (followup, followup.enrolment.cart):
        answer = staff.post(change_url(row), {"state": "done"})
        assert answer.status_code == 403
    assert FollowUp.objects.get().state == FollowUpState.PLANNED


def _errors(answer: Any) -> Any:
    context = answer.context
    if context is None:
        return ""
    found = dict(context["adminform"].form.errors)
    for formset in context.get("inline_admin_formsets", ()):
        found["inline"] = [formset.formset.errors, formset.formset.non_form_errors()]
        if any(formset.formset.errors):
            return found
    return {k: v for k, v in found.items() if k != "inline"}
