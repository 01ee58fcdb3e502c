"""One row that nobody foresaw must not hold up the others, nor vanish."""

from __future__ import annotations

from typing import Any

import pytest

from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.delivery import pipeline
from cart_recovery.models import FollowUpState, Reason
from tests.factories import make_consent, make_contact, make_followup

pytestmark = pytest.mark.django_db(transaction=True)


def test_others_go_out_when_one_follow_up_cannot_be_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    poisoned, good = (make_followup(contact=make_consent(make_contact())) for _n in range(2))
    judge = pipeline.judge

    def fail_for_one(facts: Any, now: Any) -> Any:
        if facts.followup.pk == poisoned.pk:
            raise LookupError("nobody foresaw this")
        return judge(facts, now)

    monkeypatch.setattr(pipeline, "judge", fail_for_one)
    pipeline.deliver_due()
    assert [sent.to for sent in LocmemChannel.outbox] == [good.enrolment.contact.email]
    poisoned.refresh_from_db()
    assert (poisoned.state, poisoned.reason) == (FollowUpState.SKIPPED, Reason.INTERNAL_ERROR)
