"""The ready-made pieces of a template: products, a button, recommendations, ratings."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from cart_recovery.models import TemplateSubject
from cart_recovery.rendering.labels import Style, with_labels
from cart_recovery.rendering.language import Block, For, If, Node, parse

SHIPPED: Final = Path(__file__).with_name("shipped")


@lru_cache(maxsize=32)
def shipped(name: str) -> str:
    """A file of ours, read once per process."""
    return (SHIPPED / name).read_text(encoding="utf-8")


#: (block, what the template is about) -> the shipped piece without its ending. A block that is not
#: here stays what it is, and is refused with its line where the template is written anew.
_PIECES: Final[Mapping[tuple[str, str], str]] = {
    ("products", TemplateSubject.CART): "products",
    ("products", TemplateSubject.ORDER): "ordered",
    ("button", TemplateSubject.CART): "button",
    ("button", TemplateSubject.ORDER): "button",
    ("recommendations", TemplateSubject.CART): "recommendations",
    ("recommendations", TemplateSubject.ORDER): "recommendations",
    ("ratings", TemplateSubject.ORDER): "ratings",
}
#: where a button leads
_LINKS: Final[Mapping[str, str]] = {
    TemplateSubject.CART: "restore_url", TemplateSubject.ORDER: "action_url",
}  # fmt: skip
#: a line that only stands where the block was given words of its own
_LABELLED: Final = re.compile(r"^\(\(label\?\)\)(.*)\n", re.MULTILINE)

#: the cell with the picture of what a loop is at
_PICTURE: Final = re.compile(r"^\(\(picture (\w+)\)\)$", re.MULTILINE)


def expand(nodes: Iterable[Node], style: Style) -> tuple[Node, ...]:
    """The nodes with each block replaced by what it stands for."""
    result: list[Node] = []
    for node in nodes:
        if isinstance(node, Block):
            result.extend(_block(node, style))
        elif isinstance(node, If):
            branches = [replace(item, body=expand(item.body, style)) for item in node.branches]
            result.append(replace(node, branches=tuple(branches)))
        elif isinstance(node, For):
            result.append(replace(node, body=expand(node.body, style)))
        else:
            result.append(node)
    return tuple(result)


def _block(block: Block, style: Style) -> tuple[Node, ...]:
    piece = _PIECES.get((block.name, style.about))
    if piece is None:
        return (block,)
    source = _PICTURE.sub(_picture, shipped(f"{piece}.{'html' if style.is_html else 'txt'}"))
    source = with_labels(source, style).replace("((link))", _LINKS[style.about])
    source = _LABELLED.sub(r"\1\n" if block.label else "", source)
    label = html.escape(block.label) if style.is_html else block.label
    return parse(source.rstrip("\n").replace("((label))", label))


def _picture(found: re.Match[str]) -> str:
    return shipped("picture.html").rstrip("\n").replace("((item))", found[1])
