"""Kept webhooks: a provider's report on many people at once."""

from __future__ import annotations

import json
from collections.abc import Collection
from urllib.parse import parse_qsl


def parts_about(addresses: Collection[str], body: str) -> list[object]:
    """The reports in a kept webhook that name one of the addresses: a JSON array's items, or the
    one form. What cannot be read is left out, since it may speak of others."""
    wanted = [address.casefold() for address in addresses]
    return [part for part in _parts(body) if any(a in _text(part) for a in wanted)]


def _parts(body: str) -> list[object]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        form = dict(parse_qsl(body))
        return [form] if form else []
    return content if isinstance(content, list) else [content]


def _text(part: object) -> str:
    return json.dumps(part, ensure_ascii=False).casefold()
