"""The plain-text part of a mail whose staff wrote only HTML: the same tree without its tags."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from cart_recovery.rendering.language import For, If, Node, Output, Text
from cart_recovery.rendering.markup import ATTRIBUTE, NESTED, PIECE, TAG, VALUE, Flat

_PARAGRAPHS: Final = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "blockquote", "pre", "hr"}
)
_LINES: Final = frozenset({"div", "tr", "center", "dt", "dd", "dl", "br"})
_SPACES = re.compile(r"\s+")


def without_tags(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """The nodes of checked HTML as nodes of plain text; a link is written behind its words."""
    flat = Flat.of(nodes)
    result: list[Node] = []
    links: list[tuple[Node, ...]] = []
    position = 0
    while piece := PIECE.match(flat.text, position):
        position = piece.end()
        if piece[0] == NESTED:
            result.append(_nested(flat.node_at(piece.start())))
        elif piece[0] == "<":
            tag = TAG.match(flat.text, piece.start())
            if tag is None:  # never: the HTML was checked
                break
            position = tag.end()
            result.extend(_tag(flat, tag, links))
        elif not piece[0].startswith("<!--"):
            result.extend(_text(flat, piece))
    return tuple(result)


def _nested(node: Node) -> Node:
    if isinstance(node, If):
        branches = [replace(item, body=without_tags(item.body)) for item in node.branches]
        return replace(node, branches=tuple(branches))
    if isinstance(node, For):
        return replace(node, body=without_tags(node.body))
    return node


def _text(flat: Flat, piece: re.Match[str]) -> Iterable[Node]:
    start, line = piece.start(), flat.line_at(piece.start())
    for part in re.split(f"({VALUE})", piece[0]):
        if part == VALUE:
            yield flat.node_at(start)
        elif part:
            yield Text(_SPACES.sub(" ", html.unescape(part)), line)
        start += len(part)


def _tag(flat: Flat, tag: re.Match[str], links: list[tuple[Node, ...]]) -> Iterable[Node]:
    name, line = tag["name"].lower(), flat.line_at(tag.start())
    if name == "a":
        if tag["end"]:
            yield from links.pop() if links else ()
        else:
            links.append(_link(flat, tag, line))
    elif name == "li" and not tag["end"]:
        yield Text("\n* ", line)
    elif name in _PARAGRAPHS:
        yield Text("\n\n", line)
    elif name in _LINES:
        yield Text("\n", line)
    elif name in ("td", "th"):
        yield Text(" ", line)


def _link(flat: Flat, tag: re.Match[str], line: int) -> tuple[Node, ...]:
    for found in ATTRIBUTE.finditer(flat.text, tag.start("attributes"), tag.end("attributes")):
        if found["name"].lower() != "href":
            continue
        value = found["a"] or found["b"] or ""
        if value == VALUE:
            start = found.start("a") if found["a"] is not None else found.start("b")
            node = flat.node_at(start)
            return (Text(": ", line), node) if isinstance(node, Output) else ()
        return (Text(": " + html.unescape(value).strip(), line),)
    return ()


def tidy(text: str) -> str:
    """Lines without blanks at their ends, and never more than one empty line in a row."""
    # plain string methods: a pattern would take longer than the rendering itself
    text = "\n".join([row.rstrip() for row in text.split("\n")])
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.strip() + "\n"
