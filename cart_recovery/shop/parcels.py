"""Where the parcels of an order can be followed, as its shipping events say."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.module_loading import import_string

from cart_recovery.conf import conf

_URL: Final = re.compile(r"https?://[^\s<>\"']+")


@dataclass(frozen=True, slots=True)
class Parcel:
    """One shipping event. `lines` is empty where it names none: then it is about the whole order.

    `has_left`: it says that they have left the shop; `url` is "" where it names no address.
    """

    lines: frozenset[int]
    url: str
    has_left: bool


def address_in(notes: str) -> str:
    """The first address in the notes of an event; "" where there is none."""
    found = _URL.search(notes)
    return found[0].rstrip(".,;)") if found else ""


def tracking_url(order_id: int, parcels: Sequence[Parcel], lines: Collection[int]) -> str:
    """Where these lines of an order can be followed, all of them where none is named: as the shop's
    own function says (`TRACKING_URL`; raises whatever that raises), else by its parcels, the latest last."""
    if not conf.TRACKING_URL:
        return _latest(parcels, frozenset(lines))
    return str(import_string(conf.TRACKING_URL)(order_id) or "")


def _latest(parcels: Sequence[Parcel], lines: frozenset[int]) -> str:
    """The address of the latest event about any of the lines. A parcel that left without one has
    none: that of another parcel leads astray."""
    has_left = False
    for parcel in reversed(parcels):
        if parcel.lines and lines and not parcel.lines & lines:
            continue
        if parcel.url:
            return "" if has_left and parcel.has_left else parcel.url
        has_left = has_left or parcel.has_left
    return ""
