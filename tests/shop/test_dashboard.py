"""The entry in Oscar's dashboard menu that leads to our pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client, override_settings
from django.urls import reverse

from cart_recovery.shop.dashboard import MENU_ENTRY, may_open
from tests.factories import make_user

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]


def clerk(*codenames: str, **kwargs: Any) -> Any:
    user = make_user(**{"is_staff": True, **kwargs})
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return user


def asks(user: Any, url_name: str = MENU_ENTRY["url_name"]) -> bool:
    return may_open(user, url_name, None, MENU_ENTRY["url_kwargs"])


def test_entry_leads_staff_with_a_right_to_our_pages(client: Client) -> None:
    client.force_login(clerk("view_campaign", is_superuser=True))
    ours = reverse("admin:app_list", args=["cart_recovery"])
    assert f'href="{ours}"' in client.get(reverse("dashboard:index")).content.decode()
    assert client.get(ours).status_code == 200


def test_entry_is_hidden_from_staff_without_any_right_of_ours(client: Client) -> None:
    client.force_login(clerk("view_order", "dashboard_access"))
    page = client.get(reverse("dashboard:index"), follow=True)
    assert reverse("admin:app_list", args=["cart_recovery"]) not in page.content.decode()


def test_who_may_open_it() -> None:
    assert asks(clerk("view_campaign"))
    assert not asks(clerk())
    assert not asks(clerk("view_campaign", is_staff=False))
    assert not asks(clerk("view_campaign", is_active=False))


@override_settings(ROOT_URLCONF="cart_recovery.urls")
def test_shop_without_an_admin_has_no_entry() -> None:
    assert not asks(clerk(is_superuser=True))


def test_settings_can_import_it_before_anything_is_configured() -> None:
    code = (
        "from cart_recovery.shop.dashboard import MENU_ENTRY; import sys; "
        "assert 'oscar' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
