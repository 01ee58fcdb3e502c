"""The ready-made pieces of a template: `{% products %}` and `{% button "label" %}`."""

from __future__ import annotations

import html
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from cart_recovery.rendering.labels import with_labels
from cart_recovery.rendering.language import Block, Branch, For, If, Node, parse

SHIPPED: Final = Path(__file__).with_name("shipped")


@lru_cache(maxsize=32)
def shipped(name: str) -> str:
    """A file of ours, read once per process."""
    return (SHIPPED / name).read_text(encoding="utf-8")


def expand(nodes: Iterable[Node], language: str, *, is_html: bool) -> tuple[Node, ...]:
    """The nodes with each block replaced by what it stands for."""
    result: list[Node] = []
    for node in nodes:
        if isinstance(node, Block):
            result.extend(_block(node, language, is_html=is_html))
        elif isinstance(node, If):
            branches = [_branch(branch, language, is_html=is_html) for branch in node.branches]
            result.append(replace(node, branches=tuple(branches)))
        elif isinstance(node, For):
            result.append(replace(node, body=expand(node.body, language, is_html=is_html)))
        else:
            result.append(node)
    return tuple(result)


def _branch(branch: Branch, language: str, *, is_html: bool) -> Branch:
    return replace(branch, body=expand(branch.body, language, is_html=is_html))


def _block(block: Block, language: str, *, is_html: bool) -> tuple[Node, ...]:
    name = f"{block.name}.{'html' if is_html else 'txt'}"
    source = with_labels(shipped(name), language, is_html=is_html)
    label = html.escape(block.label) if is_html else block.label
    return parse(source.rstrip("\n").replace("((label))", label))
