"""What people call the channels."""

from __future__ import annotations

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_NAMES: Final[dict[str, Promise]] = {
    # with a hyphen at which no line breaks
    "email": _("e‑mail"),
    "sms": _("SMS"),
    "whatsapp": _("WhatsApp"),
    "messenger": _("Messenger"),
    "webpush": _("web push"),
}


def channel_name(alias: str, default: str = "") -> str:
    """The channel in words; `default`, or the alias itself, where the shop has its own."""
    return str(_NAMES.get(alias) or default or alias)
