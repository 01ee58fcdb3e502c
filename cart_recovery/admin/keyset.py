"""Pages of very long lists: the last row of a page is where the next one begins.

No page counts anything, and none skips rows: page 10,000 costs what the first one does.

A filter without an index of its own may match hardly any row, so such a page looks through no more
than `WINDOW` rows. It may then be short, or empty, while older rows are still to be looked at: the
page says so, and its link goes on from there.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import Q, QuerySet
from django.utils.dateparse import parse_datetime

#: rows that a page with a filter looks through
WINDOW: Final = 20_000
SEPARATOR: Final = "~"
MAX_KEY: Final = 2**63 - 1

Rows = QuerySet[Any, Any]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the list, newest first: by the key alone, or by a moment and the key."""

    key: int
    at: dt.datetime | None = None

    def text(self) -> str:
        """As it stands in URLs."""
        return f"{self.key}" if self.at is None else f"{self.key}{SEPARATOR}{self.at.isoformat()}"


@dataclass(frozen=True, slots=True)
class Order:
    """Newest first: by the primary key, or by a moment with the key for those of the same moment."""

    field: str = ""

    def names(self, *, backwards: bool = False) -> list[str]:
        sign = "" if backwards else "-"
        return [f"{sign}{name}" for name in filter(None, (self.field, "pk"))]

    def position_of(self, row: Any) -> Position:
        return Position(row.pk, getattr(row, self.field) if self.field else None)

    def older(self, than: Position, *, inclusive: bool = False) -> Q:
        return self._beyond(than, "lt", inclusive=inclusive)

    def newer(self, than: Position, *, inclusive: bool = False) -> Q:
        return self._beyond(than, "gt", inclusive=inclusive)

    def _beyond(self, place: Position, side: str, *, inclusive: bool) -> Q:
        by_key = f"pk__{side}e" if inclusive else f"pk__{side}"
        if not self.field:
            return Q(**{by_key: place.key})
        # the first part is for the index, which does not see through the OR
        same = Q(**{self.field: place.at, by_key: place.key})
        return Q(**{f"{self.field}__{side}e": place.at}) & (
            Q(**{f"{self.field}__{side}": place.at}) | same
        )


@dataclass(frozen=True, slots=True)
class Page:
    """`older` and `newer` are where the neighbours begin; `is_cut`: not all was looked through."""

    rows: list[Any]
    older: Position | None
    newer: Position | None
    is_cut: bool = False


def read_position(text: str, order: Order) -> Position | None:
    """The position of a URL. Raises ValueError for what is none of this order."""
    if not text:
        return None
    key, _separator, at = text.partition(SEPARATOR)
    moment = parse_datetime(at) if at else None
    if not (key.isascii() and key.isdigit()) or int(key) > MAX_KEY:
        raise ValueError("not a position")
    if (moment is not None) != bool(order.field) or (moment and moment.tzinfo is None):
        raise ValueError("not a position of this order")
    return Position(int(key), moment)


@dataclass(frozen=True, slots=True)
class Listing:
    """`rows` are filtered; `everything` is the same without filters, where a window is needed."""

    rows: Rows
    order: Order
    size: int
    everything: Rows | None = None

    def older(self, start: Position | None) -> Page:
        """The page that begins after `start`; the first page without one. Two queries at most."""
        rows, bound = self.rows, self._window_end(start)
        if start is not None:
            rows = rows.filter(self.order.older(start))
        if bound is not None:
            rows = rows.filter(self.order.newer(bound, inclusive=True))
        found = list(rows.order_by(*self.order.names())[: self.size + 1])
        has_more = len(found) > self.size
        found = found[: self.size]
        is_cut = bound is not None and not has_more
        return Page(
            rows=found,
            older=self.order.position_of(found[-1]) if has_more else bound,
            newer=self._start_of(found, start),
            is_cut=is_cut,
        )

    def newer(self, end: Position) -> Page:
        """The page that ends before `end`."""
        rows, bound = self.rows, self._window_end(end, backwards=True)
        rows = rows.filter(self.order.newer(end))
        if bound is not None:
            rows = rows.filter(self.order.older(bound, inclusive=True))
        found = list(rows.order_by(*self.order.names(backwards=True))[: self.size + 1])
        has_more = len(found) > self.size
        found = found[: self.size][::-1]
        return Page(
            rows=found,
            older=self.order.position_of(found[-1]) if found else end,
            newer=self.order.position_of(found[0]) if has_more else bound,
            is_cut=bound is not None and not has_more,
        )

    def _start_of(self, found: list[Any], start: Position | None) -> Position | None:
        if start is None:
            return None
        return self.order.position_of(found[0]) if found else start

    def _window_end(self, start: Position | None, *, backwards: bool = False) -> Position | None:
        """Where looking stops; None where the list ends before."""
        if self.everything is None:
            return None
        rows = self.everything
        if start is not None:
            beyond = self.order.newer if backwards else self.order.older
            rows = rows.filter(beyond(start))
        names = filter(None, ("pk", self.order.field))
        last = rows.order_by(*self.order.names(backwards=backwards)).values_list(*names)
        found = list(last[WINDOW - 1 : WINDOW])
        return Position(*found[0]) if found else None
