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
from cart_recovery.rendering.tokens import Token, tokenize

MAX_DEPTH: Final = 8
BLOCKS: Final = ("products", "button", "recommendations", "ratings")
#: blocks that take words of their own: the label of the button, which must have one, and headings
_LABELLED: Final = ("button", "recommendations", "ratings")


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
    #: "" where none is given
    label: str
    line: int


Node = Text | Output | If | For | Block


_WORD = re.compile(r"\s*([a-z]+)\b\s*(.*?)\s*\Z", re.DOTALL)
_LABEL = re.compile(r"""(?:"([^"]{1,80})"|'([^']{1,80})')\Z""")


def parse(source: str, *, field: str = "") -> tuple[Node, ...]:
    """Read a template. The first thing not understood raises RenderingError with its line."""
    try:
        return _Parser(tokenize(source)).parse()
    except RenderingError as error:
        raise RenderingError(error.reason, line=error.line, field=field) from None


class _Parser:
    """Recursive descent over the tokens; depth and number of tags are bounded."""

    def __init__(self, tokens: Sequence[Token]) -> None:
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
            if token.kind == "tag" and self.split(token)[0] in _CLOSING:
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

    def tag(self, token: Token) -> Node:
        word, rest = self.split(token)
        if word == "if":
            return self.nested(self.condition, token)
        if word == "for":
            return self.nested(self.loop, token)
        if word in BLOCKS:
            return self.block(word, rest, token.line)
        raise RenderingError(
            _("{%% %(tag)s %%} does not exist. There are: if, for, %(blocks)s.")
            % {"tag": token.value[:40], "blocks": ", ".join(BLOCKS)},
            line=token.line,
        )

    def nested(self, read: Callable[[Token], Node], token: Token) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RenderingError(_("The tags are nested too deeply."), line=token.line)
        node = read(token)
        self.depth -= 1
        return node

    def condition(self, token: Token) -> If:
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

    def loop(self, token: Token) -> For:
        name, path = parse_loop(self.split(token)[1], token.line)
        body = self.nodes()
        self.no_rest(self.split(end := self.closing(token, ("endfor",)))[1], end)
        return For(name, path, body, token.line)

    def closing(self, opened: Token, allowed: tuple[str, ...]) -> Token:
        if self.index >= len(self.tokens):
            raise RenderingError(
                _("{%% %(tag)s %%} is never closed by %(end)s.")
                % {"tag": opened.value[:40], "end": allowed[-1]},
                line=opened.line,
            )
        token = self.tokens[self.index]
        if self.split(token)[0] not in allowed:
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
        if rest and not (found and word in _LABELLED):
            raise RenderingError(_("{%% %s %%} takes nothing else.") % word, line=line)
        return Block(word, (found[1] or found[2]) if found else "", line)

    def no_rest(self, rest: str, token: Token) -> None:
        if rest:
            raise RenderingError(_("“%s” is not understood here.") % rest[:40], line=token.line)

    def split(self, token: Token) -> tuple[str, str]:
        """The first word of a tag, and the rest."""
        found = _WORD.match(token.value)
        return (found[1], found[2]) if found else ("", token.value)


_CLOSING: Final = frozenset({"elif", "else", "endif", "endfor"})
