"""From the tree of a template to text: written anew for MiniJinja, which runs it with fuel.

Why this engine, and why it never sees what staff wrote: docs/design/template-engine.md.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import minijinja
from django.utils.translation import gettext as _

from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.expressions import Condition, Filter, Path, Test
from cart_recovery.rendering.expressions import Not as NotTest
from cart_recovery.rendering.formats import shorten
from cart_recovery.rendering.language import Block, For, If, Node, Output, Text
from cart_recovery.rendering.placeholders import Kind
from cart_recovery.rendering.scopes import Scope, filled_if_false, filled_if_true

logger = logging.getLogger(__name__)

#: instructions of one rendering; the longest shipped mail with 20 lines takes about 6,000
FUEL: Final = 200_000
#: what generated templates use; all other filters, all tests and all globals are taken away
_KEPT_FILTERS: Final = frozenset({"lower", "replace", "safe", "upper"})
_BUILTIN_FILTERS: Final = """
    abs attr batch bool capitalize chain count d default dictsort e escape filesizeformat first
    float format groupby indent int items join last length lines list lower map max min pluralize
    pprint reject rejectattr replace reverse round safe select selectattr slice sort split
    striptags string sum title tojson trim truncate unique upper urlencode wordcount wordwrap zip
"""
_BUILTIN_TESTS: Final = """
    boolean defined divisibleby endingwith eq equalto escaped even false filter float ge gt in
    integer iterable le lower lt mapping ne none number odd safe sameas sequence startingwith
    string test true undefined upper != == < <= > >= greaterthan lessthan
