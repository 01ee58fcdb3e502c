"""All that is held on a person, as data."""

from __future__ import annotations

import json

import pytest

from cart_recovery.privacy.export import as_json, collect
from cart_recovery.privacy.sections import SECTIONS
from tests.privacy.people import EMAIL, NAME, PHONE, make_known_person

pytestmark = pytest.mark.django_db


def test_every_section_holds_what_is_known() -> None:
    data = collect(make_known_person())
    assert [s.name for s in SECTIONS if not data[s.name]] == ["suppressions"]
    assert data["contacts"][0]["email"] == EMAIL
    assert data["contacts"][0]["phone"] == PHONE
    assert data["carts"][0]["contents"] == [{"title": "Lampe", "quantity": 1, "options": {}}]
    assert data["messages"][0]["text"] == f"Hallo {NAME}"
    assert data["webhooks"][0]["body"] == [{"email": EMAIL, "event": "open"}]
    json.dumps(data)


def test_file_says_the_same_as_the_data() -> None:
    contact = make_known_person()
    data, file = collect(contact), json.loads("".join(as_json(contact)))
    del data["generated_at"], file["generated_at"]
    assert file == data
