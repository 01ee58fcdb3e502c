"""What names mean at a place in a template: their kinds, and which of them are surely there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from django.utils.translation import gettext as _

from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.expressions import Condition, Not, Path, Test
from cart_recovery.rendering.placeholders import Kind, Placeholder

_LOOP: Final = Placeholder(
    "loop", Kind.GROUP, "",
    fields=(
        Placeholder("first", Kind.FLAG, ""),
        Placeholder("last", Kind.FLAG, ""),
        Placeholder("index", Kind.NUMBER, ""),
    ),
)  # fmt: skip
Paths = frozenset[Path]
#: words of the engine that a loop's variable cannot be called
_RESERVED_NAMES: Final = frozenset(
    {"loop", "self", "super", "caller", "true", "false", "none", "True", "False", "None"}
)


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that can be used here, and the paths that an `{% if %}` around has found filled."""

    names: tuple[Placeholder, ...]
    filled: Paths = frozenset()
    is_loop: bool = False

    def resolve(self, path: Path, line: int) -> Placeholder:
        """The placeholder of a path. Raises RenderingError naming what there is instead."""
        found: Placeholder | None = Placeholder("", Kind.GROUP, "", fields=self.names)
        for index, name in enumerate(path):
            parent = found
            found = parent.field(name) if parent and parent.kind is Kind.GROUP else None
            if found is None:
                raise RenderingError(self._unknown(path, index, parent), line=line)
        return found  # type: ignore[return-value]  # a path has at least one name

    def missing(self, path: Path) -> tuple[Path, ...]:
        """Those heads of the path, itself included, that may be missing here."""
        heads = (path[: end + 1] for end in range(len(path)))
        return tuple(
            head for head in heads if self.resolve(head, 0).optional and head not in self.filled
        )

    def assuming(self, paths: Iterable[Path]) -> Scope:
        """The scope inside of a condition that has found these paths filled."""
        heads = {path[: end + 1] for path in paths for end in range(len(path))}
        return replace(self, filled=self.filled | heads)

    def within(self, name: str, path: Path, line: int) -> Scope:
        """The scope inside of `{% for name in path %}`."""
        found = self.resolve(path, line)
        if found.kind is not Kind.LIST:
            raise RenderingError(_("“%s” is not a list.") % ".".join(path), line=line)
        if self.is_loop and len(path) == 1:
            raise RenderingError(
                _("Within a loop only the lists of its lines can be looped over."), line=line
            )
        if name in _RESERVED_NAMES or any(known.name == name for known in self.names):
            raise RenderingError(
                _("“%s” is a placeholder already; name the loop’s variable differently.") % name,
                line=line,
            )
        member = Placeholder(name, Kind.GROUP, "", fields=found.fields)
        names = tuple(known for known in self.names if known.name != "loop")
        return replace(self, names=(*names, _LOOP, member), is_loop=True)

    def _unknown(self, path: Path, index: int, parent: Placeholder | None) -> str:
        known = sorted(field.name for field in (parent.fields if parent else ()))
        if parent is not None and parent.kind is not Kind.GROUP:
            known = []
        return _("There is no placeholder “%(name)s”. There are: %(known)s.") % {
            "name": ".".join(path)[:80],
            "known": ", ".join([".".join((*path[:index], name)) for name in known]) or "–",
        }


def filled_if_true(condition: Condition) -> Paths:
    """Paths that are surely filled where the condition holds."""
    if isinstance(condition, Test):
        return frozenset({condition.path})
    if isinstance(condition, Not):
        return filled_if_false(condition.operand)
    sets = [filled_if_true(operand) for operand in condition.operands]
    return frozenset.union(*sets) if condition.word == "and" else frozenset.intersection(*sets)


def filled_if_false(condition: Condition) -> Paths:
    """Paths that are surely filled where the condition does not hold."""
    if isinstance(condition, Test):
        return frozenset()
    if isinstance(condition, Not):
        return filled_if_true(condition.operand)
    sets = [filled_if_false(operand) for operand in condition.operands]
    return frozenset.intersection(*sets) if condition.word == "and" else frozenset.union(*sets)
