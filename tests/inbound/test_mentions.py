"""Kept webhooks say whom they speak of, so that an erasure finds them."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from django.utils import timezone

from cart_recovery.channels.registry import get_channel
from cart_recovery.contacts.addresses import address_digest
from cart_recovery.inbound.mentions import keep
from cart_recovery.inbound.receivers import Parsed
from cart_recovery.models import WebhookMention, WebhookPayload
from cart_recovery.privacy.erasure import erase
from cart_recovery.provider_events import EventKind, ProviderEvent
from tests.factories import make_contact

pytestmark = pytest.mark.django_db

PHONE = "+4915112345678"
FORM = urlencode({"From": PHONE, "Body": "Bin Grete@Example.de."})


def mentioned(body: str, parsed: Parsed | None = None) -> set[str]:
    keep(body, parsed or Parsed(), get_channel("email"))
    return set(WebhookMention.objects.values_list("address_digest", flat=True))


@pytest.mark.parametrize(
    ("body", "kind", "address"),
    [
        ('[{"email": "Grete@Example.de"}]', "email", "grete@example.de"),
        ('[{"email": "grete+shop@example.de"}]', "email", "grete+shop@example.de"),
        ('[{"reason": "550 5.1.1 <grete@example.de>: unknown"}]', "email", "grete@example.de"),
        ('[{"email": "grete@example.de", "event"', "email", "grete@example.de"),
        (FORM, "phone", PHONE),
        (FORM, "email", "grete@example.de"),
    ],
)
def test_address_is_found_wherever_it_stands(body: str, kind: str, address: str) -> None:
    assert address_digest(kind, address) in mentioned(body)


def test_address_that_only_the_parser_can_read_is_found() -> None:
    event = ProviderEvent(
        channel="email", kind=EventKind.OPENED, occurred_at=timezone.now(), dedupe_key="1",
        address="grete@münchen.de",
    )  # fmt: skip
    body = '[{"email": "grete@m\\u00fcnchen.de"}]'
    assert address_digest("email", "grete@münchen.de") in mentioned(body, Parsed(events=[event]))


def test_number_of_statements_does_not_grow(django_assert_num_queries) -> None:
    body = str([{"email": f"m{n}@example.de"} for n in range(900)]).replace("'", '"')
    with django_assert_num_queries(3):
        keep(body, Parsed(), get_channel("email"))
    assert WebhookMention.objects.count() == 900


def test_later_webhook_about_an_erased_person_is_kept_without_its_text() -> None:
    contact = make_contact("grete@example.de")
    erase([contact], source="test", now=timezone.now())
    assert mentioned('[{"email": "grete@example.de"}]') == set()
    assert WebhookPayload.objects.get().body == ""
