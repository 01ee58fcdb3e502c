"""Do django-q2's settings keep the promises? Ids W2xx; the facts are in docs/owners/production."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Warning
from django.db import DEFAULT_DB_ALIAS, connections

from cart_recovery.conf import conf


def check_queue(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn about settings with which django-q2 repeats tasks, floods, or stops."""
    cluster = getattr(settings, "Q_CLUSTER", None)
    if not apps.is_installed("django_q"):
        return [
            Warning(
                "django_q is not installed: nothing is sent unless cron runs `recovery_sweep`.",
                hint='Add "django_q" to INSTALLED_APPS, or silence this check.',
                id="cart_recovery.W201",
            )
        ]
    if not isinstance(cluster, Mapping):
        return [
            Warning(
                "Q_CLUSTER is not set: django-q2 runs with a Redis on localhost and no timeout.",
                hint='A good start: Q_CLUSTER = {"name": "shop", "orm": "default", "workers": 2, '
                '"queue_limit": 2, "bulk": 1, "timeout": 60, "retry": 300, "max_attempts": 1, '
                '"ack_failures": True, "catch_up": False, "save_limit": 100, "recycle": 200}',
                id="cart_recovery.W202",
            )
        ]
    if cluster.get("sync"):
        return []
    return [*_times(cluster), *_repeats(cluster), *_databases(cluster)]


def _times(cluster: Mapping[str, Any]) -> Iterator[CheckMessage]:
    timeout = cluster.get("timeout")
    if not timeout:
        yield Warning(
            'Q_CLUSTER has no "timeout": a hanging call would hold its worker for ever.',
            hint='Write "timeout": 60.',
            id="cart_recovery.W203",
        )
        return
    workers = int(cluster.get("workers") or 1)
    queue_limit = int(cluster.get("queue_limit") or workers**2)
    least = timeout * (math.ceil((queue_limit + 1) / workers) + 1)
    if int(cluster.get("retry", 60)) <= least:
        yield Warning(
            f'Q_CLUSTER["retry"] must be more than {least} seconds, or tasks run several times.',
            hint="retry > timeout × (⌈(queue_limit + 1) / workers⌉ + 1). "
            f'Write "retry": {least + 60}.',
            id="cart_recovery.W204",
        )
    if conf.TASK_BUDGET.total_seconds() >= timeout:
        yield Warning(
            'CART_RECOVERY["TASK_BUDGET"] must be less than Q_CLUSTER["timeout"].',
            hint="A delivery task would be killed in the middle of its provider calls.",
            id="cart_recovery.W205",
        )


def _repeats(cluster: Mapping[str, Any]) -> Iterator[CheckMessage]:
    if cluster.get("catch_up", True):
        yield Warning(
            'Q_CLUSTER["catch_up"] replays each missed minute after a stop.',
            hint='Write "catch_up": False: one sweep does the work of all that were missed.',
            id="cart_recovery.W206",
        )
    if cluster.get("orm") and not (cluster.get("max_attempts") or cluster.get("ack_failures")):
        yield Warning(
            "A task that fails is repeated by django-q2 for ever.",
            hint='Write "max_attempts": 1 and "ack_failures": True; cart_recovery retries itself.',
            id="cart_recovery.W207",
        )
    if int(cluster.get("bulk", 1)) != 1:
        yield Warning(
            'Q_CLUSTER["bulk"] lets one worker hold tasks that others could run.',
            hint='Write "bulk": 1.',
            id="cart_recovery.W208",
        )


def _databases(cluster: Mapping[str, Any]) -> Iterator[CheckMessage]:
    alias = cluster.get("orm")
    if alias and alias != DEFAULT_DB_ALIAS:
        yield Warning(
            f'Q_CLUSTER["orm"] = "{alias}": with a database of its own the scheduler fails and '
            "repeats schedules.",
            hint='Write "orm": "default".',
            id="cart_recovery.W209",
        )
    if not alias and connections[DEFAULT_DB_ALIAS].vendor == "sqlite":
        yield Warning(
            "With another broker than the ORM on SQLite, schedules can start twice.",
            hint='Use "orm": "default" on SQLite, or PostgreSQL with Redis.',
            id="cart_recovery.W210",
        )
