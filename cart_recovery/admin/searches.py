"""What staff look for: posted and kept in their session, so that no address stands in a URL or a log.

The list's URL holds a key in its place: `?q=~1f3a…`. A term that is typed into the URL works as well.
"""

from __future__ import annotations

import re
import secrets
from typing import Any, Final

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext as _

MAX_LENGTH: Final = 254
SESSION_KEY: Final = "cart_recovery_searches"
#: of a session; an older one has to be typed again
MOST: Final = 20
_KEY: Final = re.compile(r"~[0-9a-f]{12}")


def keep(request: HttpRequest, term: str) -> str:
    """Keep a term; gives what stands for it in the URL, "" for an empty one."""
    term = term.replace("\x00", "").strip()[:MAX_LENGTH]
    if not term:
        return ""
    kept: dict[str, str] = dict(request.session.get(SESSION_KEY, {}))
    key = f"~{secrets.token_hex(6)}"
    newest = [*kept.items(), (key, term)][-MOST:]
    request.session[SESSION_KEY] = dict(newest)
    return key


def term_of(request: HttpRequest, query: str) -> str:
    """The term behind what stands in the URL. One that is kept no longer is told to the reader."""
    if not _KEY.fullmatch(query):
        return query
    kept: dict[str, Any] = request.session.get(SESSION_KEY, {})
    if query not in kept:
        messages.warning(request, _("This search is no longer known. Type it again, please."))
        return ""
    return str(kept[query])
