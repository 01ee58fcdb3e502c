"""All that is held on a person, as data."""

from __future__ import annotations

import json
import re

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cart_recovery import models
from cart_recovery.privacy.export import as_json, collect
from cart_recovery.privacy.sections import SECTIONS
from tests.factories import make_basket, make_cart, make_followup, make_product
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


#: rows that say nothing of a person beyond what other sections say
LEFT_OUT = {models.ConsentChain, models.WebhookMention}


def test_no_table_about_people_is_forgotten() -> None:
    """Whatever leads to a contact, or knows an address by its hash, is in the export."""
    app_models = apps.get_app_config("cart_recovery").get_models()
    about_people = {
        model
        for model in app_models
        if any(
            field.related_model is models.Contact or field.name == "address_digest"
            for field in model._meta.concrete_fields
        )
    }
    assert about_people - LEFT_OUT <= {section.model for section in SECTIONS}


def test_queries_are_these_whatever_the_history() -> None:
    contact = make_known_person()
    for n in range(3):
        make_cart(make_basket(make_product()), contact)
        make_followup(contact=contact)
        models.Reply.objects.create(
            channel="sms", contact=contact, sender=PHONE, body="?", provider_message_id=f"r{n}"
        )
    with CaptureQueriesContext(connection) as queries:
        collect(contact)
    tables = [re.findall(r'FROM "(\w+?)"', q["sql"])[0] for q in queries]
    own = [table.removeprefix("cart_recovery_") for table in tables if "cart_recovery" in table]
    assert own == [
        # whom it is about: the contact, merged ones, their rows, addresses written to
        "contact", "contact", "contact", "message",
        # one per section
        "contact", "consentstate", "consentrecord", "optin", "suppression", "suppressionchange",
        "trackedcart", "checkouttrouble", "trackedorder", "ordermilestone", "enrolment", "followup",
        "notice", "message", "deliveryevent", "restorelink", "linkclick", "vouchergrant", "reviewlink",
        "linereview", "servicerating", "stafftask", "reply", "conversion", "webhookpayload", "datalink",
    ]  # fmt: skip
    # what lies in the baskets
    assert len(tables) - len(own) <= 12
