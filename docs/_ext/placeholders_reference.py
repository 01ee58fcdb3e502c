"""The tables of placeholders for templates, made from `cart_recovery.rendering.placeholders`."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class PlaceholdersReference(SphinxDirective):
    """`.. cart-recovery-placeholders::`"""

    def run(self) -> list[nodes.Node]:
        from django.utils import translation

        from cart_recovery.models import TemplateSubject
        from cart_recovery.rendering.placeholders import COMMON, PLACEHOLDERS

        lines = ["In every template:", "", *table(COMMON)]
        with translation.override("en"):
            for subject in TemplateSubject:
                own = tuple(p for p in PLACEHOLDERS[subject] if p not in COMMON)
                lines += ["", f"In templates about {subject.label}:", "", *table(own)]
        return self.parse_text_to_nodes("\n".join(lines))


def table(placeholders: Any) -> list[str]:
    from django.utils import translation

    from cart_recovery.rendering.placeholders import documented

    lines = ["| placeholder | what it is | looks like |", "|---|---|---|"]
    with translation.override("en"):
        for name, placeholder in documented(placeholders):
            note = " (may be missing)" if placeholder.optional else ""
            note += " (advertising)" if placeholder.is_advertising else ""
            kind = placeholder.kind.value
            sample = f"`{placeholder.sample}`" if placeholder.sample else f"({kind})"
            lines.append(f"| `{name}` | {placeholder.description}{note} | {sample} |")
    return lines


def setup(app: Sphinx) -> dict[str, Any]:
    import django

    django.setup()
    app.add_directive("cart-recovery-placeholders", PlaceholdersReference)
    return {"parallel_read_safe": True}
