"""Does it run at this moment? Ids W4xx; only asked where the database may be (`check --database`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.core.checks import CheckMessage, Warning
from django.db import DatabaseError, connections, router
from django.utils import timezone, translation

from cart_recovery.health.examining import examine_quickly
from cart_recovery.health.findings import Finding
from cart_recovery.health.wording import tell
from cart_recovery.models import Campaign, Heartbeat

IDS: Final = {"sweep": "cart_recovery.W401", "stages": "cart_recovery.W402"}
OTHER: Final = "cart_recovery.W403"


def check_health(
    app_configs: Any, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Warn of a worker that is dead and of whatever else keeps messages from going out.

    A shop that has never switched a campaign on has nothing to send, and so needs no worker yet;
    before the first `migrate` there is nothing to look at.
    """
    alias = router.db_for_read(Heartbeat)
    if alias not in (databases or ()):
        return []
    try:
        if not _is_in_use(alias):
            return []
        health = examine_quickly(timezone.now())
    except DatabaseError:
        # what ails the database is for Django's own checks to say
        return []
    with translation.override("en"):
        return [_warning(finding) for finding in health.failing]


def _is_in_use(alias: str) -> bool:
    if Heartbeat._meta.db_table not in connections[alias].introspection.table_names():
        return False
    return Heartbeat.objects.exists() or Campaign.objects.filter(is_active=True).exists()


def _warning(finding: Finding) -> CheckMessage:
    told = tell(finding)
    return Warning(told.text, hint=told.advice, id=IDS.get(finding.code, OTHER))
