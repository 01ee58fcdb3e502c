"""Promise 3 under real concurrency: threads with connections of their own, all at the same moment."""

from __future__ import annotations

import datetime as dt
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest
from django.conf import settings
from django.db import connection, connections, transaction
from django.test import override_settings
from django.utils import timezone
from oscar.core.loading import get_model

from cart_recovery import sweep
from cart_recovery.channels.locmem import LocmemChannel
from cart_recovery.conf import conf
from cart_recovery.delivery.claims import new_claim_token
from cart_recovery.delivery.followups import claim_due, release_stale
from cart_recovery.delivery.pipeline import deliver_due
from cart_recovery.models import (
    CartState,
    Contact,
    Enrolment,
    FollowUp,
    FollowUpState,
    Message,
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

T = TypeVar("T")


def at_once(count: int, work: Callable[[], T]) -> list[T]:
    """Let `count` threads do the work, all starting at the same moment; what each gives back."""
    barrier = threading.Barrier(count)

    def run(_number: int) -> T:
        connection.ensure_connection()
        barrier.wait(timeout=30)
        try:
            return work()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


def make_due(count: int) -> set[int]:
    """Many due follow-ups in a few statements; their keys."""
    campaign, now = make_campaign(), timezone.now()
    basket = get_model("basket", "Basket")
    baskets = basket.objects.bulk_create([basket() for _n in range(count)])
    people = Contact.objects.bulk_create([Contact(created_at=now) for _n in range(count)])
    carts = TrackedCart.objects.bulk_create(
        TrackedCart(basket=b, contact=c, state=CartState.ABANDONED, created_at=now, last_activity_at=now)
        for b, c in zip(baskets, people, strict=True)
    )  # fmt: skip
    enrolments = Enrolment.objects.bulk_create(
        Enrolment(campaign=campaign, contact=c.contact, cart=c, clock_at=now, enrolled_at=now)
        for c in carts
    )
    step = campaign.steps.get()
    due = FollowUp.objects.bulk_create(
        FollowUp(enrolment=e, step=step, planned_for=now, due_at=now) for e in enrolments
    )
    return {followup.pk for followup in due}


@pytest.mark.parametrize("can_lock", [True, False])
def test_claims_are_disjoint_when_workers_claim_at_once(
    monkeypatch: pytest.MonkeyPatch, can_lock: bool
) -> None:
    """With the database's locks, and by the conditional UPDATE alone where it has none."""
    if not can_lock:
        monkeypatch.setattr(type(connection.features), "has_select_for_update", False)
    due = make_due(120)

    def claim_until_nothing_is_left() -> list[int]:
        mine: list[int] = []
        while FollowUp.objects.filter(state=FollowUpState.PLANNED).exists():
            mine += claim_due(timezone.now(), limit=7, token=new_claim_token())
        return mine

    claims = at_once(6, claim_until_nothing_is_left)
    times = Counter(pk for mine in claims for pk in mine)
    assert set(times) == due
    assert set(times.values()) == {1}


@pytest.mark.postgres
def test_nobody_waits_when_another_one_is_claiming() -> None:
    """Rows that another worker is about to take are passed over. (SQLite lets writers queue up.)"""
    make_due(10)
    first_has_locked, second_is_done = threading.Event(), threading.Event()

    def lock() -> None:
        with transaction.atomic():
            rows = FollowUp.objects.select_for_update().order_by("due_at", "pk")[:4]
            list(rows)
            first_has_locked.set()
            second_is_done.wait(timeout=20)
        connections.close_all()

    thread = threading.Thread(target=lock)
    thread.start()
    assert first_has_locked.wait(timeout=20)
    try:
        claimed = claim_due(timezone.now(), limit=10, token=new_claim_token())
    finally:
        second_is_done.set()
        thread.join()
    assert len(claimed) == 6


def test_each_person_is_called_once_when_deliveries_overlap() -> None:
    campaign, product = make_campaign(), make_product(stock=1000)
    for _n in range(18):
        make_followup(
            contact=make_consent(make_contact()), campaign=campaign, basket=make_basket(product)
        )
    with recovery(BATCH_SIZE=4):
        at_once(4, deliver_due)
        deliver_due()
    calls = Counter(message.to for message in LocmemChannel.outbox)
    assert len(calls) == 18
    assert set(calls.values()) == {1}
    assert Message.objects.filter(state="sent").count() == 18


def test_each_cart_is_enrolled_once_when_sweeps_overlap() -> None:
    make_campaign()
    product = make_product(stock=1000)
    for _n in range(12):
        make_cart(make_basket(product), make_contact())
    with recovery(BATCH_SIZE=5):
        reports = at_once(4, lambda: sweep.run(timezone.now()))
    assert [report.failed_stages for report in reports] == [[]] * 4
    assert Enrolment.objects.count() == FollowUp.objects.count() == 12


def test_claim_is_given_back_when_its_lease_has_run_out_and_not_before() -> None:
    make_due(2)
    now = timezone.now()
    assert len(claim_due(now, limit=2, token=new_claim_token())) == 2
    assert release_stale(now + conf.LEASE - dt.timedelta(seconds=1)) == 0
    assert claim_due(now, limit=2, token=new_claim_token()) == []
    assert release_stale(now + conf.LEASE + dt.timedelta(seconds=1)) == 2
    assert len(claim_due(now, limit=2, token=new_claim_token())) == 2


def recovery(**changes: Any) -> Any:
    return override_settings(CART_RECOVERY={**settings.CART_RECOVERY, **changes})
