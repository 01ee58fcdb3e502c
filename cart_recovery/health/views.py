"""`/health/` for a monitor: 200 while messages go out, 503 when something has to be repaired."""

from __future__ import annotations

import datetime as dt
import logging
from typing import Any

from django.contrib.auth import get_permission_codename
from django.db import DatabaseError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from cart_recovery.conf import conf
from cart_recovery.consent.pages import unlisted
from cart_recovery.health.examining import current
from cart_recovery.health.findings import Finding, Health, Severity
from cart_recovery.health.wording import tell
from cart_recovery.models import Heartbeat

logger = logging.getLogger(__name__)
SCHEME = "Bearer "


# a database that is down must not be asked to begin a transaction first
@transaction.non_atomic_requests
@require_safe
def health(request: HttpRequest) -> HttpResponse:
    """The status for everybody; the findings for who shows HEALTH_TOKEN, or may see the health page."""
    found = current()
    body: dict[str, Any] = {"status": found.severity.word}
    if _has_token(request) or _may_see(request):
        body |= as_dict(found)
    status = 503 if found.severity is Severity.FAIL else 200
    return unlisted(JsonResponse(body, status=status))


def as_dict(found: Health) -> dict[str, Any]:
    """For JSON: durations are seconds, moments ISO 8601. What a provider said is left out."""
    return {
        "status": found.severity.word,
        "examined_at": found.examined_at.isoformat(),
        "findings": [_finding_as_dict(finding) for finding in found.findings],
    }


def _finding_as_dict(finding: Finding) -> dict[str, Any]:
    told = tell(finding)
    return {
        "code": finding.code,
        "state": finding.state,
        "severity": finding.severity.word,
        "facts": {name: _plain(value) for name, value in finding.facts.items()},
        "text": told.text,
        "advice": told.advice,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, dt.timedelta):
        return round(value.total_seconds())
    return value.isoformat() if isinstance(value, dt.datetime) else value


def _has_token(request: HttpRequest) -> bool:
    header = request.headers.get("Authorization", "")
    expected = conf.HEALTH_TOKEN
    if not expected or not header.startswith(SCHEME):
        return False
    return constant_time_compare(header.removeprefix(SCHEME).strip(), expected)


def _may_see(request: HttpRequest) -> bool:
    """Staff with the permission of the health page. Without a database there are no users."""
    permission = f"{Heartbeat._meta.app_label}.{get_permission_codename('view', Heartbeat._meta)}"
    try:
        user: Any = getattr(request, "user", None)
        return bool(user and user.is_active and user.is_staff and user.has_perm(permission))
    except DatabaseError:
        logger.exception("Who asks for the health cannot be told")
        return False
