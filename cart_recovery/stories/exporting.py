"""A story as JSON: the same facts with stable keys, codes instead of words, moments in UTC."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from cart_recovery.eligibility.verdicts import Send, Skip, Verdict, Wait
from cart_recovery.stories.facts import Fact, Prospect, Story
from cart_recovery.stories.words import Reader


def as_json(story: Story, reader: Reader) -> dict[str, Any]:
    """Plain values for `json.dumps`; masked like the page."""
    return {
        "facts": [_fact(fact, reader) for fact in story.facts],
        "planned": [_prospect(prospect) for prospect in story.prospects],
        "reasons": [_fact(fact, reader) for fact in story.reasons],
        "is_cut": story.is_cut,
    }


def _fact(fact: Fact, reader: Reader) -> dict[str, Any]:
    return {
        "kind": fact.kind,
        "at": _plain(fact.at),
        "about": {"model": fact.about[0], "key": fact.about[1]} if fact.about else None,
        **_details(fact.details, reader),
    }


def _details(details: Mapping[str, Any], reader: Reader) -> dict[str, Any]:
    plain = {key: _plain(value) for key, value in details.items()}
    if plain.get("address"):
        plain["address"] = reader.address(plain["address"])
    if plain.get("detail"):
        plain["detail"] = reader.text(plain["detail"])
    return plain


def _prospect(prospect: Prospect) -> dict[str, Any]:
    explanation = prospect.explanation
    return {
        "followup": prospect.followup_id,
        "campaign": prospect.campaign,
        "step": prospect.step,
        "due_at": _plain(prospect.due_at),
        "verdict": _verdict(explanation.verdict),
        "decided_by": explanation.decided_by,
        "rules": [
            {"rule": finding.rule, **_verdict(finding.verdict)} for finding in explanation.findings
        ],
        "channels": [
            {"channel": c.channel, "template": c.template_code, "weight": c.weight,
             "blocked_by": c.blocked_by}
            for c in explanation.channels
        ],
    }  # fmt: skip


def _verdict(verdict: Verdict | None) -> dict[str, Any]:
    if isinstance(verdict, Send):
        option = verdict.choice.option
        return {"verdict": "send", "channel": option.channel, "choice": str(verdict.choice.reason)}
    if isinstance(verdict, Wait):
        return {"verdict": "wait", "until": _plain(verdict.until), "reason": str(verdict.reason)}
    if isinstance(verdict, Skip):
        return {"verdict": "skip", "reason": str(verdict.reason),
                "ends_enrolment": verdict.ends_enrolment}  # fmt: skip
    return {"verdict": "pass"}


def _plain(value: Any) -> Any:
    if isinstance(value, dt.datetime):
        return value.astimezone(dt.UTC).isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value) if isinstance(value, str) else value
