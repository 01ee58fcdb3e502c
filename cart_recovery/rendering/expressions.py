"""What may stand inside `{{ }}`, `{% if %}` and `{% for %}`: paths, a few filters, comparisons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from cart_recovery.exceptions import RenderingError

#: names joined by dots: ("line", "title")
Path = tuple[str, ...]

MAX_OPERANDS: Final = 12
MAX_PARENTHESES: Final = 4
#: filter -> kind of its one argument
FILTERS: Final = {"upper": "", "lower": "", "truncate": "number", "default": "string"}
COMPARISONS: Final = ("==", "!=", "<=", ">=", "<", ">")


@dataclass(frozen=True, slots=True)
class Filter:
    name: str
    argument: str | int | None


@dataclass(frozen=True, slots=True)
class Test:
    """A path that is there and not empty, or its comparison with a literal."""

    path: Path
    operator: str = ""
    literal: str | int = ""


@dataclass(frozen=True, slots=True)
class Not:
    operand: Condition


@dataclass(frozen=True, slots=True)
class Joined:
    """`and` or `or` between two or more."""

    word: str
    operands: tuple[Condition, ...]


Condition = Test | Not | Joined

_LEXEME = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*(?:\s*\.\s*[A-Za-z_][A-Za-z0-9_]*)*)"
    r"|(?P<number>\d{1,9}(?![\w.]))"
    r"|(?P<string>\"[^\"\\]*\"|'[^'\\]*')"
    r"|(?P<sign>==|!=|<=|>=|[<>()|]))"
)


class _Lexemes:
    """The pieces of one expression, read from left to right."""

    def __init__(self, source: str, line: int) -> None:
        self.line = line
        self.items: list[tuple[str, str]] = []
        self.index = 0
        position, source = 0, source.strip()
        while position < len(source):
            found = _LEXEME.match(source, position)
            if not found:
                raise self.error(_("“%s” is not understood.") % source[position : position + 40])
            kind = str(found.lastgroup)
            value = re.sub(r"\s", "", found[kind]) if kind == "name" else found[kind]
            self.items.append((kind, value))
            position = found.end()

    def error(self, reason: str) -> RenderingError:
        return RenderingError(reason, line=self.line)

    def peek(self) -> tuple[str, str]:
        return self.items[self.index] if self.index < len(self.items) else ("", "")

    def take(self, kind: str, *values: str) -> str | None:
        """The next piece if it is of this kind (and one of the values), else None."""
        found, value = self.peek()
        if found != kind or (values and value not in values):
            return None
        self.index += 1
        return value

    def path(self) -> Path:
        name = self.take("name")
        if name is None or name in _WORDS:
            raise self.error(_("Here the name of a placeholder must stand."))
        return tuple(name.split("."))

    def literal(self) -> str | int:
        number = self.take("number")
        if number is not None:
            return int(number)
        string = self.take("string")
        if string is None:
            raise self.error(_("Here a number or a “text” must stand."))
        return string[1:-1]

    def end(self) -> None:
        if self.index < len(self.items):
            raise self.error(_("“%s” is not understood here.") % self.peek()[1][:40])


_WORDS: Final = frozenset({"and", "or", "not", "in", "if", "else", "is"})


def parse_output(source: str, line: int) -> tuple[Path, tuple[Filter, ...]]:
    """`path | filter | filter(argument)`; at most three filters."""
    lexemes = _Lexemes(source, line)
    path = lexemes.path()
    filters: list[Filter] = []
    while lexemes.take("sign", "|"):
        filters.append(_filter(lexemes))
    lexemes.end()
    if len(filters) > 3:
        raise lexemes.error(_("There are more than three filters."))
    return path, tuple(filters)


def _filter(lexemes: _Lexemes) -> Filter:
    name = lexemes.take("name") or ""
    if name not in FILTERS:
        raise lexemes.error(
            _("The filter “%(name)s” does not exist. There are: %(known)s.")
            % {"name": name[:40], "known": ", ".join(FILTERS)}
        )
    if not FILTERS[name]:
        return Filter(name, None)
    argument = lexemes.literal() if lexemes.take("sign", "(") else None
    wanted = int if FILTERS[name] == "number" else str
    if not isinstance(argument, wanted) or lexemes.take("sign", ")") is None:
        example = "truncate(40)" if wanted is int else 'default("-")'
        raise lexemes.error(_("Write the filter like this: %s") % example)
    return Filter(name, argument)


def parse_loop(source: str, line: int) -> tuple[str, Path]:
    """`line in lines`."""
    lexemes = _Lexemes(source, line)
    name = lexemes.path()
    if len(name) > 1 or lexemes.take("name", "in") is None:
        raise lexemes.error(_("Write the loop like this: {% for line in lines %}"))
    path = lexemes.path()
    lexemes.end()
    return name[0], path


def parse_condition(source: str, line: int) -> Condition:
    """Paths and comparisons, joined by `and`, `or`, `not` and brackets."""
    lexemes = _Lexemes(source, line)
    if len([1 for kind, _value in lexemes.items if kind == "name"]) > 2 * MAX_OPERANDS:
        raise lexemes.error(_("The condition is too long."))
    condition = _joined(lexemes, 0)
    lexemes.end()
    return condition


def _joined(lexemes: _Lexemes, depth: int, word: str = "or") -> Condition:
    """`or` binds weaker than `and`, as in Python."""
    operands: list[Condition] = []
    while not operands or lexemes.take("name", word):
        operands.append(
            _joined(lexemes, depth, "and") if word == "or" else _operand(lexemes, depth)
        )
    return operands[0] if len(operands) == 1 else Joined(word, tuple(operands))


def _operand(lexemes: _Lexemes, depth: int) -> Condition:
    if depth > MAX_PARENTHESES:
        raise lexemes.error(_("The condition is nested too deeply."))
    if lexemes.take("name", "not"):
        return Not(_operand(lexemes, depth + 1))
    if lexemes.take("sign", "("):
        inner = _joined(lexemes, depth + 1)
        if lexemes.take("sign", ")") is None:
            raise lexemes.error(_("A bracket is not closed."))
        return inner
    path = lexemes.path()
    operator = lexemes.take("sign", *COMPARISONS)
    return Test(path, operator, lexemes.literal()) if operator else Test(path)
