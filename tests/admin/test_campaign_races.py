"""Two editors press the button in the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from cart_recovery.models import Campaign
from tests.admin.campaign_forms import form_of, page_url
from tests.factories import make_campaign, make_user

pytestmark = pytest.mark.django_db(transaction=True)


def test_one_saves_and_the_other_is_told() -> None:
    campaign = make_campaign()
    clients, forms = [], []
    for number in range(4):
        client = Client()
        client.force_login(make_user(is_staff=True, is_superuser=True))
        clients.append(client)
        forms.append(form_of(client, campaign, name=f"Name {number}"))

    def save(number: int) -> Any:
        try:
            return clients[number].post(page_url(campaign), forms[number]).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        codes = sorted(pool.map(save, range(4)))
    assert codes == [200, 200, 200, 302]
    assert Campaign.objects.get(pk=campaign.pk).revision == 2


def test_campaign_is_switched_once() -> None:
    campaign = make_campaign(is_active=False)
    clients = []
    for _number in range(3):
        client = Client()
        client.force_login(make_user(is_staff=True, is_superuser=True))
        clients.append(client)

    def activate(client: Client) -> int:
        try:
            return client.post(page_url(campaign, "activate"), {"revision": 1}).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        codes = sorted(pool.map(activate, clients))
    assert codes == [200, 200, 302]
    assert Campaign.objects.get(pk=campaign.pk).revision == 2
