"""The strict HTML of staff templates: what is not surely harmless and well-formed is refused.

Well-formed matters as much as harmless. A `</table>` too many would tear our layout, a value in an
unquoted attribute could add attributes of its own, and what each mail program makes of broken HTML
is its own secret. So there is one reading of it, or none.
"""

from __future__ import annotations

import bisect
import html
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.utils.translation import gettext as _

from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.language import For, If, Node, Output, Text
from cart_recovery.rendering.placeholders import Kind
from cart_recovery.rendering.scopes import Scope


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PHRASING: Final = _words(
    "a abbr b bdi br code del em font i img ins mark q s small span strong sub sup u"
)
_FLOW: Final = _words("blockquote center dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre table ul")
#: element -> the only elements that may stand right within it
_CHILDREN: Final = {
    # a browser would add the tbody, perhaps within a loop
    "table": frozenset({"tbody", "thead", "tfoot"}),
    "tbody": frozenset({"tr"}),
    "thead": frozenset({"tr"}),
    "tfoot": frozenset({"tr"}),
    "tr": frozenset({"td", "th"}),
    "ul": frozenset({"li"}),
    "ol": frozenset({"li"}),
    "dl": frozenset({"dt", "dd"}),
    **dict.fromkeys((*_PHRASING, "p", "h1", "h2", "h3", "h4", "h5", "h6", "pre"), _PHRASING),
}
_PARTS: Final = frozenset({"tbody", "thead", "tfoot", "tr", "td", "th"})
_ALLOWED: Final = _PHRASING | _FLOW | _PARTS
_VOID: Final = frozenset({"br", "hr", "img"})
#: text cannot stand right within these: the reader of the HTML would move it elsewhere
_NO_TEXT: Final = frozenset({"table", "tbody", "thead", "tfoot", "tr", "ul", "ol", "dl"})
_ATTRIBUTES: Final = _words(
    "align alt aria-hidden aria-label bgcolor border cellpadding cellspacing class color colspan "
    "dir height href lang role rowspan src start style target title valign width"
)
#: attributes in which a text placeholder may stand
_TEXT_ATTRIBUTES: Final = frozenset({"alt", "title", "aria-label"})
_LINKS: Final = frozenset({"href", "src"})
_SAFE_LINK: Final = re.compile(r"(?:https?://[^/\s]|mailto:|tel:)[^\s<>\\]*\Z", re.IGNORECASE)
_UNSAFE_STYLE: Final = re.compile(
    r"url\s*\(|expression|@|\\|behaviou?r|binding|position|/\*|[<>{}]", re.IGNORECASE
)

VALUE, NESTED = "\ue001", "\ue002"
TAG = re.compile(
    r"<(?P<end>/)?(?P<name>[a-zA-Z][a-zA-Z0-9]*)"
    r"(?P<attributes>(?:\s+[a-zA-Z][a-zA-Z0-9-]*(?:\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'))?)*)\s*/?>"
)
ATTRIBUTE = re.compile(
    r"\s+(?P<name>[a-zA-Z][a-zA-Z0-9-]*)(?:\s*=\s*(?:\"(?P<a>[^\"<>]*)\"|'(?P<b>[^'<>]*)'))?"
)
PIECE = re.compile(r"<!--.*?-->|<|[^<\ue002]+|\ue002", re.DOTALL)


@dataclass(slots=True)
class Flat:
    """A run of nodes as one string, each placeholder and each tag being one private character."""

    text: str = ""
    starts: list[int] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)

    @classmethod
    def of(cls, nodes: Iterable[Node]) -> Flat:
        flat = cls()
        parts: list[str] = []
        length = 0
        for node in nodes:
            flat.starts.append(length)
            flat.nodes.append(node)
            mark = VALUE if isinstance(node, Output) else NESTED
            parts.append(node.value if isinstance(node, Text) else mark)
            length += len(parts[-1])
        flat.text = "".join(parts)
        return flat

    def node_at(self, position: int) -> Node:
        return self.nodes[bisect.bisect_right(self.starts, position) - 1]

    def line_at(self, position: int) -> int:
        index = bisect.bisect_right(self.starts, position) - 1
        return self.nodes[index].line + self.text.count("\n", self.starts[index], position)


@dataclass(slots=True)
class _Elements:
    """The open elements at a place: those around this run of nodes, and those opened within it."""

    parents: tuple[str, ...]
    opened: list[tuple[str, int]] = field(default_factory=list)

    def names(self) -> tuple[str, ...]:
        return self.parents + tuple(name for name, _line in self.opened)

    @property
    def inside(self) -> str:
        return next(reversed(self.names()), "")


def check_markup(nodes: Sequence[Node], scope: Scope) -> None:
    """Raises RenderingError with its line for anything that is not plainly good HTML."""
    _check(nodes, scope, ())


def _check(nodes: Sequence[Node], scope: Scope, parents: tuple[str, ...]) -> None:
    """`parents`: elements that the nodes stand in, and must leave as they found them."""
    flat = Flat.of(nodes)
    elements = _Elements(parents)
    position = 0
    while piece := PIECE.match(flat.text, position):
        position = piece.end()
        if piece[0] == NESTED:
            _check_nested(flat.node_at(piece.start()), scope, elements.names())
        elif piece[0] == "<":
            position = _check_tag(flat, piece.start(), elements, scope)
        else:
            _check_text(flat, piece, elements.inside)
    if elements.opened:
        name, line = elements.opened[-1]
        raise RenderingError(_("<%s> is not closed.") % name, line=line)


