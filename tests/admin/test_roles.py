"""What each role may open. A URL that nobody has decided on fails the test: add it to `DECIDED`."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cart_recovery.models import Contact, FollowUp, FollowUpState, Heartbeat, MessageTemplate
from tests.admin import test_frame
from tests.admin.desk import Desk
from tests.admin.test_frame import our_urls, path_of
from tests.factories import make_contact, make_followup, make_user

pytestmark = pytest.mark.django_db

migration: Any = importlib.import_module("cart_recovery.migrations.0008_staff_roles")
#: later migrations that add to the groups
LATER: Final = ("0012_reviews", "0013_checkout_troubles")
ROLES: Final = {name: list(codenames) for name, codenames in migration.ROLES.items()}
for _later in LATER:
    _module: Any = importlib.import_module(f"cart_recovery.migrations.{_later}")
    for _name, _codenames in _module.ROLES.items():
        ROLES[_name] += _codenames
NAMES: Final = {"E": "Recovery editor", "A": "Recovery analyst", "S": "Recovery support"}

#: model -> who may look at its list, at a row and at its history
SEEN: Final = {
    "campaign": "EA", "incentive": "EA", "messagetemplate": "EA", "trackedcart": "AS",
    "enrolment": "AS", "followup": "EAS", "message": "AS", "conversion": "AS", "contact": "AS",
    "consentrecord": "S", "consentwording": "AS", "optin": "AS", "notice": "AS", "reply": "S",
    "suppression": "AS", "suppressionchange": "AS", "channelstatus": "EA", "heartbeat": "EA",
    "webhookpayload": "", "dailyfigure": "EA", "deliveryevent": "AS", "checkouttrouble": "AS",
    "reviewlink": "AS", "linereview": "AS", "servicerating": "AS", "stafftask": "AS",
}  # fmt: skip
#: lists that are handed out as files, to who may look at them
EXPORTED: Final = (
    "checkouttrouble",
    "consentrecord",
    "contact",
    "conversion",
    "dailyfigure",
    "deliveryevent",
    "enrolment",
    "followup",
    "linereview",
    "message",
    "notice",
    "reply",
    "servicerating",
    "stafftask",
    "trackedcart",
)
#: rows whose story is told; all that tell it, to whoever may see follow-ups
TOLD: Final = ("contact", "enrolment", "followup", "message", "trackedcart")
#: model -> who may add a row, and who may delete one (some of these rows cannot be deleted)
ADDED: Final = {"campaign": "E", "incentive": "E", "messagetemplate": "E", "suppression": "S"}
DELETED: Final = {"campaign": "E", "incentive": "E", "messagetemplate": "E"}
#: model -> who may save its form
CHANGED: Final = {"campaign": "E", "incentive": "E", "messagetemplate": "E", "contact": "S"}
#: pages of their own: the URL's name without "cart_recovery_" -> who may use them
PAGES: Final = {
    "contact_data": "S", "contact_data_json": "S", "contact_proof": "S", "contact_erase": "S",
    "suppression_lift": "S", "heartbeat_health": "EA", "heartbeat_resume": "E",
    "campaign_forecast": "EA", "campaign_outlook": "EA", "campaign_activate": "E",
    "campaign_pause": "E", "campaign_duplicate": "E", "message_body": "S",
    "messagetemplate_preview": "E", "messagetemplate_preview_frame": "E",
    "messagetemplate_send_test": "E", "messagetemplate_versions": "E",
    "messagetemplate_roll_back": "E", "followup_search": "EAS", "followup_order": "EAS",
    "followup_order_json": "EAS", "linereview_results": "EA", "linereview_queue": "AS",
    "stafftask_close": "S",
}  # fmt: skip
DECIDED: Final = {
    **{f"{model}_{page}": who for model, who in SEEN.items()
       for page in ("changelist", "change", "history")},
    **{f"{model}_add": ADDED.get(model, "") for model in SEEN},
    **{f"{model}_delete": DELETED.get(model, "") for model in SEEN},
    **{f"{model}_export": SEEN[model] for model in EXPORTED},
    **{f"{model}_{page}": "EAS" for model in TOLD for page in ("why", "why_json")},
    **PAGES,
}  # fmt: skip

frame_rows = test_frame.rows


def make_roles() -> None:
    """As the migration has: a test with transactions of its own leaves the tables empty behind it."""
    editor = SimpleNamespace(connection=connection)
    is_new = not Group.objects.filter(name__in=ROLES).exists()
    migration.make_roles(apps, editor)
    if is_new:
        migration.extend_roles(apps, editor, ROLES)


@pytest.fixture
def rows(frame_rows: dict[str, Any]) -> dict[str, Any]:
    """As in the frame's tests, with a template that no step uses: one in use cannot be deleted."""
    unused = MessageTemplate.objects.create(
        code="frei", channel="email", language="de", subject="x", text="x"
    )
    return {**frame_rows, "messagetemplate": unused}


