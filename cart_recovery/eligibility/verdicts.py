"""What the rules may answer. A refusal is a verdict, not an exception."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from cart_recovery.campaigns.mix import MixChoice
from cart_recovery.models import Reason


@dataclass(frozen=True, slots=True)
class Send:
    choice: MixChoice


@dataclass(frozen=True, slots=True)
class Wait:
    until: dt.datetime
    reason: Reason


@dataclass(frozen=True, slots=True)
class Skip:
    """`ends_enrolment`: nothing that comes later can go out either."""

    reason: Reason
    ends_enrolment: bool = False
    detail: str = ""


Verdict = Send | Wait | Skip
