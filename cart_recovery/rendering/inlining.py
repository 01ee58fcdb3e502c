"""Style sheets into `style` attributes, once per template: mail programs drop style sheets.

The inliner reads HTML as a browser does, and would move `{% for %}` out of a table. So while it
works, each generated tag is a comment, which stays where it is, and each value a private character.
"""

from __future__ import annotations

import re
from typing import Final

import css_inline

_BLOCK_MARK: Final = "<!--\ue002{}\ue002-->"
_VALUE_MARK: Final = "\ue001{}\ue001"
_MARK: Final = re.compile("(?:<!--)?[\ue001\ue002](\\d+)[\ue001\ue002](?:-->)?")


class Inliner:
    """Hides generated tags by `wrap`, then inlines. For one document."""

    def __init__(self) -> None:
        self._hidden: list[str] = []

    def wrap(self, generated: str) -> str:
        """What stands for a generated tag until `inline` puts it back."""
        self._hidden.append(generated)
        mark = _BLOCK_MARK if generated.startswith("{%") else _VALUE_MARK
        return mark.format(len(self._hidden) - 1)

    def inline(self, document: str, style_sheet: str) -> str:
        """The document with the style sheet in its `style` attributes and its tags put back."""
        inliner = css_inline.CSSInliner(extra_css=style_sheet, load_remote_stylesheets=False)
        return _MARK.sub(lambda found: self._hidden[int(found[1])], inliner.inline(document))
