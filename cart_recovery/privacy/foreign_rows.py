"""Traces of a person in the rows of other apps: the queue's failures, the admin's log.

django-q2 is not imported: a shop may run the sweep from cron without it.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.apps import apps
from django.db.models import CharField, F, QuerySet, Value
from django.db.models.functions import Concat

#: our functions that queues call (cart_recovery.tasks). They take no arguments that name a person,
#: so what waits in the queue says nothing; the traceback of a failure may
OURS = "cart_recovery."


def failed_tasks() -> QuerySet[Any] | None:
    """What is kept of our failed tasks; None without django-q2."""
    if not apps.is_installed("django_q"):
        return None
    tasks = apps.get_model("django_q", "Task")._default_manager
    failures: QuerySet[Any] = tasks.filter(success=False, func__startswith=OURS)
    return failures


def delete_failed_tasks(before: dt.datetime | None = None) -> int:
    """All of them, or those that failed before that moment. One statement: nothing hangs on them."""
    failures = failed_tasks()
    if failures is None:
        return 0
    if before is not None:
        failures = failures.filter(stopped__lt=before)
    return int(failures._raw_delete(failures.db))


def empty_admin_log(contact_ids: list[int]) -> int:
    """What the log calls these contacts; that something was done, when and by whom stays."""
    if not apps.is_installed("django.contrib.admin"):
        return 0
    entries = apps.get_model("admin", "LogEntry")._default_manager.filter(
        content_type__app_label="cart_recovery", content_type__model="contact",
        object_id__in=[str(pk) for pk in contact_ids],
    )  # fmt: skip
    name = Concat(Value("Contact "), F("object_id"), output_field=CharField())
    return int(entries.update(object_repr=name))