@pytest.fixture
def roles(db: None) -> dict[str, Any]:
    """A log-in of each role, by its letter, and one of staff without any."""
    make_roles()
    clients = {"": Client()}
    clients[""].force_login(make_user(is_staff=True))
    for letter, name in NAMES.items():
        user = make_user(is_staff=True)
        user.groups.add(Group.objects.get(name=name))
        clients[letter] = Client()
        clients[letter].force_login(user)
    return clients


def short(name: str) -> str:
    return name.removeprefix("cart_recovery_")


@pytest.mark.parametrize("method", ["get", "post"])
def test_whoever_is_refused_reads_what_to_do(
    rows: dict[str, Any], roles: dict[str, Any], method: str
) -> None:
    silent = []
    for pattern in our_urls():
        answer = getattr(roles[""], method)(path_of(pattern, rows))
        if answer.status_code == 403 and b"Recovery editor" not in answer.content:
            silent.append(str(pattern.name))
    assert silent == []


def test_every_url_of_ours_is_decided() -> None:
    names = {short(str(pattern.name)) for pattern in our_urls()}
    assert names - DECIDED.keys() == set(), "add these to PAGES in this file"
    assert DECIDED.keys() - names == set(), "these are gone: remove them from this file"


@pytest.mark.parametrize("letter", ["E", "A", "S", ""])
def test_role_opens_what_is_decided_and_nothing_else(
    rows: dict[str, Any], roles: dict[str, Any], letter: str
) -> None:
    wrong = []
    for pattern in our_urls():
        name, path = short(str(pattern.name)), path_of(pattern, rows)
        answer = roles[letter].get(path)
        # Django leads away from a row that is not there before it asks for rights
        is_led_away = answer.status_code == 302 and answer["Location"] == reverse("admin:index")
        is_refused = answer.status_code == 403
        may_open = bool(letter) and letter in DECIDED[name]
        if not is_led_away and is_refused == may_open:
            wrong.append(f"{name}: {answer.status_code}")
    assert wrong == []


@pytest.mark.parametrize("letter", ["E", "A", "S", ""])
def test_role_saves_what_is_decided_and_nothing_else(
    rows: dict[str, Any], roles: dict[str, Any], letter: str
) -> None:
    wrong = []
    for model in SEEN:
        if rows.get(model) is None:
            continue
        path = reverse(f"admin:cart_recovery_{model}_change", args=[rows[model].pk])
        status = roles[letter].post(path, {}).status_code
        may_save = bool(letter) and letter in CHANGED.get(model, "")
        if (status == 403) == may_save:
            wrong.append(f"{model}: {status}")
    assert wrong == []


