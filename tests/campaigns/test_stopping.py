"""An order makes the plan say at once that nothing more will come."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.utils import timezone

from cart_recovery.models import Enrolment, EnrolmentState, FollowUp, FollowUpState, Reason
from tests.checkout import place_order_as_guest
from tests.factories import make_contact, make_followup, make_product

pytestmark = pytest.mark.django_db(transaction=True)


def plan_for(email: str, phone: str | None = None) -> FollowUp:
    return make_followup(
        contact=make_contact(email, phone=phone), due_at=timezone.now() + dt.timedelta(hours=1)
    )


@pytest.mark.parametrize(
    ("email", "phone"),
    [
        ("anna@example.de", "+4915112345678"),
        ("Anna@Example.DE", "+4915112345678"),
        ("andere@example.de", "+4915187654321"),
    ],
)
def test_plan_is_cancelled_when_the_same_person_orders_another_basket(
    client: Any, email: str, phone: str
) -> None:
    followup = plan_for("anna@example.de", "+4915187654321")
    place_order_as_guest(client, make_product(), email=email, phone=phone)
    followup.refresh_from_db()
    assert (followup.state, followup.reason) == (FollowUpState.CANCELLED, Reason.BOUGHT)
    enrolment = Enrolment.objects.get()
    assert (enrolment.state, enrolment.reason) == (EnrolmentState.STOPPED, Reason.BOUGHT)


def test_plan_stays_when_somebody_else_orders(client: Any) -> None:
    followup = plan_for("anna@example.de")
    place_order_as_guest(client, make_product(), email="bernd@example.de")
    followup.refresh_from_db()
    assert followup.state == FollowUpState.PLANNED
