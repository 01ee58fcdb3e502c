"""Product pictures, drawn: a motif on a soft background. The same product always looks the same."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]
SIZE = 800
#: drawn larger and scaled down, which smooths the edges
OVERSAMPLING = 2
WHITE: Colour = (255, 255, 255)
BLACK: Colour = (20, 24, 28)


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """`share` (0 to 1) of the other colour in this one."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue


@dataclass(frozen=True, slots=True)
class Canvas:
    """A square to draw on in per cent: (0, 0) is top left, (100, 100) bottom right."""

    draw: ImageDraw.ImageDraw
    scale: float
    main: Colour

    @property
    def light(self) -> Colour:
        """The motif's colour where light falls on it."""
        return mixed(self.main, WHITE, 0.32)

    @property
    def dark(self) -> Colour:
        """The motif's colour in the shade."""
        return mixed(self.main, BLACK, 0.35)

    def box(self, fill: Colour, *corners: float, round_by: float = 0) -> None:
        """A rectangle from x, y to x, y."""
        self.draw.rounded_rectangle(self._all(*corners), round_by * self.scale, fill)

    def oval(self, fill: Colour, *corners: float) -> None:
        """An ellipse inside the rectangle from x, y to x, y."""
        self.draw.ellipse(self._all(*corners), fill)

    def ring(self, fill: Colour, width: float, *corners: float) -> None:
        """The rim of such an ellipse."""
        self.draw.ellipse(self._all(*corners), None, fill, round(width * self.scale))

    def arc(self, fill: Colour, width: float, *corners: float) -> None:
        """The upper half of such a rim."""
        self.draw.arc(self._all(*corners), 180, 360, fill, round(width * self.scale))

    def area(self, fill: Colour, *points: float) -> None:
        """A polygon through x, y, x, y …"""
        self.draw.polygon(self._all(*points), fill)

    def line(self, fill: Colour, width: float, *points: float) -> None:
        """A line through x, y, x, y … with round joints and ends."""
        places = self._all(*points)
        self.draw.line(places, fill, round(width * self.scale), joint="curve")
        for x, y in zip(points[::2], points[1::2], strict=True):
            self.oval(fill, x - width / 2, y - width / 2, x + width / 2, y + width / 2)

    def _all(self, *values: float) -> list[float]:
        return [value * self.scale for value in values]


def picture(motif: Callable[[Canvas], None], colour: Colour) -> bytes:
    """JPEG, 800 by 800 pixels, of the motif in the colour."""
    side = SIZE * OVERSAMPLING
    image = _background(colour, side)
    layer = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    motif(Canvas(ImageDraw.Draw(layer), side / 100, colour))
    image.paste(layer, mask=layer)
    out = io.BytesIO()
    image.resize((SIZE, SIZE), Image.Resampling.LANCZOS).save(out, "JPEG", quality=86)
    return out.getvalue()


def _background(colour: Colour, side: int) -> Image.Image:
    """A wall, a table and a shadow. Drawn small and enlarged, which makes the gradients soft."""
    small = Image.new("RGB", (100, 100), mixed(colour, WHITE, 0.84))
    draw = ImageDraw.Draw(small)
    for row in range(100):
        shade = mixed(colour, WHITE, 0.90 - row / 100 * 0.12)
        draw.line((0, row, 100, row), shade)
    draw.rectangle((0, 76, 100, 100), mixed(colour, WHITE, 0.70))
    draw.ellipse((18, 80, 82, 91), mixed(mixed(colour, WHITE, 0.62), BLACK, 0.22))
    blurred = small.filter(ImageFilter.GaussianBlur(2))
    return blurred.resize((side, side), Image.Resampling.BICUBIC)
