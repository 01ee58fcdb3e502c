"""Telling people from programs without a script or a picture: a field nobody sees, and a clock."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import Final

from django.core import signing
from django.http import QueryDict
from django.utils import timezone

#: a name that programs like to fill in, and that no browser fills in by itself
HONEYPOT: Final = "homepage"
STAMP: Final = "stamp"
#: nobody types an address and reads a consent faster
FASTEST: Final = dt.timedelta(seconds=2)
#: a page that was open for longer shows a wording that may be replaced by now
LONGEST: Final = dt.timedelta(days=1)
_SALT: Final = "cart_recovery.form"


class Trust(StrEnum):
    GOOD = "good"
    #: sent too fast, too late, or without a stamp of ours: a person may send it again
    STALE = "stale"
    #: filled in what people do not see
    ROBOT = "robot"


def make_stamp(now: dt.datetime | None = None) -> str:
    """When the form was shown, signed."""
    moment = now or timezone.now()
    return signing.Signer(salt=_SALT).sign(format(int(moment.timestamp() * 1000), "x"))


def trust(data: QueryDict, now: dt.datetime | None = None) -> Trust:
    """What a form that was sent says about its sender."""
    if data.get(HONEYPOT, "").strip():
        return Trust.ROBOT
    try:
        shown = signing.Signer(salt=_SALT).unsign(data.get(STAMP, "")[:200])
    except signing.BadSignature:
        return Trust.STALE
    moment = dt.datetime.fromtimestamp(int(shown, 16) / 1000, tz=dt.UTC)
    age = (now or timezone.now()) - moment
    return Trust.GOOD if FASTEST <= age <= LONGEST else Trust.STALE
