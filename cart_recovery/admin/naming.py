"""What the keys in reports stand for, in the reader's language. Three queries."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from cart_recovery.channels.names import channel_name
from cart_recovery.models import Campaign, Step, Variant


class Names:
    """Names as they are now. What was deleted since is said to be."""

    def __init__(self) -> None:
        self._campaigns = dict(Campaign.objects.order_by().values_list("pk", "name"))
        self._steps = dict(Step.objects.order_by().values_list("pk", "position"))
        self._variants = {
            pk: (label, template)
            for pk, label, template in Variant.objects.order_by().values_list(
                "pk", "label", "template_code"
            )
        }
        self._languages: Mapping[str, Any] = dict(settings.LANGUAGES)

    def campaign(self, key: int) -> str:
        if not key:
            return _("without campaign (confirmations, answers)")
        return self._campaigns.get(key) or _("deleted campaign %(key)s") % {"key": key}

    def step(self, key: int) -> str:
        if not key:
            return ""
        if key not in self._steps:
            return _("deleted step")
        return _("step %(position)s") % {"position": self._steps[key]}

    def variant(self, key: int) -> str:
        """Its label where it has one, and its template."""
        if not key:
            return ""
        if key not in self._variants:
            return _("deleted variant")
        return ", ".join(part for part in self._variants[key] if part)

    def channel(self, alias: str) -> str:
        return channel_name(alias) if alias else _("unknown")

    def language(self, code: str) -> str:
        return str(_(self._languages[code])) if code in self._languages else code or _("unknown")

    def of(self, table: str, key: tuple[Any, ...]) -> str:
        """The name of a row in one of `reports.dashboard.TABLES`."""
        if table == "campaign":
            return self.campaign(key[0])
        if table == "channel":
            return self.channel(key[0])
        if table == "language":
            return self.language(key[0])
        parts = [self.campaign(key[0]), self.step(key[1])]
        if table == "variant":
            parts += [self.channel(key[2]), self.variant(key[3])]
        return " · ".join(part for part in parts if part)