"""
_GLOBALS: Final = ("cycler", "debug", "dict", "joiner", "namespace", "range")


@dataclass(slots=True)
class Writer:
    """Writes a tree as MiniJinja source, checking every name on the way.

    `wrap` may hide generated tags from another tool (the inliner). `missing` collects what may be
    missing where it is used: refused at saving, an error at sending only if it is really missing.
    """

    field_name: str
    is_html: bool = False
    wrap: Callable[[str], str] = str
    missing: list[RenderingError] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def write(self, nodes: Iterable[Node], scope: Scope) -> str:
        """The source of the nodes. Raises RenderingError for what is unknown or cannot be shown."""
        try:
            return "".join(self._node(node, scope) for node in nodes)
        except RenderingError as error:
            raise RenderingError(error.reason, line=error.line, field=self.field_name) from None

    def _node(self, node: Node, scope: Scope) -> str:
        if isinstance(node, Text):
            # a brace must not join with a generated tag
            return node.value.replace("{", self.wrap('{{ "{" }}'))
        if isinstance(node, Output):
            return self.wrap("{{ " + self._output(node, scope) + " }}")
        if isinstance(node, If):
            return self._if(node, scope)
        if isinstance(node, For):
            inner = scope.within(node.name, node.path, node.line)
            self.used.add(node.path[0])
            source = self._path(node.path, scope, node.line)
            head = self.wrap("{% for " + node.name + " in " + source + " %}")
            return head + self.write(node.body, inner) + self.wrap("{% endfor %}")
        raise RenderingError(_block_refused(node), line=node.line)

    def _output(self, node: Output, scope: Scope) -> str:
        found = scope.resolve(node.path, node.line)
        name = ".".join(node.path)
        if found.kind in (Kind.LIST, Kind.GROUP, Kind.FLAG):
            raise RenderingError(
                _("“%s” cannot be shown itself: loop over it, test it, or name one of its fields.")
                % name,
                line=node.line,
            )
        if node.filters and found.kind is Kind.URL:
            raise RenderingError(_("A link takes no filters."), line=node.line)
        self.used.add(name)
        default = next((item for item in node.filters if item.name == "default"), None)
        if default is not None and not found.optional:
            raise RenderingError(
                _("“%s” is never missing; take the default away.") % name, line=node.line
            )
        source = self._path(node.path, scope, node.line, checks_leaf=default is None)
        if found.kind is Kind.URL and self.is_html:
            # the engine would escape each slash, too; an address holds neither quotes nor brackets
            return source + '|replace("&", "&amp;")|safe'
        return source + "".join(_filter_source(item, found.kind) for item in node.filters)

    def _path(self, path: Path, scope: Scope, line: int, *, checks_leaf: bool = True) -> str:
        """The path, with a check at run time at each place where a value may be missing."""
        source, missing = "", scope.missing(path)
        for end, name in enumerate(path, 1):
            source = f"{source}.{name}" if source else name
            head = path[:end]
            if head in missing and (end < len(path) or checks_leaf):
                shown = ".".join(head)
                reason = _(
                    "“%(name)s” may be missing: put it between {%% if %(name)s %%} "
                    "and {%% endif %%}."
                ) % {"name": shown}
                self.missing.append(RenderingError(reason, line=line, field=self.field_name))
                source = f'({source}|must("{shown}", "{self.field_name}", {line}))'
        return source

    def _if(self, node: If, scope: Scope) -> str:
        source, word = "", "if"
        for branch in node.branches:
            if branch.condition is None:
                source += self.wrap("{% else %}") + self.write(branch.body, scope)
                continue
            test = self._condition(branch.condition, scope, branch.line)
            source += self.wrap("{% " + f"{word} {test}" + " %}")
            source += self.write(branch.body, scope.assuming(filled_if_true(branch.condition)))
            scope = scope.assuming(filled_if_false(branch.condition))
            word = "elif"
        return source + self.wrap("{% endif %}")

    def _condition(self, condition: Condition, scope: Scope, line: int) -> str:
        if isinstance(condition, Test):
            return self._test(condition, scope, line)
        if isinstance(condition, NotTest):
            return f"(not {self._condition(condition.operand, scope, line)})"
        parts: list[str] = []
        for operand in condition.operands:
            parts.append(self._condition(operand, scope, line))
            known = filled_if_true if condition.word == "and" else filled_if_false
            scope = scope.assuming(known(operand))
        return "(" + f" {condition.word} ".join(parts) + ")"

    def _test(self, test: Test, scope: Scope, line: int) -> str:
        """A test never fails for what is missing: `voucher.code` is tested as `voucher and …`."""
        found = scope.resolve(test.path, line)
        self.used.add(".".join(test.path))
        heads = [".".join(head) for head in scope.missing(test.path) if head != test.path]
        source = ".".join(test.path)
        if test.operator:
            wanted = int if found.kind is Kind.NUMBER else str
            if found.kind not in (Kind.NUMBER, Kind.TEXT) or not isinstance(test.literal, wanted):
                raise RenderingError(_("“%s” cannot be compared with this.") % source, line=line)
            if wanted is str and test.operator not in ("==", "!="):
                raise RenderingError(_("Texts can only be compared by == and !=."), line=line)
            if found.optional:
                heads.append(source)
            source += f" {test.operator} {_quoted(test.literal)}"
        return "(" + " and ".join([*heads, source]) + ")"


def _block_refused(node: Block) -> str:
    return _("{%% %s %%} cannot be used here.") % node.name


def _quoted(value: str | int) -> str:
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _filter_source(item: Filter, kind: Kind) -> str:
    if kind is Kind.NUMBER and item.name != "default":
        return ""  # a number has neither case nor length
    name = {"truncate": "shorten", "default": "otherwise"}.get(item.name, item.name)
    return f"|{name}" if item.argument is None else f"|{name}({_quoted(item.argument)})"


def _must(value: Any, name: str, field_name: str, line: int) -> Any:
    if value is None:
        raise RenderingError(_("“%s” is missing.") % name, line=line, field=field_name)
    return value


def _otherwise(value: Any, default: str) -> Any:
    return default if value is None else value


def _shorten(value: str, limit: int) -> str:
    return shorten(value, limit)


class Program:
    """A generated template, ready to run. Safe to share between threads."""

    def __init__(self, source: str, *, is_html: bool) -> None:
        self._environment = minijinja.Environment(
            fuel=FUEL,
            undefined_behavior="strict",
            debug=False,
            pycompat=False,
            keep_trailing_newline=True,
            filters={"must": _must, "otherwise": _otherwise, "shorten": _shorten},
            auto_escape_callback=lambda _name: is_html,
        )
        for name in _BUILTIN_FILTERS.split():
            if name not in _KEPT_FILTERS:
                self._environment.remove_filter(name)
        for name in _BUILTIN_TESTS.split():
            self._environment.remove_test(name)
        for name in _GLOBALS:
            self._environment.remove_global(name)
        try:
            self._environment.add_template("t", source)
        except minijinja.TemplateError as error:
            logger.exception("A generated template does not compile")
            raise RenderingError(_("The template cannot be read.")) from error

    def run(self, context: Mapping[str, Any]) -> str:
        """The text. Raises RenderingError for what is missing or takes too long."""
        try:
            return self._environment.render_template("t", **context)
        except minijinja.TemplateError as error:
            # kind and place only: the detail may hold a shopper's data
            logger.warning("A template failed: %s in line %s", error.kind, error.line)
            if error.kind == "OutOfFuel":
                raise RenderingError(_("The template takes too long.")) from error
            raise RenderingError(_("The template cannot be rendered.")) from error
