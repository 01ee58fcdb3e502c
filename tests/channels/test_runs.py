from __future__ import annotations

import contextlib
import threading
import time

import pytest

from cart_recovery.channels.outcomes import (
    OUT_OF_TIME,
    RATE_LIMITED,
    UNREACHABLE,
    Outcome,
    OutcomeKind,
    OutgoingMessage,
)
from cart_recovery.channels.runs import Run, RunLimits, backoff

ACCEPTED = Outcome(OutcomeKind.ACCEPTED)
MESSAGES = [OutgoingMessage(key=str(number), to="x") for number in range(20)]


def lane(send_one):
    @contextlib.contextmanager
    def open_lane():
        yield send_one

    return open_lane


def run(send_one, *, messages=MESSAGES, **limits):
    run = Run(messages, RunLimits(**limits))
    run.send(lane(send_one), up_to=len(messages))
    return run


def kinds(run):
    return [outcome.kind for outcome in run.outcomes]


def test_no_more_calls_than_lanes_are_under_way():
    lock, now, most = threading.Lock(), 0, 0
    # each call waits until there are three
    together = threading.Barrier(3)

    def send_one(message):
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        together.wait(30)
        with lock:
            now -= 1
        return ACCEPTED

    assert kinds(run(send_one, messages=MESSAGES[:18], lanes=3)) == [OutcomeKind.ACCEPTED] * 18
    assert most == 3


def test_one_lane_works_in_the_callers_own_thread():
    threads = set()

    def send_one(message):
        threads.add(threading.current_thread())
        return ACCEPTED

    run(send_one, lanes=1)
    assert threads == {threading.current_thread()}


def test_a_machine_without_free_threads_sends_in_the_callers_own(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    assert kinds(run(lambda m: ACCEPTED, lanes=8)) == [OutcomeKind.ACCEPTED] * 20


def test_a_lane_that_cannot_be_opened_leaves_the_work_to_the_others():
    opened = iter([True, False])

    @contextlib.contextmanager
    def open_lane():
        if next(opened, False):
            raise OSError("no connection")
        yield lambda message: ACCEPTED

    run = Run(MESSAGES, RunLimits(lanes=2))
    run.send(open_lane, up_to=20)
    assert kinds(run) == [OutcomeKind.ACCEPTED] * 20


def test_the_queues_alarm_stops_the_run_and_goes_up():
    calls = []

    def send_one(message):
        calls.append(message)
        if len(calls) == 3:
            raise SystemExit
        return ACCEPTED

    with pytest.raises(SystemExit):
        run(send_one, lanes=1)
    assert len(calls) == 3


def test_an_alarm_while_waiting_for_lanes_begins_no_further_call(monkeypatch):
    calls, answered = [], threading.Event()

    def send_one(message):
        calls.append(message)
        answered.wait(30)
        return ACCEPTED

    def alarm(self, timeout=None):
        raise SystemExit

    monkeypatch.setattr(threading.Thread, "join", alarm)
    with pytest.raises(SystemExit):
        run(send_one, lanes=2)
    answered.set()
    time.sleep(0.2)
    assert len(calls) <= 2


def test_a_call_that_never_ends_is_unknown_and_holds_nobody():
    never = threading.Event()

    def send_one(message):
        if message.key == "5":
            never.wait(60)
        return ACCEPTED

    begun = time.monotonic()
    result = kinds(run(send_one, lanes=4, time_budget=0.2, grace=0.1))
    assert time.monotonic() - begun < 30
    assert result.pop(5) is OutcomeKind.UNKNOWN
    assert set(result) == {OutcomeKind.ACCEPTED}
    never.set()


def test_what_does_not_fit_into_the_time_is_left_untried():
    def send_one(message):
        time.sleep(0.2)
        return ACCEPTED

    outcomes = run(send_one, lanes=1, time_budget=0.5).outcomes
    assert outcomes[0] == ACCEPTED
    assert (outcomes[-1].code, outcomes[-1].was_tried) == (OUT_OF_TIME, False)


def test_a_wait_that_does_not_fit_into_the_time_stops_the_run():
    limit = Outcome(OutcomeKind.RETRY_SAFE, code=RATE_LIMITED, retry_after=60.0)
    begun = time.monotonic()
    outcomes = run(lambda m: limit, lanes=1, time_budget=30).outcomes
    assert time.monotonic() - begun < 20
    assert {o.retry_after for o in outcomes} == {60.0}


def test_a_limit_that_stays_is_not_waited_for_for_ever():
    limit = Outcome(OutcomeKind.RETRY_SAFE, code=RATE_LIMITED, retry_after=0.1)
    calls = []

    def send_one(message):
        calls.append(message)
        return limit

    outcomes = run(send_one, lanes=4, patience=0.35).outcomes
    assert {(o.kind, o.code) for o in outcomes} == {(OutcomeKind.RETRY_SAFE, RATE_LIMITED)}
    assert len(calls) <= 20


def test_single_failures_do_not_stop_a_run():
    answers = [ACCEPTED, Outcome(OutcomeKind.UNKNOWN)] * 10
    assert kinds(run(lambda m: answers[int(m.key)], lanes=1)).count("unknown") == 10


def test_failures_in_a_row_stop_a_run():
    def send_one(message):
        is_up = int(message.key) < 4
        return ACCEPTED if is_up else Outcome(OutcomeKind.RETRY_SAFE, code=UNREACHABLE)

    outcomes = run(send_one, lanes=1, failure_limit=3).outcomes
    assert [o.was_tried for o in outcomes] == [True] * 7 + [False] * 13
    assert outcomes[-1].retry_after == 60.0


def test_the_wait_without_a_word_of_the_provider_doubles():
    assert [round(backoff(n), 1) for n in (1, 2)] == [0.1, 0.2]
    assert 27 <= backoff(20) <= 33
