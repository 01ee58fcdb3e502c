"""What a person reads on a page."""

from __future__ import annotations

import re
from typing import Any


def words(response: Any) -> str:
    """The page's text without markup, on one line.

    Who looks for what must not be there looks here: markup holds random tokens, in which any two
    digits stand by chance now and then.
    """
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", response.content.decode(), flags=re.S)
    return " ".join(text.split())
