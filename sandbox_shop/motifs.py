"""What is on the product pictures. Each motif stands on the line y = 86."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from sandbox_shop.pictures import Canvas, Colour, mixed

STEEL: Final[Colour] = (186, 194, 201)
DARK_STEEL: Final[Colour] = (112, 122, 132)
WOOD: Final[Colour] = (193, 146, 98)
DARK_WOOD: Final[Colour] = (142, 98, 60)
CREAM: Final[Colour] = (250, 244, 232)
COFFEE: Final[Colour] = (84, 54, 38)
GLASS: Final[Colour] = (214, 230, 234)
INK: Final[Colour] = (44, 50, 56)
FLAME: Final[Colour] = (246, 178, 74)


def coffee_bag(c: Canvas) -> None:
    c.area(c.main, 28, 26, 72, 26, 75, 86, 25, 86)
    c.area(c.dark, 66, 26, 72, 26, 75, 86, 69, 86)
    c.box(c.light, 27, 16, 73, 28, round_by=2)
    c.line(c.dark, 1.2, 29, 22, 71, 22)
    c.box(CREAM, 34, 42, 66, 70, round_by=3)
    c.oval(COFFEE, 43, 47, 57, 65)
    c.line(CREAM, 1.6, 52, 48, 48, 54, 52, 59, 48, 64)


def mug(c: Canvas) -> None:
    c.ring(c.dark, 5, 58, 44, 84, 72)
    c.box(c.main, 24, 36, 68, 86, round_by=7)
    c.box(c.dark, 58, 36, 68, 86, round_by=5)
    c.oval(c.light, 24, 30, 68, 42)
    c.oval(COFFEE, 28, 32, 64, 40.5)
    for x in (38, 47, 56):
        c.line(mixed(c.main, (255, 255, 255), 0.7), 1.4, x, 25, x - 2, 20, x + 1, 15)


def kettle(c: Canvas) -> None:
    c.arc(INK, 4, 30, 12, 72, 58)
    c.line(c.dark, 5, 70, 60, 80, 52, 84, 36, 89, 34)
    c.area(c.main, 34, 38, 66, 38, 76, 86, 24, 86)
    c.area(c.dark, 60, 38, 66, 38, 76, 86, 68, 86)
    c.box(c.light, 36, 33, 64, 40, round_by=3)
    c.oval(INK, 46, 25, 54, 34)


def french_press(c: Canvas) -> None:
    c.line(STEEL, 1.8, 46, 12, 46, 32)
    c.oval(INK, 41, 8, 51, 17)
    c.ring(INK, 5, 56, 40, 80, 74)
    c.box(GLASS, 28, 34, 64, 84, round_by=2)
    c.box(COFFEE, 30, 50, 62, 83, round_by=2)
    c.box(c.main, 26, 28, 66, 36, round_by=3)
    c.box(c.main, 26, 80, 66, 86, round_by=2)
    for x in (27, 62):
        c.box(c.dark, x, 34, x + 3, 84)


def grinder(c: Canvas) -> None:
    c.line(DARK_STEEL, 3, 46, 22, 76, 16)
    c.oval(WOOD, 71, 8, 82, 19)
    c.area(STEEL, 36, 24, 60, 24, 66, 44, 30, 44)
    c.box(c.main, 26, 44, 70, 86, round_by=3)
    c.box(c.dark, 62, 44, 70, 86, round_by=2)
    c.box(c.light, 34, 60, 62, 78, round_by=2)
    c.oval(INK, 45.5, 66.5, 50.5, 71.5)


def dripper(c: Canvas) -> None:
    c.box(GLASS, 30, 62, 66, 86, round_by=6)
    c.box(COFFEE, 32, 72, 64, 85, round_by=5)
    c.box(c.dark, 24, 56, 72, 61, round_by=2)
    c.area(c.main, 22, 26, 74, 26, 56, 57, 40, 57)
    c.area(c.dark, 66, 26, 74, 26, 56, 57, 52, 57)
    c.area(CREAM, 26, 18, 70, 18, 73, 27, 23, 27)


def pan(c: Canvas) -> None:
    c.line(WOOD, 6, 62, 66, 95, 50)
    c.area(c.dark, 8, 64, 68, 64, 60, 84, 16, 84)
    c.oval(c.main, 6, 54, 70, 74)
    c.oval(c.light, 11, 57, 65, 71)
    c.oval((255, 252, 244), 26, 59, 46, 68)
    c.oval((247, 190, 66), 32, 61, 40, 66)


def pot(c: Canvas) -> None:
    c.ring(c.dark, 4, 10, 46, 30, 60)
    c.ring(c.dark, 4, 70, 46, 90, 60)
    c.box(c.main, 20, 42, 80, 86, round_by=6)
    c.box(c.dark, 70, 42, 80, 86, round_by=5)
    c.box(c.light, 17, 37, 83, 45, round_by=3)
    c.area(c.main, 24, 37, 34, 27, 66, 27, 76, 37)
    c.oval(INK, 45, 18, 55, 28)


def knife(c: Canvas) -> None:
    c.area(STEEL, 40, 14, 54, 20, 60, 58, 40, 58)
    c.area(DARK_STEEL, 40, 14, 44, 17, 44, 58, 40, 58)
    c.box(DARK_STEEL, 38, 57, 62, 62, round_by=1)
    c.box(c.main, 39, 61, 57, 86, round_by=4)
    for y in (66, 73, 80):
        c.oval(STEEL, 46.5, y, 49.5, y + 3)


def board(c: Canvas) -> None:
    c.box(WOOD, 18, 22, 72, 86, round_by=6)
    for x in (30, 42, 55):
        c.line(DARK_WOOD, 0.8, x, 27, x + 2, 54, x, 82)
    c.oval(mixed(WOOD, (255, 255, 255), 0.8), 40, 26, 50, 36)
    c.oval(c.main, 58, 62, 86, 87)
    c.area((76, 138, 72), 66, 62, 72, 56, 78, 62, 72, 66)


def tent(c: Canvas) -> None:
    c.area(c.dark, 50, 24, 94, 86, 60, 86)
    c.area(c.main, 50, 24, 74, 86, 6, 86)
    c.area(INK, 40, 48, 54, 86, 30, 86)
    c.area(c.light, 40, 48, 30, 86, 22, 86)
    c.line(WOOD, 1.6, 50, 24, 50, 18)


def sleeping_bag(c: Canvas) -> None:
    c.box(c.main, 16, 44, 80, 86, round_by=16)
    for x in (34, 48, 62):
        c.line(c.dark, 1.2, x, 45, x, 85)
    c.oval(c.light, 64, 44, 92, 86)
    c.ring(c.main, 2, 69, 52, 87, 78)
    c.ring(c.main, 2, 74, 59, 82, 71)
    for x in (26, 54):
        c.box(INK, x, 42, x + 4, 88, round_by=1)


def backpack(c: Canvas) -> None:
    c.arc(c.dark, 4, 38, 10, 62, 34)
    c.box(c.main, 24, 20, 76, 86, round_by=13)
    c.box(c.dark, 18, 48, 30, 80, round_by=5)
    c.box(c.dark, 70, 48, 82, 80, round_by=5)
    c.area(c.light, 26, 26, 74, 26, 74, 46, 50, 52, 26, 46)
    c.box(c.light, 33, 58, 67, 82, round_by=5)
    for x in (37, 60):
        c.box(INK, x, 40, x + 3, 60, round_by=1)


def bottle(c: Canvas) -> None:
    c.box(INK, 42, 10, 58, 22, round_by=3)
    c.area(c.main, 42, 22, 58, 22, 66, 34, 34, 34)
    c.box(c.main, 34, 32, 66, 86, round_by=6)
    c.box(c.dark, 58, 33, 66, 86, round_by=5)
    c.box(c.light, 38, 36, 42, 78, round_by=2)
    c.box(CREAM, 34, 60, 66, 64)


def stove(c: Canvas) -> None:
    c.area(FLAME, 50, 26, 60, 46, 50, 54, 40, 46)
    c.area((232, 110, 52), 50, 36, 55, 48, 50, 53, 45, 48)
    for x0, x1 in ((32, 46), (68, 54)):
        c.line(DARK_STEEL, 2.4, x0, 46, x0, 52, x1, 60)
    c.box(STEEL, 45, 53, 55, 66, round_by=2)
    c.box(c.main, 28, 64, 72, 86, round_by=8)
    c.box(c.dark, 62, 65, 72, 86, round_by=6)
    c.line(INK, 2, 55, 59, 68, 59)


def lamp(c: Canvas) -> None:
    c.arc(DARK_STEEL, 3, 38, 8, 62, 34)
    c.box(c.main, 36, 22, 64, 32, round_by=4)
    c.box((255, 240, 196), 34, 32, 66, 70, round_by=3)
    c.oval(FLAME, 44, 42, 56, 62)
    for x in (34, 49, 64):
        c.box(DARK_STEEL, x, 32, x + 2, 70)
    c.box(c.main, 30, 70, 70, 86, round_by=4)
    c.box(c.dark, 60, 70, 70, 86, round_by=3)


def candle(c: Canvas) -> None:
    for x, top in ((26, 52), (44, 36), (62, 58)):
        c.box(c.main, x, top, x + 13, 86, round_by=2)
        c.box(c.dark, x + 9, top, x + 13, 86, round_by=2)
        c.line(INK, 1, x + 6.5, top, x + 6.5, top - 4)
        c.area(FLAME, x + 6.5, top - 15, x + 10, top - 6, x + 6.5, top - 2.5, x + 3, top - 6)


def blanket(c: Canvas) -> None:
    for index, y in enumerate((74, 62, 50)):
        c.box(c.main if index % 2 else c.light, 18 + index, y, 82 - index, y + 13, round_by=6)
        c.line(c.dark, 1, 22, y + 9, 78, y + 9)
    c.box(CREAM, 44, 49, 56, 88, round_by=1)
    c.line(c.dark, 1.2, 46, 62, 54, 62)
    c.line(c.dark, 1.2, 46, 66, 54, 66)


def towel(c: Canvas) -> None:
    c.line(WOOD, 4, 14, 22, 86, 22)
    c.box(c.main, 28, 20, 72, 84, round_by=3)
    c.box(c.dark, 28, 20, 38, 76, round_by=3)
    for y in (62, 68):
        c.box(CREAM, 38, y, 72, y + 3)


def apron(c: Canvas) -> None:
    c.arc(c.dark, 3, 36, 8, 64, 42)
    c.area(c.main, 36, 26, 64, 26, 70, 46, 80, 50, 76, 86, 24, 86, 20, 50, 30, 46)
    c.line(c.dark, 2, 20, 51, 80, 51)
    c.box(c.light, 38, 58, 62, 74, round_by=3)


def headlamp(c: Canvas) -> None:
    c.ring(c.main, 7, 14, 30, 86, 84)
    c.box(INK, 34, 60, 66, 86, round_by=6)
    c.oval(STEEL, 40, 63, 60, 83)
    c.oval((255, 246, 206), 44, 67, 56, 79)


def card(c: Canvas) -> None:
    c.box(c.dark, 14, 36, 86, 84, round_by=5)
    c.box(c.main, 12, 33, 84, 81, round_by=5)
    c.box(CREAM, 12, 52, 84, 58)
    c.box(CREAM, 44, 33, 50, 81)
    c.ring(CREAM, 3.5, 32, 22, 48, 36)
    c.ring(CREAM, 3.5, 46, 22, 62, 36)


MOTIFS: Final[dict[str, Callable[[Canvas], None]]] = {
    motif.__name__: motif
    for motif in (
        coffee_bag, mug, kettle, french_press, grinder, dripper, pan, pot, knife, board, tent,
        sleeping_bag, backpack, bottle, stove, lamp, candle, blanket, towel, apron, headlamp, card,
    )
}  # fmt: skip
