"""A duration as staff say it: a number and a unit."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from cart_recovery.campaigns.texts import SECONDS, duration_text

__all__ = ["DurationChoiceField", "DurationWidget", "duration_text"]

UNITS = [
    ("seconds", _("seconds")),
    ("minutes", _("minutes")),
    ("hours", _("hours")),
    ("days", _("days")),
]
MAX_DAYS = 3_650


class DurationWidget(forms.MultiWidget):
    """Two inputs: how many, of what."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        number = forms.NumberInput(
            attrs={"min": 0, "class": "vIntegerField", "aria-label": _("number")}
        )
        unit = forms.Select(choices=UNITS, attrs={"aria-label": _("unit")})
        super().__init__([number, unit], attrs)

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
