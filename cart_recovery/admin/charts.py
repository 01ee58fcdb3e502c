"""Charts as inline SVG, drawn on the server: what templates/…/chart.html puts on the page.

No two series are told apart by colour alone: each has its own line and marks. All coordinates are
texts with a point, whatever language the page is in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

WIDTH: Final = 340
HEIGHT: Final = 200
LEFT: Final = 46
RIGHT: Final = 330
TOP: Final = 12
BOTTOM: Final = 172
#: more marks than that run into each other
MARKS: Final = 15
#: how far a mark reaches from its middle
MARK: Final = 3.2

Number = Decimal | int


@dataclass(frozen=True, slots=True)
class Series:
    """`values`: one per moment. `shown`: the same in words."""

    name: str
    values: Sequence[Number]
    shown: Sequence[str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """One series on the page. `number` (1, 2, 3) chooses line and marks in the style sheet."""

    name: str
    number: int
    path: str
    marks: str


@dataclass(frozen=True, slots=True)
class Bar:
    x: str
    y: str
    width: str
    height: str
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    place: str
    text: str
    anchor: str = "end"


@dataclass(frozen=True, slots=True)
class Chart:
    """`rows` are the table behind it: a heading and a cell per series."""

    key: str
    title: str
    summary: str
    heading: str
    names: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    y_ticks: Sequence[Tick]
    x_ticks: Sequence[Tick]
    lines: Sequence[Drawn] = ()
    bars: Sequence[Bar] = ()
    width: int = WIDTH
    height: int = HEIGHT
    #: the legend's marks, for each line
    samples: Sequence[Drawn] = field(default=())


def draw(  # noqa: PLR0913 what a chart consists of, all by keyword
    *,
    key: str,
    title: str,
    summary: str,
    heading: str,
    moments: Sequence[str],
    series: Sequence[Series],
    write: Callable[[Number], str],
    as_bars: bool = False,
) -> Chart:
    """`moments` name the rows and the horizontal axis, `write` the numbers of the vertical one.

    `as_bars` draws the first series alone.
    """
    top = round_up(max((value for each in series for value in each.values), default=0))
    rows = [
        (moment, [each.shown[index] for each in series]) for index, moment in enumerate(moments)
    ]
    return Chart(
        key=key, title=title, summary=summary, heading=heading,
        names=[each.name for each in series], rows=rows,
        y_ticks=[Tick(_text(_y(n, top) + 4), write(n)) for n in (0, top / 2, top)],
        x_ticks=_x_ticks(moments),
        lines=[] if as_bars else _lines(series, top),
        bars=_bars(series[0], moments, top) if as_bars else [],
        samples=[] if as_bars else _samples(series),
    )  # fmt: skip


def round_up(value: Number) -> Decimal:
    """The end of the axis: the next number with one digit, even so that its half is a whole one."""
    if value <= 2:
        return Decimal(2)
    power = Decimal(10) ** math.floor(math.log10(value))
    for digit in (2, 4, 6, 8):
        if value <= digit * power:
            return digit * power
    return 10 * power


def _x_ticks(moments: Sequence[str]) -> list[Tick]:
    if not moments:
        return []
    last = len(moments) - 1
    chosen = {0: "start", last // 2: "middle", last: "end"} if last > 1 else {last: "middle"}
    return [
        Tick(_text(_x(index, len(moments))), moments[index], anchor)
        for index, anchor in chosen.items()
    ]


def _lines(series: Sequence[Series], top: Decimal) -> list[Drawn]:
    drawn = []
    for number, each in enumerate(series, 1):
        count = len(each.values)
        points = [(_x(index, count), _y(value, top)) for index, value in enumerate(each.values)]
        step = max(1, math.ceil(count / MARKS))
        # marks of two lines do not cover each other where the lines do
        marked = points[(number - 1) % step :: step]
        path = " L".join(f"{_text(x)} {_text(y)}" for x, y in points)
        marks = "".join(_mark(number, x, y) for x, y in marked)
        drawn.append(Drawn(each.name, number, f"M{path}" if path else "", marks))
    return drawn


def _samples(series: Sequence[Series]) -> list[Drawn]:
    return [
        Drawn(each.name, number, "M0 7 L26 7", _mark(number, 13, 7))
        for number, each in enumerate(series, 1)
    ]


def _mark(number: int, x: float, y: float) -> str:
    """A filled circle, a square, a triangle."""
    if number == 1:
        arc = f"a{MARK} {MARK} 0 1 0 "
        return f"M{_text(x - MARK)} {_text(y)}{arc}{2 * MARK} 0{arc}{-2 * MARK} 0Z"
    if number == 2:
        side = 2 * MARK
        return f"M{_text(x - MARK)} {_text(y - MARK)}h{side}v{side}h{-side}Z"
    return (
        f"M{_text(x)} {_text(y - MARK - 1)}L{_text(x + MARK + 0.5)} {_text(y + MARK)}"
        f"L{_text(x - MARK - 0.5)} {_text(y + MARK)}Z"
    )


def _bars(series: Series, moments: Sequence[str], top: Decimal) -> list[Bar]:
    count = len(series.values)
    slot = (RIGHT - LEFT) / max(count, 1)
    width = max(slot * 0.7, 0.8)
    return [
        Bar(
            _text(LEFT + slot * index + (slot - width) / 2), _text(_y(value, top)), _text(width),
            _text(BOTTOM - _y(value, top)), f"{moments[index]}: {series.shown[index]}",
        )
        for index, value in enumerate(series.values)
        if value > 0
    ]  # fmt: skip


def _x(index: int, count: int) -> float:
    if count < 2:
        return (LEFT + RIGHT) / 2
    return LEFT + (RIGHT - LEFT) * index / (count - 1)


def _y(value: Number, top: Decimal) -> float:
    return BOTTOM - (BOTTOM - TOP) * float(max(value, 0) / top)


def _text(number: float) -> str:
    return f"{number:.1f}"
