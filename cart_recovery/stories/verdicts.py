"""Verdicts of the rules in words: for what is planned, rule by rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cart_recovery.channels.names import channel_name
from cart_recovery.eligibility.explaining import CHANNEL, Explanation
from cart_recovery.eligibility.verdicts import Send, Skip, Verdict, Wait
from cart_recovery.stories.facts import Prospect
from cart_recovery.stories.words import blocked_text, choice_text, moment_text, reason_text

#: what each rule asks
RULES: Final[Mapping[str, Any]] = {
    "purchases": gettext_lazy("Has the person bought?"),
    "enrolment": gettext_lazy("Is the campaign still on for this cart or order?"),
    "cart": gettext_lazy("Is the cart still left alone?"),
    "basket": gettext_lazy("Can its contents still be bought?"),
    "order": gettext_lazy("Does the order still stand?"),
    "payment": gettext_lazy("Is there something left to pay?"),
    "goods": gettext_lazy("Has the person kept what it is about, and not reviewed it yet?"),
    "milestone": gettext_lazy("Is the order still where the message says that it is?"),
    "complaint": gettext_lazy("Is there no open complaint?"),
    "person": gettext_lazy("Does the order still name this person?"),
    "pause": gettext_lazy("Has the person asked for peace?"),
    CHANNEL: gettext_lazy("Is there a channel that may be used?"),
    "lateness": gettext_lazy("Is it still in time?"),
    "quiet_hours": gettext_lazy("Is it a decent hour where the person is?"),
    "caps": gettext_lazy("Has the person room for one more message?"),
}


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule on the page. `outcome` is `pass`, `wait` or `skip`; `decides`: the first that says no."""

    rule: str
    question: str
    outcome: str
    answer: str
    decides: bool


@dataclass(frozen=True, slots=True)
class ProspectText:
    """What a page shows of a prospect."""

    followup_id: int
    title: str
    summary: str
    outcome: str
    lines: tuple[RuleLine, ...]
    channels: tuple[str, ...]


def prospect_text(prospect: Prospect) -> ProspectText:
    explanation = prospect.explanation
    return ProspectText(
        followup_id=prospect.followup_id,
        title=_("Step %(step)s of “%(campaign)s”, due %(due)s") % {
            "step": prospect.step, "campaign": prospect.campaign,
            "due": moment_text(prospect.due_at),
        },
        summary=summary(explanation.verdict),
        outcome=outcome_of(explanation.verdict),
        lines=tuple(_lines(explanation)),
        channels=tuple(_channels(explanation)),
    )  # fmt: skip


def summary(verdict: Verdict) -> str:
    """What would happen now."""
    if isinstance(verdict, Send):
        choice = verdict.choice
        return _("If it were judged now, it would be sent by %(channel)s (%(how)s).") % {
            "channel": channel_name(choice.option.channel), "how": choice_text(choice.describe()),
        }  # fmt: skip
    if isinstance(verdict, Wait):
        return _("If it were judged now, it would wait until %(until)s: %(reason)s.") % {
            "until": moment_text(verdict.until), "reason": reason_text(verdict.reason),
        }  # fmt: skip
    if verdict.ends_enrolment:
        return _("If it were judged now, it and all later steps would be dropped: %(reason)s.") % {
            "reason": reason_text(verdict.reason)
        }
    return _("If it were judged now, this step would be skipped: %(reason)s.") % {
        "reason": reason_text(verdict.reason)
    }


def outcome_of(verdict: Verdict | None) -> str:
    if isinstance(verdict, Wait):
        return "wait"
    return "skip" if isinstance(verdict, Skip) else "pass"


def _lines(explanation: Explanation) -> Iterator[RuleLine]:
    for finding in explanation.findings:
        yield RuleLine(
            rule=finding.rule,
            question=str(RULES[finding.rule]),
            outcome=outcome_of(finding.verdict),
            answer=_answer(finding.verdict),
            decides=finding.rule == explanation.decided_by,
        )


def _answer(verdict: Verdict | None) -> str:
    if isinstance(verdict, Wait):
        return _("Wait until %(until)s: %(reason)s.") % {
            "until": moment_text(verdict.until), "reason": reason_text(verdict.reason),
        }  # fmt: skip
    if isinstance(verdict, Skip):
        return _("No: %(reason)s.") % {"reason": reason_text(verdict.reason)}
    return _("Nothing stands in the way.")


def _channels(explanation: Explanation) -> Iterator[str]:
    """The mix in the order of trying, with what stands against each channel."""
    for place, found in enumerate(explanation.channels, 1):
        why = blocked_text(found.blocked_by) if found.blocked_by else _("may be used")
        yield _("%(place)s. %(channel)s (weight %(weight)s, template %(template)s): %(why)s") % {
            "place": place, "channel": channel_name(found.channel), "weight": found.weight,
            "template": found.template_code, "why": why,
        }  # fmt: skip
