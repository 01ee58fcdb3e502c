"""Which orders and lines are none any more, in the words that the shop has for it."""

from __future__ import annotations

import string
from typing import Final

from django.db.models import Q, Value
from django.db.models.functions import Coalesce, Lower, Trim
from django.db.models.lookups import In

from cart_recovery.conf import conf
from cart_recovery.models import Milestone
from cart_recovery.nested_settings import DEFAULT_STATUS_MILESTONES
from cart_recovery.shop.milestones import folded, milestone_of, shop_words

#: what a status means that leaves nothing of a sale
UNDONE: Final = (Milestone.CANCELLED, Milestone.REFUNDED)
_ASCII_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def is_cancelled(status: str | None) -> bool:
    """Whether a status of an order or a line says that it was cancelled or paid back."""
    return folded(status or "") in set(map(folded, _names()))


def says_cancelled(field: str = "status") -> Q:
    """The same as a condition on a column; what has no status stands."""
    return Q(In(Lower(Trim(Coalesce(field, Value("")))), cancelled_spellings()))


def cancelled_spellings() -> list[str]:
    """What LOWER(TRIM(status)) may come to where it says so.

    Some databases know the case of ASCII letters alone: whatever else a word holds is here as it was
    written, and in capitals.
    """
    return sorted(
        {
            spelling.strip().translate(_ASCII_LOWER)
            for name in _names()
            for spelling in (name, name.lower(), name.upper(), name.title(), name.casefold())
        }
    )


def _names() -> set[str]:
    """The usual names and the shop's own, as its settings write them."""
    words = shop_words()
    known = {*DEFAULT_STATUS_MILESTONES, *conf.CANCELLED_ORDER_STATUSES, *conf.STATUS_MILESTONES}
    return {name for name in known if milestone_of(name, words) in UNDONE}
