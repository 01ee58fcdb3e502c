"""The small form by which somebody leaves an address: what it shows and what comes back."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cart_recovery.channels.names import channel_name
from cart_recovery.channels.registry import configured_aliases
from cart_recovery.consent.addresses import address_kind_of
from cart_recovery.consent.wordings import current, shown
from cart_recovery.exceptions import ChannelConfigurationError
from cart_recovery.models import ConsentWording
from cart_recovery.preferences.entering import read_address
from cart_recovery.preferences.stamps import HONEYPOT, Trust, make_stamp, trust

_PAGE: Final = re.compile(r"/(?!/)[\x21-\x7e]{0,300}")
_CODE: Final = re.compile(r"[-a-zA-Z0-9_]{1,32}")


@dataclass(frozen=True, slots=True)
class CaptureForm:
    """One form: an address of one kind, an unticked box, the text beside it."""

    where: str
    channel: str
    address_kind: str
    wording: ConsentWording
    #: path of the page that shows it
    page: str
    address: str = ""
    is_ticked: bool = False
    #: by field (`address`, `agree`, ``: the whole form)
    errors: Mapping[str, str | Promise] | None = None

    @property
    def name(self) -> str:
        """The channel in words."""
        return channel_name(self.channel)

    @property
    def id(self) -> str:
        return f"recovery-{self.where}-{self.channel}"

    @property
    def stamp(self) -> str:
        """A fresh one each time the form is shown."""
        return make_stamp()

    @property
    def honeypot(self) -> str:
        return HONEYPOT

    @property
    def form_error(self) -> str | Promise:
        return (self.errors or {}).get("", "")

    @property
    def address_error(self) -> str | Promise:
        return (self.errors or {}).get("address", "")

    @property
    def agree_error(self) -> str | Promise:
        return (self.errors or {}).get("agree", "")

    def refused(self, field: str, text: str | Promise) -> CaptureForm:
        """The same form with a complaint."""
        return replace(self, errors={field: text})


def make_forms(
    where: str, channels: Iterable[str], *, language: str, page: str = ""
) -> list[CaptureForm]:
    """A form per channel that is set up and has a wording `<where>-<channel>`, in this order.

    No `channels` means all that are set up.
    """
    if not _CODE.fullmatch(where):
        return []
    known = configured_aliases()
    forms = []
    for channel in list(channels) or known:
        if channel not in known:
            continue
        try:
            kind, wording = address_kind_of(channel), current(f"{where}-{channel}", language)
        except (ChannelConfigurationError, ConsentWording.DoesNotExist):
            continue
        forms.append(CaptureForm(where, channel, kind, wording, page=safe_page(page)))
    return forms


def read_form(data: QueryDict, *, language: str) -> tuple[CaptureForm | None, Trust]:
    """The form that came back, with its errors, and what is to be thought of its sender.

    None where it is none of ours: no channel, no wording that we show. `address` is in its one
    spelling where there is no error, else as it was typed.
    """
    channel = data.get("channel", "")[:32]
    if channel not in configured_aliases():
        return None, Trust.STALE
    try:
        kind = address_kind_of(channel)
    except ChannelConfigurationError:
        return None, Trust.STALE
    where = data.get("where", "")
    wording = shown(data.get("wording", ""), channel=channel)
    is_current = wording is not None
    if wording is None:
        # replaced long ago: the same form with the text of today
        fresh = make_forms(where, [channel], language=language)
        if not fresh:
            return None, Trust.STALE
        wording = fresh[0].wording
    form = CaptureForm(
        where=where if _CODE.fullmatch(where) else "capture", channel=channel, address_kind=kind,
        wording=wording, page=safe_page(data.get("page", "")), address=data.get("address", "")[:320],
        is_ticked=is_current and data.get("agree") == "yes",
    )  # fmt: skip
    sender = trust(data)
    return _judged(form, sender if is_current else Trust.STALE), sender


def safe_page(path: str) -> str:
    """A path on this very site, or ""."""
    return path if _PAGE.fullmatch(path) else ""


def _judged(form: CaptureForm, sender: Trust) -> CaptureForm:
    """The form with its address read, or with the first thing that is wrong."""
    try:
        address = read_address(form.address_kind, form.address)
    except ValidationError as error:
        return form.refused("address", error.message)
    if not form.is_ticked and sender is not Trust.STALE:
        return form.refused(
            "agree", _("Without your consent we must not write to you. Please tick the box.")
        )
    if sender is Trust.STALE:
        # the address stays as it was typed; the box has to be looked at again
        return replace(form, is_ticked=False).refused(
            "", _("This form was open for too long or sent too fast. Please send it once more.")
        )
    return replace(form, address=address)