@pytest.mark.parametrize(
    ("letter", "is_allowed"), [("E", False), ("A", False), ("S", True), ("", False)]
)
def test_only_support_cancels_and_erases(
    roles: dict[str, Any], letter: str, is_allowed: bool
) -> None:
    followup, contact = make_followup(), make_contact()
    roles[letter].post(
        reverse("admin:cart_recovery_followup_changelist"),
        {"action": "cancel_planned", "_selected_action": [followup.pk], "confirmed": "yes"},
    )
    roles[letter].post(reverse("admin:cart_recovery_contact_erase", args=[contact.pk]))
    state = FollowUp.objects.get(pk=followup.pk).state
    assert (state == FollowUpState.CANCELLED) is is_allowed
    assert (Contact.objects.get(pk=contact.pk).erased_at is not None) is is_allowed


@pytest.mark.parametrize(("letter", "in_full"), [("A", False), ("S", True)])
def test_analysts_see_people_masked(roles: dict[str, Any], letter: str, in_full: bool) -> None:
    contact = make_contact("anna.beispiel@example.de", phone="+4915112345678")
    pages = [
        reverse("admin:cart_recovery_contact_changelist"),
        reverse("admin:cart_recovery_contact_change", args=[contact.pk]),
        reverse("admin:cart_recovery_contact_history", args=[contact.pk]),
    ]
    text = "".join(roles[letter].get(path).content.decode() for path in pages)
    assert ("anna.beispiel" in text) is in_full
    assert ("5112345" in text.replace(" ", "")) is in_full
    assert ("a•••@e•••.de" in text) is not in_full


class TestGroups:
    def test_hold_the_permissions_of_the_table(self, roles: dict[str, Any]) -> None:
        for name, codenames in ROLES.items():
            held = Group.objects.get(name=name).permissions.values_list("codename", flat=True)
            assert set(held) == set(codenames)
            assert len(codenames) == len(set(codenames))

    def test_of_who_sees_no_persons_cannot_change_what_is_about_them(self) -> None:
        for name in ("Recovery editor", "Recovery analyst"):
            assert not {
                "see_personal_data", "export_contact", "erase_contact", "lift_suppression",
                "change_contact", "view_reply", "view_webhookpayload",
            } & set(ROLES[name])  # fmt: skip
        assert all(codename.startswith("view_") for codename in ROLES["Recovery analyst"])

    def test_as_owners_have_changed_them_stay_so(self, roles: dict[str, Any]) -> None:
        group = Group.objects.get(name="Recovery analyst")
        group.permissions.set([])
        migration.make_roles(apps, SimpleNamespace(connection=connection))
        assert group.permissions.count() == 0

    def test_permissions_have_the_names_that_django_gives(self, roles: dict[str, Any]) -> None:
        """Made before Django makes them: it must find them, not make a second kind."""
        named = Permission.objects.get(codename="view_trackedcart")
        assert named.name == "Can view cart"
        ours = Permission.objects.filter(content_type__app_label="cart_recovery")
        assert ours.values("codename").distinct().count() == ours.count()


def test_fresh_database_gets_the_groups_from_migrate_alone(tmp_path: Any) -> None:
    """In a process of its own, since no permission may be there before."""
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('migrate', 'cart_recovery', verbosity=0)\n"
        "from django.contrib.auth.models import Group\n"
        "print(sorted((g.name, g.permissions.count()) for g in Group.objects.all()))"
    )
    env = {
        **os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'fresh.sqlite3'}",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, cwd=Path(__file__).parents[2], check=False,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    expected = sorted((name, len(codenames)) for name, codenames in ROLES.items())
    assert done.stdout.strip() == str(expected)


@pytest.mark.django_db(transaction=True)
def test_refusal_can_be_read_and_left(desk: Desk) -> None:
    Heartbeat.objects.create(stage="sweep", ran_at=timezone.now())
    path = reverse("admin:cart_recovery_campaign_changelist")
    page = desk.open(path, make_user(is_staff=True), viewport={"width": 1440, "height": 900})
    assert page.locator("main h1").count() == 1
    desk.assert_accessible(page)
    desk.look(page, "refused")
    page.locator("main p a").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{reverse('admin:index')}")
