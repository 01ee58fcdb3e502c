"""What would happen now, without doing it."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator

from cart_recovery.conf import conf
from cart_recovery.delivery import notices
from cart_recovery.eligibility.facts import load_facts, with_relations
from cart_recovery.eligibility.rules import judge
from cart_recovery.eligibility.verdicts import Send, Wait
from cart_recovery.models import FollowUp, FollowUpState


def foretell(now: dt.datetime) -> Iterator[str]:
    """One line per kind of verdict on what is due, most frequent first."""
    counts: Counter[str] = Counter()
    for ids in _due_batches(now):
        for facts in load_facts(with_relations(ids), now):
            verdict = judge(facts, now)
            if isinstance(verdict, Send):
                counts[f"send {verdict.choice.option.channel}"] += 1
            elif isinstance(verdict, Wait):
                counts[f"wait: {verdict.reason}"] += 1
            else:
                counts[f"skip: {verdict.reason}"] += 1
    if said := notices.count_due(now, at_most=conf.BATCH_SIZE):
        yield f"would look at notices: {said}"
    for what, count in counts.most_common():
        yield f"would {what}: {count}"


def _due_batches(now: dt.datetime) -> Iterator[list[int]]:
    due = FollowUp.objects.filter(state=FollowUpState.PLANNED, due_at__lte=now).order_by("pk")
    last = 0
    while ids := list(due.filter(pk__gt=last).values_list("pk", flat=True)[: conf.BATCH_SIZE]):
        yield ids
        last = ids[-1]
