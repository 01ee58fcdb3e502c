"""The sweep from cron does the queue's work, and says what it did or would do."""

from __future__ import annotations

import datetime as dt
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.models import (
    CartState,
    Enrolment,
    FollowUp,
    Heartbeat,
    Message,
    Reason,
    TrackedCart,
)
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


def test_what_a_dead_worker_held_is_settled_when_the_sweep_runs() -> None:
    """Not yet handed over: goes out now. In mid-call: unknown from here on, never again."""
    held = make_followup(contact=make_consent(make_contact()))
    in_call = make_followup(contact=make_consent(make_contact()))
    run()
    LocmemChannel.reset()
    long_ago = timezone.now() - dt.timedelta(hours=1)
    Message.objects.filter(followup=in_call).update(state="sending", sending_at=long_ago)
    Message.objects.filter(followup=held).delete()
    FollowUp.objects.filter(pk=held.pk).update(
        state="claimed", claim_token="dead", lease_until=long_ago
    )
    run()
    assert [sent.to for sent in LocmemChannel.outbox] == [held.enrolment.contact.email]
    message = Message.objects.get(followup=in_call)
    assert (message.state, message.reason) == ("unknown", Reason.WORKER_DIED)


def test_heartbeat_is_there_and_tells_the_error_when_every_stage_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*args: Any, **kwargs: Any) -> int:
        raise RuntimeError("kaputt")

    for stage in (
        "give_up_stuck", "_release", "credit_pending", "plan", "purge_expired", "_count_due",
    ):  # fmt: skip
        monkeypatch.setattr(f"cart_recovery.sweep.{stage}", fail)
    before = timezone.now()
    with pytest.raises(CommandError):
        run()
    beat = Heartbeat.objects.get(stage="sweep")
    assert beat.ran_at >= before
    assert beat.result["failed_stages"] == [
        "unknown", "released", "credited", "planned", "purged", "due",
    ]  # fmt: skip


def _rows() -> list[Any]:
    return [
        list(TrackedCart.objects.values_list("pk", "state", "abandoned_at")),
        list(FollowUp.objects.values_list("pk", "state", "due_at", "claim_token")),
        Enrolment.objects.count(),
        Message.objects.count(),
        TrackedCart.objects.filter(state=CartState.ACTIVE).count(),
    ]
