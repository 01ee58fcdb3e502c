"""Lists that stay quick over millions of rows: no COUNT(*) over everything, no N+1."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import ShowFacets
from django.db.models import Model
from django.http import HttpRequest
from django.utils.functional import cached_property

from cart_recovery.admin.bases import AnyModelAdmin, AnyPaginator


class BoundedPaginator(AnyPaginator):
    """Counts no further than `COUNT_LIMIT`: who looks for more than that should filter."""

    COUNT_LIMIT = 5000

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by()[: self.COUNT_LIMIT].count())


class LargeListAdmin(AnyModelAdmin):
    """Base of the lists over rows that grow with the shop."""

    paginator = BoundedPaginator
    show_full_result_count = False
    # a count per filter is a count over everything
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    ordering = ["-pk"]


class ReadOnlyAdmin(LargeListAdmin):
    """Rows that the app writes and that staff only look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
