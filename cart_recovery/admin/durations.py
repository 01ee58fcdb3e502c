"""A duration as staff say it: a number and a unit."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

UNITS = [
    ("seconds", _("seconds")),
    ("minutes", _("minutes")),
    ("hours", _("hours")),
    ("days", _("days")),
]
SECONDS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
MAX_DAYS = 3_650


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


class DurationWidget(forms.MultiWidget):
    """Two inputs: how many, of what."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        number = forms.NumberInput(attrs={"min": 0, "style": "width: 5em"})
        super().__init__([number, forms.Select(choices=UNITS)], attrs)

    def decompress(self, value: Any) -> list[Any]:
        if not isinstance(value, dt.timedelta):
            return [None, "hours"]
        seconds = int(value.total_seconds())
        for unit, size in SECONDS.items():
            if seconds and seconds % size == 0:
                return [seconds // size, unit]
        return [0, "minutes"]


class DurationChoiceField(forms.MultiValueField):
    """Gives a timedelta of whole seconds, or None where it may be empty and is."""

    widget = DurationWidget

    def __init__(self, **kwargs: Any) -> None:
        for name in ("max_value", "min_value", "encoder", "decoder"):
            kwargs.pop(name, None)
        number = forms.IntegerField(min_value=0, required=False)
        fields = (number, forms.ChoiceField(choices=UNITS, required=False))
        super().__init__(fields, require_all_fields=False, **kwargs)

    def compress(self, data_list: list[Any]) -> dt.timedelta | None:
        if not data_list or data_list[0] in (None, ""):
            if self.required:
                raise forms.ValidationError(_("Enter a number."), code="required")
            return None
        number, unit = data_list
        seconds = number * SECONDS[unit or "hours"]
        if seconds > MAX_DAYS * SECONDS["days"]:
            raise forms.ValidationError(
                _("Enter at most %(days)s days."), code="too_long", params={"days": MAX_DAYS}
            )
        return dt.timedelta(seconds=seconds)
