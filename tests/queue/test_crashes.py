"""Promises 3 and 4 with real workers that are really killed, on both brokers."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.utils import timezone

from cart_recovery import sweep
from cart_recovery.models import FollowUp, FollowUpState, Message, MessageState, Reason
from sandbox_shop.simulators.server import RunningSimulators, running_simulators
from tests.factories import (
    make_basket,
    make_campaign,
    make_consent,
    make_contact,
    make_followup,
    make_product,
)
from tests.queue.cluster import Project, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.queue]

BROKERS = ["orm", pytest.param("redis", marks=pytest.mark.redis)]


@pytest.fixture
def providers() -> Iterator[RunningSimulators]:
    with running_simulators() as simulators:
        yield simulators


@pytest.fixture(params=BROKERS)
def project(request: Any, providers: RunningSimulators) -> Project:
    return Project(broker=request.param, providers=providers.url)


def plan_followups(count: int) -> None:
    campaign, product = make_campaign(), make_product(stock=10_000)
    for _n in range(count):
        make_followup(
            contact=make_consent(make_contact()), campaign=campaign, basket=make_basket(product)
        )


def calls_per_person(providers: RunningSimulators) -> Counter[str]:
    """Requests that reached the provider, by recipient, whatever became of them."""
    return Counter(
        to
        for seen in providers.requests_seen
        if seen.request.path == "/v3/mail/send"
        for to in recipients(seen)
    )


def recipients(seen: Any) -> list[str]:
    return [p["to"][0]["email"] for p in seen.json()["personalizations"]]


def is_all_done() -> bool:
    return not FollowUp.objects.filter(
        state__in=[FollowUpState.PLANNED, FollowUpState.CLAIMED]
    ).exists()


def let_leases_run_out() -> None:
    """As if the lease's minutes had passed."""
    past = timezone.now() - dt.timedelta(hours=1)
    FollowUp.objects.filter(state=FollowUpState.CLAIMED).update(lease_until=past)
    Message.objects.filter(state=MessageState.SENDING).update(sending_at=past)


def test_everything_due_goes_out_once_when_the_queue_runs(
    project: Project, providers: RunningSimulators
) -> None:
    plan_followups(30)
    with project.cluster() as cluster:
        cluster.wait_until_started()
        project.enqueue("sweep")
        wait_until(lambda: Message.objects.filter(state=MessageState.SENT).count() == 30)
    assert set(calls_per_person(providers).values()) == {1}


def test_worker_killed_in_mid_call_never_sends_twice(
    project: Project, providers: RunningSimulators
) -> None:
    plan_followups(12)
    # the provider takes four messages and never answers
    providers.set_fault("hang", provider="sendgrid", seconds=120, accept=True, times=4)
    with project.cluster() as cluster:
        cluster.wait_until_started()
        project.enqueue("deliver")
        wait_until(lambda: len(calls_per_person(providers)) >= 1)
        assert cluster.kill_workers_connected_to(urlsplit(providers.url).port or 0) >= 1
        assert Message.objects.filter(state=MessageState.SENDING).exists()
    let_leases_run_out()
    with project.cluster() as cluster:
        cluster.wait_until_started()
        project.enqueue("sweep", times=3)
        wait_until(lambda: is_all_done() and not _sending())
        project.enqueue("deliver", times=3)
    assert max(calls_per_person(providers).values()) == 1
    unknown = Message.objects.filter(state=MessageState.UNKNOWN)
    assert unknown.count() >= 1
    assert set(unknown.values_list("reason", flat=True)) == {Reason.WORKER_DIED}
    assert Message.objects.count() == 12


def test_machine_that_loses_power_neither_loses_nor_repeats(
    project: Project, providers: RunningSimulators
) -> None:
    project.extra["QUEUE_TEST_BATCH"] = "10"
    plan_followups(60)
    providers.set_fault("slow", provider="sendgrid", seconds=0.3, times=60)
    with project.cluster() as cluster:
        cluster.wait_until_started()
        project.enqueue("deliver", times=2)
        wait_until(lambda: len(calls_per_person(providers)) >= 8)
        cluster.kill_all()
    let_leases_run_out()
    with project.cluster() as cluster:
        cluster.wait_until_started()
        project.enqueue("sweep", times=2)
        wait_until(lambda: is_all_done() and not _sending())
    calls = calls_per_person(providers)
    assert max(calls.values()) == 1
    # every follow-up ended in a state with a message of its own
    assert Message.objects.count() == 60
    states = Counter(Message.objects.values_list("state", flat=True))
    assert set(states) <= {MessageState.SENT, MessageState.UNKNOWN}
    assert states[MessageState.SENT] >= 30


def test_parallel_workers_and_repeated_tasks_call_once_per_message(
    project: Project, providers: RunningSimulators
) -> None:
    project.extra["QUEUE_TEST_BATCH"] = "7"
    plan_followups(80)
    with project.cluster() as first, project.cluster() as second:
        first.wait_until_started()
        second.wait_until_started()
        project.enqueue("sweep", times=4)
        project.enqueue("deliver", times=8)
        wait_until(is_all_done)
        wait_until(lambda: not _sending())
    calls = calls_per_person(providers)
    assert len(calls) == 80
    assert set(calls.values()) == {1}


def test_outage_of_hours_skips_by_policy_and_bursts_nothing(
    project: Project, providers: RunningSimulators
) -> None:
    plan_followups(20)
    late = timezone.now() - dt.timedelta(hours=30)
    ids = list(FollowUp.objects.values_list("pk", flat=True)[:15])
    FollowUp.objects.filter(pk__in=ids).update(planned_for=late, due_at=late)
    with project.cluster() as cluster:
        cluster.wait_until_started()
        project.enqueue("sweep")
        wait_until(is_all_done)
        wait_until(lambda: Message.objects.filter(state=MessageState.SENT).count() == 5)
    assert FollowUp.objects.filter(state=FollowUpState.MISSED).count() == 15
    assert len(calls_per_person(providers)) == 5


def test_sweeps_at_once_and_in_a_row_make_no_difference() -> None:
    plan_followups(3)
    first = sweep.run(timezone.now())
    for _n in range(3):
        again = sweep.run(timezone.now())
        assert (again.planned.enrolled, again.due) == (0, first.due)
    assert connection.in_atomic_block is False


def _sending() -> bool:
    return Message.objects.filter(state=MessageState.SENDING).exists()
