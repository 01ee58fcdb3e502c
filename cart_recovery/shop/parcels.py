"""Where the parcels of an order can be followed, as its shipping events say."""

from __future__ import annotations

import html
import logging
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.module_loading import import_string

from cart_recovery.conf import conf
from cart_recovery.shop.site import web_address

logger = logging.getLogger(__name__)

#: up to what no address holds, or another one
_URL: Final = re.compile(
    r"https?://(?:[^\s<>\"'`{}|\\^;,‘’‚‹›“”„«»]|;(?=\w+=)|,(?!https?://))+", re.IGNORECASE
)
#: what a sentence or a bracket may have put behind it
_BEHIND: Final = ".,;:!?)]"
#: notes may be HTML. With their semicolon only: `?a=1&copy=2` holds none
_ENTITY: Final = re.compile(r"&(?:amp|quot|apos|lt|gt|#\d+|#x[0-9a-f]+);", re.IGNORECASE)


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
    plain = _ENTITY.sub(lambda entity: html.unescape(entity[0]), notes)
    found = (web_address(match[0].rstrip(_BEHIND)) for match in _URL.finditer(plain))
    return next(filter(None, found), "")


def tracking_urls(
    order_id: int, parcels: Sequence[Parcel], lines: Collection[int]
) -> tuple[str, ...]:
    """Where these lines of an order can be followed, all of them where none is named: as the shop's
    own function says (`TRACKING_URL`; raises whatever that raises), else by their parcels, the latest
    last. Each address once."""
    if not conf.TRACKING_URL:
        latest = {_latest(parcels, frozenset([line])) for line in lines}
        wanted = latest or {_latest(parcels, frozenset())}
        return tuple(dict.fromkeys(p.url for p in parcels if p.url and p.url in wanted))
    said = str(import_string(conf.TRACKING_URL)(order_id) or "")
    url = web_address(said)
    if said and not url:
        logger.error("TRACKING_URL gave no address for order %s", order_id)
    return (url,) if url else ()


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
