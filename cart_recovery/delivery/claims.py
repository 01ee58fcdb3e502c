"""Claiming rows that are due: follow-ups and notices alike. Constant statements per batch."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from django.db import connection, models, transaction

from cart_recovery.conf import conf
from cart_recovery.models import FollowUp, FollowUpState, Notice

M = TypeVar("M", FollowUp, Notice)


def new_claim_token() -> str:
    """32 hex digits that name one claim."""
    return uuid.uuid4().hex


class Claims(Generic[M]):
    """The claims on the rows of one model with `state`, `due_at`, `claim_token`, `lease_until`."""

    def __init__(self, model: type[M]) -> None:
        self._rows: models.Manager[Any] = model._default_manager

    def claim_due(self, now: dt.datetime, *, limit: int, token: str) -> list[int]:
        """Take up to `limit` due rows for `token`, oldest first, in one short transaction.

        Two workers never get the same one: rows that another one is about to take are passed over
        where the database can (SKIP LOCKED), and the conditional UPDATE decides everywhere.
        """
        with transaction.atomic():
            due = self._rows.filter(state=FollowUpState.PLANNED, due_at__lte=now)
            if connection.features.has_select_for_update:
                due = due.select_for_update(
                    skip_locked=connection.features.has_select_for_update_skip_locked
                )
            ids = list(due.order_by("due_at").values_list("pk", flat=True)[:limit])
            if not ids:
                return []
            self._rows.filter(pk__in=ids, state=FollowUpState.PLANNED).update(
                state=FollowUpState.CLAIMED, claim_token=token, lease_until=now + conf.LEASE
            )
        mine = self._rows.filter(pk__in=ids, claim_token=token)
        return list(mine.values_list("pk", flat=True))

    def release_stale(self, now: dt.datetime) -> int:
        """Give back what a dead worker had claimed. It had not called the provider: what was handed
        over has ended its row in the same transaction."""
        return self._rows.filter(state=FollowUpState.CLAIMED, lease_until__lt=now).update(
            state=FollowUpState.PLANNED, claim_token="", lease_until=None
        )

    def count_due(self, now: dt.datetime, *, at_most: int) -> int:
        """Due rows, counted no further than `at_most`."""
        due = self._rows.filter(state=FollowUpState.PLANNED, due_at__lte=now)
        return due.order_by()[:at_most].count()

    def lock_claimed(self, ids: Sequence[int], token: str) -> set[int]:
        """Which of these rows still belong to the claim, locked until the transaction ends."""
        rows = self._rows.filter(pk__in=ids, state=FollowUpState.CLAIMED, claim_token=token)
        if connection.features.has_select_for_update:
            rows = rows.select_for_update()
        return set(rows.values_list("pk", flat=True))
