"""The settings reference, made from the properties of `cart_recovery.conf.Conf` and its bases.

They are the one place where a setting is described; the page cannot fall behind it.
"""

from __future__ import annotations

import ast
import datetime as dt
import inspect
import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

HEADING = re.compile(r"    # --- (?P<title>[^-]+?) -+$")


def sections() -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """Yield (heading, [(name, type, docstring)]) in the order of the source."""
    from cart_recovery.conf import Conf
    from cart_recovery.order_settings import OrderSettings

    for settings in (Conf, OrderSettings):
        yield from sections_of(inspect.getsource(settings))


def sections_of(source: str) -> Iterator[tuple[str, list[tuple[str, str, str]]]]:
    """The same for the source of one class."""
    starts = [
        (number, match["title"])
        for number, line in enumerate(source.splitlines(), 1)
        if (match := HEADING.match(line))
    ]
    nodes_of_class = ast.walk(ast.parse(source))
    properties = [
        node for node in nodes_of_class if isinstance(node, ast.FunctionDef) and node.name.isupper()
    ]
    for (start, title), (end, _) in zip(starts, [*starts[1:], (10**6, "")], strict=True):
        inside = [node for node in properties if start < node.lineno < end]
        if inside:
            yield (
                title,
                [
                    (
                        node.name,
                        ast.unparse(node.returns or ast.Name("Any")).replace(
                            "Duration", "timedelta"
                        ),
                        ast.get_docstring(node) or "",
                    )
                    for node in inside
                ],
            )


def default_of(name: str) -> str:
    """What holds when the project says nothing, as it would be written in settings."""
    from django.test import override_settings

    from cart_recovery.conf import conf

    with override_settings(CART_RECOVERY={}):
        value = getattr(conf, name)
    return written(value)


def written(value: Any) -> str:
    if isinstance(value, dt.timedelta):
        for unit, seconds in (("days", 86400), ("hours", 3600), ("minutes", 60), ("seconds", 1)):
            if value and not value.total_seconds() % seconds:
                return f"timedelta({unit}={int(value.total_seconds() // seconds)})"
    return repr(value)


#: these follow other settings: their docstrings say which
FOLLOWING = {"SHOP_NAME", "FROM_EMAIL", "ADDRESS_HASH_KEY"}


class SettingsReference(SphinxDirective):
    """`.. cart-recovery-settings::`"""

    def run(self) -> list[nodes.Node]:
        lines: list[str] = []
        for title, settings in sections():
            lines += [f"## {title[0].upper()}{title[1:]}", ""]
            for name, kind, docstring in settings:
                lines += [f"`{name}` ({kind})", f": {' '.join(docstring.split())}"]
                if name not in FOLLOWING and (default := default_of(name)) not in ("''", '""'):
                    lines += ["", f"  Default: `{default}`"]
                lines.append("")
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, Any]:
    import django

    django.setup()
    app.add_directive("cart-recovery-settings", SettingsReference)
    return {"parallel_read_safe": True}
