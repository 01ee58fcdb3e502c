"""What each rule says about a follow-up at this moment, for people to read.

The rules and their order are those of `rules.judge`, which stops at the first refusal; here all of
them are asked, so that who mends one reason sees the next one as well.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cart_recovery.campaigns.mix import MixChoice, line_up
from cart_recovery.eligibility import rules
from cart_recovery.eligibility.facts import FollowUpFacts
from cart_recovery.eligibility.verdicts import Verdict

#: name of the step between the rules about person and shop and those about time
CHANNEL: Final = "channel"


@dataclass(frozen=True, slots=True)
class Finding:
    """One rule and what it says; `verdict` is None where it lets the follow-up pass."""

    rule: str
    verdict: Verdict | None


@dataclass(frozen=True, slots=True)
class ChannelFinding:
    """One variant of the step in the order of trying, and why it cannot be used, or ""."""

    channel: str
    template_code: str
    weight: int
    blocked_by: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """`verdict` is what `rules.judge` says; `decided_by` the rule that says so, "" if it is sent."""

    verdict: Verdict
    decided_by: str
    findings: tuple[Finding, ...]
    channels: tuple[ChannelFinding, ...]


def explain(facts: FollowUpFacts, now: dt.datetime) -> Explanation:
    """Ask all rules. Pure, like the rules."""
    findings = tuple(_findings(facts, now))
    decided = next((f for f in findings if f.verdict is not None), None)
    return Explanation(
        verdict=rules.judge(facts, now),
        decided_by=decided.rule if decided is not None else "",
        findings=findings,
        channels=tuple(_channels(facts, now)),
    )


def _findings(facts: FollowUpFacts, now: dt.datetime) -> Iterator[Finding]:
    for name, rule in rules.rules_for(facts).items():
        yield Finding(name, rule(facts, now))
    choice = rules.choose_channel(facts, now)
    if not isinstance(choice, MixChoice):
        yield Finding(CHANNEL, choice)
        return
    yield Finding(CHANNEL, None)
    moment = rules.moment_of(facts, choice, now)
    for name, moment_rule in rules.MOMENT_RULES.items():
        yield Finding(name, moment_rule(moment))


def _channels(facts: FollowUpFacts, now: dt.datetime) -> Iterator[ChannelFinding]:
    usable = rules.options_of(facts)
    preferred = facts.followup.enrolment.contact.preferred_channel
    for option in line_up(facts.options, seed=rules.seed_of(facts), preferred=preferred):
        has_template = option in usable
        why = rules.blocker(facts, option.channel, now) if has_template else "template_missing"
        yield ChannelFinding(option.channel, option.template_code, option.weight, why)
