"""What a public form takes at its door, before anything of a body is read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.http import HttpRequest

#: the forms are short; a proof's page and address fit many times over
MAX_BYTES: Final = 16 * 1024
FORM_TYPES: Final = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})
JSON_TYPES: Final = frozenset({"application/json"})


def refusal_of(request: HttpRequest, types: Collection[str]) -> int:
    """413 for what is too large (or does not say how large it is), 415 for another type; 0: fine."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = MAX_BYTES + 1
    is_chunked = "chunked" in request.headers.get("Transfer-Encoding", "").lower()
    if length > MAX_BYTES or (is_chunked and not length):
        return 413
    return 0 if request.content_type in types else 415
