"""The small language of staff templates: text in, tree out.

What is not read here cannot be said at all: there are no calls, no assignments, no arithmetic, no
inclusion. The engine never sees what staff wrote, only what is written anew from this tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.expressions import (
    Condition,
    Filter,
    Path,
    parse_condition,
    parse_loop,
    parse_output,
)

MAX_SOURCE: Final = 64_000
MAX_TAGS: Final = 500
MAX_DEPTH: Final = 8
#: controls, halves of characters, what turns the reading direction around, and the private
#: characters that mark placeholders while HTML is checked and inlined
RESERVED: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069\ue000-\ue00f]"
)
BLOCKS: Final = ("products", "button")


@dataclass(frozen=True, slots=True)
class Text:
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Output:
    path: Path
    filters: tuple[Filter, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Branch:
    #: None: the `{% else %}`
    condition: Condition | None
    body: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class If:
    branches: tuple[Branch, ...]
    line: int


@dataclass(frozen=True, slots=True)
class For:
    name: str
    path: Path
    body: tuple[Node, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Block:
    """A ready-made piece: `{% products %}`, `{% button "label" %}`."""

    name: str
    label: str
    line: int


Node = Text | Output | If | For | Block


@dataclass(slots=True)
class _Token:
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
_WORD = re.compile(r"\s*([a-z]+)\b\s*(.*?)\s*\Z", re.DOTALL)
_LABEL = re.compile(r"""(?:"([^"]{1,80})"|'([^']{1,80})')\Z""")


def parse(source: str, *, field: str = "") -> tuple[Node, ...]:
    """Read a template. The first thing not understood raises RenderingError with its line."""
    try:
        return _Parser(_tokens(source)).parse()
    except RenderingError as error:
        raise RenderingError(error.reason, line=error.line, field=field) from None


def _tokens(source: str) -> list[_Token]:
    if len(source) > MAX_SOURCE:
        raise RenderingError(_("The text is longer than %d characters.") % MAX_SOURCE)
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    if found := RESERVED.search(source):
        raise RenderingError(
            _("There is a character that cannot be sent."), line=_line(source, found.start())
        )
    tokens: list[_Token] = []
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
            tokens.append(_Token(kind, found["inside"].strip(), _line(source, found.start())))
        position = _around(tokens, source, found, kind)
    _push_text(tokens, source, position, len(source))
    if tags > MAX_TAGS:
        raise RenderingError(_("There are more than %d placeholders and tags.") % MAX_TAGS)
    return tokens


def _line(source: str, position: int) -> int:
    return source.count("\n", 0, position) + 1


def _push_text(tokens: list[_Token], source: str, start: int, end: int) -> None:
    if start >= end:
        return
    value = source[start:end]
    if stray := _STRAY.search(value):
        raise RenderingError(
            _("“%s” is not closed, was not opened, or holds something that is not understood.")
            % stray[0],
            line=_line(source, start + stray.start()),
        )
    tokens.append(_Token("text", value, _line(source, start)))


def _around(tokens: list[_Token], source: str, found: re.Match[str], kind: str) -> int:
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


class _Parser:
    """Recursive descent over the tokens; depth and number of tags are bounded."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self.tokens = tokens
        self.index = 0
        self.depth = 0

    def parse(self) -> tuple[Node, ...]:
        nodes = self.nodes()
        if self.index < len(self.tokens):
            token = self.tokens[self.index]
            raise RenderingError(
                _("{%% %s %%} has no beginning.") % token.value[:40], line=token.line
            )
        return nodes

    def nodes(self) -> tuple[Node, ...]:
        """Nodes up to a tag that closes or continues the enclosing one."""
        result: list[Node] = []
        while self.index < len(self.tokens):
            token = self.tokens[self.index]
            if token.kind == "tag" and self.word(token) in _CLOSING:
                break
            self.index += 1
            if token.kind == "text":
                if token.value:
                    result.append(Text(token.value, token.line))
            elif token.kind == "output":
                path, filters = parse_output(token.value, token.line)
                result.append(Output(path, filters, token.line))
            else:
                result.append(self.tag(token))
        return tuple(result)

    def tag(self, token: _Token) -> Node:
        word, rest = self.split(token)
        if word == "if":
            return self.nested(self.condition, token)
        if word == "for":
            return self.nested(self.loop, token)
        if word in BLOCKS:
            return self.block(word, rest, token.line)
        raise RenderingError(
            _("{%% %s %%} does not exist. There are: if, for, products, button.")
            % token.value[:40],
            line=token.line,
        )

    def nested(self, read: Callable[[_Token], Node], token: _Token) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RenderingError(_("The tags are nested too deeply."), line=token.line)
        node = read(token)
        self.depth -= 1
        return node

    def condition(self, token: _Token) -> If:
        branches: list[Branch] = []
        current, word, rest = token, "if", self.split(token)[1]
        while word != "endif":
            if branches and branches[-1].condition is None:
                raise RenderingError(_("Nothing but endif may follow else."), line=current.line)
            if len(branches) > MAX_DEPTH:
                raise RenderingError(_("There are too many elif."), line=current.line)
            if word == "else":
                self.no_rest(rest, current)
            test = None if word == "else" else parse_condition(rest, current.line)
            branches.append(Branch(test, self.nodes(), current.line))
            current = self.closing(token, ("elif", "else", "endif"))
            word, rest = self.split(current)
        self.no_rest(rest, current)
        return If(tuple(branches), token.line)

    def loop(self, token: _Token) -> For:
        name, path = parse_loop(self.split(token)[1], token.line)
        body = self.nodes()
        self.no_rest(self.split(end := self.closing(token, ("endfor",)))[1], end)
        return For(name, path, body, token.line)

    def closing(self, opened: _Token, allowed: tuple[str, ...]) -> _Token:
        if self.index >= len(self.tokens):
            raise RenderingError(
                _("{%% %(tag)s %%} is never closed by %(end)s.")
                % {"tag": opened.value[:40], "end": allowed[-1]},
                line=opened.line,
            )
        token = self.tokens[self.index]
        if self.word(token) not in allowed:
            raise RenderingError(
                _("Here %(end)s must stand, for the tag of line %(line)d.")
                % {"end": allowed[-1], "line": opened.line},
                line=token.line,
            )
        self.index += 1
        return token

    def block(self, word: str, rest: str, line: int) -> Block:
        found = _LABEL.match(rest)
        if word == "button" and not found:
            raise RenderingError(
                _('Write the button with its label: {% button "To my basket" %}'), line=line
            )
        if word != "button" and rest:
            raise RenderingError(_("{%% %s %%} takes nothing else.") % word, line=line)
        return Block(word, (found[1] or found[2]) if found else "", line)

    def no_rest(self, rest: str, token: _Token) -> None:
        if rest:
            raise RenderingError(_("“%s” is not understood here.") % rest[:40], line=token.line)

    def word(self, token: _Token) -> str:
        return self.split(token)[0]

    def split(self, token: _Token) -> tuple[str, str]:
        found = _WORD.match(token.value)
        return (found[1], found[2]) if found else ("", token.value)


_LOGIC: Final = ("if ", "elif ", "else", "endif", "for ", "endfor")
_CLOSING: Final = frozenset({"elif", "else", "endif", "endfor"})
