"""How people say what a step consists of."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cart_recovery.channels.names import channel_name
from cart_recovery.models import CHOSEN_START_TRIGGERS, Milestone, Trigger

#: seconds of each unit, the largest first
SECONDS: Final = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}

_SINCE_ACTIVITY: Final = gettext_lazy("Counted from the shopper’s last activity.")
#: from when on the delays of the steps count, where it is not the shopper's last activity
_SINCE: Final[Mapping[str, object]] = {
    Trigger.ORDER_UNPAID: gettext_lazy("Counted from when the order was placed."),
    Trigger.ORDER_SHIPPED: gettext_lazy("Counted from when the order was shipped."),
    Trigger.ORDER_PARTLY_SHIPPED: gettext_lazy(
        "Counted from when a part of the order was shipped."
    ),
    Trigger.ORDER_DELIVERED: gettext_lazy("Counted from when the order was delivered."),
    Trigger.ORDER_DELAYED: gettext_lazy("Counted from when the order was found delayed."),
    Trigger.ORDER_RETURNED: gettext_lazy("Counted from when the return was received."),
    Trigger.ORDER_REFUNDED: gettext_lazy("Counted from when the refund was paid."),
}
_SINCE_START: Final[Mapping[str, object]] = {
    Milestone.PLACED: _SINCE[Trigger.ORDER_UNPAID],
    Milestone.SHIPPED: _SINCE[Trigger.ORDER_SHIPPED],
    Milestone.DELIVERED: _SINCE[Trigger.ORDER_DELIVERED],
}


def counted_from(trigger: str, starts_with: str) -> str:
    """From when on the delays of a campaign's steps count, as a sentence."""
    if trigger in CHOSEN_START_TRIGGERS:
        return str(_SINCE_START.get(starts_with, _SINCE_START[Milestone.DELIVERED]))
    return str(_SINCE.get(trigger, _SINCE_ACTIVITY))


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
