"""Staff templates cut into text, outputs and tags. Linear in the length of the source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from cart_recovery.exceptions import RenderingError

MAX_SOURCE: Final = 64_000
MAX_TAGS: Final = 500
#: controls, halves of characters, what turns the reading direction around, and the private
#: characters that mark placeholders while HTML is checked and inlined
RESERVED: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ue000-\ue00f]"
)
_LOGIC: Final = ("if ", "elif ", "else", "endif", "for ", "endfor")


@dataclass(slots=True)
class Token:
    kind: str  # "text", "output", "tag"
    value: str
    line: int


_OPENING = re.compile(r"\{[{%#]")
_INSIDE = r"(?P<inside>(?:\"[^\"\n]*\"|'[^'\n]*'|[^\"'{}\n])*?)"
_DELIMITED: Final = {
    "{{": ("output", re.compile(r"\{\{-?" + _INSIDE + r"-?\}\}")),
    "{%": ("tag", re.compile(r"\{%-?" + _INSIDE + r"-?%\}")),
    "{#": ("comment", re.compile(r"\{#-?(?P<inside>.*?)-?#\}", re.DOTALL)),
}
_STRAY = re.compile(r"\{\{|\{%|\{#|\}\}|%\}|#\}")
_SPACE = re.compile(r"\s*")


def tokenize(source: str) -> list[Token]:
    """The tokens in their order. Raises RenderingError with the line."""
    if len(source) > MAX_SOURCE:
        raise RenderingError(_("The text is longer than %d characters.") % MAX_SOURCE)
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if found := RESERVED.search(source):
        raise RenderingError(
            _("There is a character that cannot be sent."), line=_line(source, found.start())
        )
    tokens: list[Token] = []
    position = tags = 0
    while opening := _OPENING.search(source, position):
        kind, pattern = _DELIMITED[opening[0]]
        found = pattern.match(source, opening.start())
        _push_text(tokens, source, position, found.start() if found else opening.end())
        if found is None:  # never: the text just pushed held the opening, which is refused
            break
        position = found.end()
        if kind != "comment":
            tags += 1
            line = _line(source, found.start())
            if tags > MAX_TAGS:
                raise RenderingError(
                    _("There are more than %d placeholders and tags.") % MAX_TAGS, line=line
                )
            tokens.append(Token(kind, found["inside"].strip(), line))
        position = _around(tokens, source, found, kind)
    _push_text(tokens, source, position, len(source))
    return tokens


def _line(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1


def _push_text(tokens: list[Token], source: str, start: int, end: int) -> None:
    if start >= end:
        return
    value = source[start:end]
    if stray := _STRAY.search(value):
        raise RenderingError(
            _("“%s” is not closed, was not opened, or holds something that is not understood.")
            % stray[0],
            line=_line(source, start + stray.start()),
        )
    tokens.append(Token("text", value, _line(source, start)))


def _around(tokens: list[Token], source: str, found: re.Match[str], kind: str) -> int:
    """White space around a delimiter: `-` takes it all, a tag alone on its line takes the line.

    Returns where the text goes on.
    """
    index = -1 if kind == "comment" else -2
    before = tokens[index] if len(tokens) >= -index else None
    if before is not None and before.kind != "text":
        before = None
    after = found.end()
    start = source.rfind("\n", 0, found.start()) + 1
    end = source.find("\n", after)
    end = len(source) if end < 0 else end
    alone = not source[start : found.start()].strip() and not source[after:end].strip()
    # a block makes text, so its line stays
    if alone and (kind == "comment" or found["inside"].strip().startswith(_LOGIC)):
        after = min(end + 1, len(source))
        if before is not None:
            before.value = before.value.rstrip(" \t")
    if found[0][2] == "-" and before is not None:
        before.value = before.value.rstrip()
    if found[0][-3] == "-":
        after = _SPACE.match(source, found.end()).end()  # type: ignore[union-attr]  # it may be empty
    return after
