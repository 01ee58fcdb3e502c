"""How people say what a step consists of."""

from __future__ import annotations

import datetime as dt
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cart_recovery.channels.names import channel_name

#: seconds of each unit, the largest first
SECONDS: Final = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}


def duration_text(value: dt.timedelta | None) -> str:
    """The duration in its largest whole unit, as the form shows it; "-" for none."""
    if value is None:
        return "-"
    seconds = int(value.total_seconds())
    unit = next((name for name, size in SECONDS.items() if seconds and not seconds % size), "days")
    number = seconds // SECONDS[unit]
    texts = {
        "days": ngettext("%(n)s day", "%(n)s days", number),
        "hours": ngettext("%(n)s hour", "%(n)s hours", number),
        "minutes": ngettext("%(n)s minute", "%(n)s minutes", number),
        "seconds": ngettext("%(n)s second", "%(n)s seconds", number),
    }
    return texts[unit] % {"n": number}


def variant_name(channel: str, label: str) -> str:
    """`SMS`, or `SMS, variant B` where a channel has several."""
    name = channel_name(channel)
    return (
        _("%(channel)s, variant %(label)s") % {"channel": name, "label": label} if label else name
    )
