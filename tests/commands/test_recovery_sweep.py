"""The sweep from cron does the queue's work, and says what it did or would do."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.models import CartState, Enrolment, FollowUp, Heartbeat, Message, TrackedCart
from tests.factories import (
    make_basket,
    make_campaign,
    make_cart,
    make_consent,
    make_contact,
    make_followup,
    make_product,
)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _empty_outbox() -> None:
    LocmemChannel.reset()


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("recovery_sweep", *arguments, stdout=out)
    return out.getvalue()


def test_sweep_plans_sends_and_says_so() -> None:
    make_campaign()
    make_cart(make_basket(make_product()), make_consent(make_contact()))
    make_cart(make_basket(make_product()), make_contact())
    printed = run()
    assert "enrolled 2" in printed
    assert "message sent: 1" in printed
    assert "skipped no_consent: 1" in printed
    assert len(LocmemChannel.outbox) == 1
    assert Heartbeat.objects.get(stage="sweep").result["planned"]["enrolled"] == 2


def test_dry_run_says_what_would_happen_and_changes_nothing() -> None:
    make_campaign()
    make_cart(make_basket(make_product()), make_consent(make_contact()))
    make_followup(due_at=timezone.now() - dt.timedelta(hours=14))
    before = _rows()
    printed = run("--dry-run")
    assert "would enrol 1" in printed
    assert "would send email: 1" in printed
    assert "would skip: no_consent: 1" in printed or "would skip: missed: 1" in printed
    assert _rows() == before
    assert LocmemChannel.outbox == []


def test_stage_that_fails_is_named_and_the_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any) -> int:
        raise RuntimeError("kaputt")

    monkeypatch.setattr("cart_recovery.sweep.credit_pending", fail)
    make_campaign()
    make_cart(make_basket(make_product()), make_consent(make_contact()))
    with pytest.raises(CommandError, match="credited"):
        run()
    assert len(LocmemChannel.outbox) == 1
    assert Heartbeat.objects.get(stage="sweep").result["failed_stages"] == ["credited"]


def _rows() -> list[Any]:
    return [
        list(TrackedCart.objects.values_list("pk", "state", "abandoned_at")),
        list(FollowUp.objects.values_list("pk", "state", "due_at", "claim_token")),
        Enrolment.objects.count(),
        Message.objects.count(),
        TrackedCart.objects.filter(state=CartState.ACTIVE).count(),
    ]