def _check_text(flat: Flat, piece: re.Match[str], inside: str) -> None:
    line = flat.line_at(piece.start())
    if piece[0].startswith("<!--"):
        if VALUE in piece[0] or NESTED in piece[0] or "[" in piece[0]:
            raise RenderingError(_("A comment can hold plain text only."), line=line)
    elif inside in _NO_TEXT and piece[0].strip():
        raise RenderingError(_("No text can stand right within <%s>.") % inside, line=line)


def _check_nested(node: Node, scope: Scope, parents: tuple[str, ...]) -> None:
    inside = next(reversed(parents), "")
    if isinstance(node, If):
        for branch in node.branches:
            _check(branch.body, scope, parents)
    elif isinstance(node, For):
        _check(node.body, scope.within(node.name, node.path, node.line), parents)
    elif inside not in ("", "div", "td", "th", "center", "blockquote", "li", "dd"):
        raise RenderingError(
            _("{%% %(block)s %%} cannot stand within <%(tag)s>.")
            % {"block": getattr(node, "name", ""), "tag": inside},
            line=node.line,
        )


def _check_tag(flat: Flat, position: int, elements: _Elements, scope: Scope) -> int:
    """Returns where the tag ends."""
    line = flat.line_at(position)
    tag = TAG.match(flat.text, position)
    if tag is None:
        raise RenderingError(_tag_refused(flat, position), line=line)
    name = tag["name"].lower()
    if name not in _ALLOWED:
        raise RenderingError(_("<%s> cannot be used in a message.") % name, line=line)
    if tag["end"]:
        if not elements.opened or elements.opened[-1][0] != name:
            raise RenderingError(
                _("</%(end)s> closes nothing here; open is <%(open)s>.")
                % {"end": name, "open": elements.inside or "–"},
                line=line,
            )
        elements.opened.pop()
        return tag.end()
    _check_place(name, elements, line)
    seen: set[str] = set()
    for attribute in ATTRIBUTE.finditer(flat.text, tag.start("attributes"), tag.end("attributes")):
        _check_attribute(flat, attribute, scope)
        if attribute["name"].lower() in seen:
            raise RenderingError(_("An attribute stands twice."), line=line)
        seen.add(attribute["name"].lower())
    if name not in _VOID:
        elements.opened.append((name, line))
    return tag.end()


def _check_place(name: str, elements: _Elements, line: int) -> None:
    inside = elements.inside
    allowed = _CHILDREN.get(inside, _PHRASING | _FLOW - {"li", "dt", "dd"})
    if name not in allowed or (name == "a" and "a" in elements.names()):
        raise RenderingError(
            _("<%(tag)s> cannot stand within <%(parent)s>.")
            % {"tag": name, "parent": inside or "–"},
            line=line,
        )


def _check_attribute(flat: Flat, attribute: re.Match[str], scope: Scope) -> None:
    name = attribute["name"].lower()
    value = attribute["a"] or attribute["b"] or ""
    line = flat.line_at(attribute.start("name"))
    if name not in _ATTRIBUTES:
        raise RenderingError(_("The attribute “%s” cannot be used.") % name, line=line)
    if NESTED in value:
        raise RenderingError(_("{% %} cannot stand within an HTML tag."), line=line)
    if name == "style" and _UNSAFE_STYLE.search(html.unescape(value)):
        raise RenderingError(_("This style cannot be used."), line=line)
    if VALUE in value:
        start = attribute.start("a") if attribute["a"] is not None else attribute.start("b")
        for offset, char in enumerate(value):
            if char == VALUE:
                _check_value(flat.node_at(start + offset), name, value, scope)
    elif name in _LINKS and not _SAFE_LINK.match(html.unescape(value).strip()):
        raise RenderingError(_("A link must begin with https://, mailto: or tel:."), line=line)


def _check_value(node: Node, name: str, value: str, scope: Scope) -> None:
    """A placeholder within an attribute: links alone in href and src, texts in alt and title."""
    if not isinstance(node, Output):  # never: the mark stands for outputs alone
        raise TypeError(type(node).__name__)
    kind = scope.resolve(node.path, node.line).kind
    if name in _LINKS and (kind is not Kind.URL or value != VALUE):
        raise RenderingError(
            _("A link takes one of the link placeholders, and nothing beside it."), line=node.line
        )
    if name not in _LINKS and (name not in _TEXT_ATTRIBUTES or kind is Kind.URL):
        raise RenderingError(
            _("“%(name)s” cannot stand in the attribute “%(attribute)s”.")
            % {"name": ".".join(node.path), "attribute": name},
            line=node.line,
        )


def _tag_refused(flat: Flat, position: int) -> str:
    """Why no tag was read at a `<`."""
    start = flat.text[position : position + 2]
    if start == "<!":
        return _("This cannot be used: write the message only, the frame is added.")
    if not re.match(r"</?[a-zA-Z]", flat.text[position : position + 3]):
        return _("Write &lt; where a “<” is meant.")
    end = flat.text.find(">", position)
    if NESTED in flat.text[position : end + 1]:
        return _("{% %} cannot stand within an HTML tag.")
    if VALUE in flat.text[position : end + 1]:
        return _('A placeholder within a tag must stand in a quoted attribute: alt="{{ … }}".')
    return _("This tag is not written well: quote each attribute, and close it by “>”.")
