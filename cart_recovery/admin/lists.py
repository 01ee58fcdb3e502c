"""Lists that stay quick over millions of rows: no COUNT(*), no OFFSET, no N+1; names masked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib.admin import ShowFacets
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, SEARCH_VAR, ChangeList
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import urlencode

from cart_recovery.admin import searches
from cart_recovery.admin.access import SEE_STORIES, may_see_persons
from cart_recovery.admin.exporting import ExportAdmin
from cart_recovery.admin.filters import ChoiceFilter, PeriodFilter
from cart_recovery.admin.keyset import WINDOW, Listing, Order, Page, read_position

OLDER, NEWER = "older", "newer"
#: the field of the search form
SEARCHED = "searched"
POSITIONS = (OLDER, NEWER)


class KeysetChangeList(ChangeList):
    """Django's list with pages by position; see `keyset`."""

    page: Page
    model_admin: Any
    #: whether `query` holds what is looked for, and not the key that stands for it in the URL
    _is_read = False

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        found: dict[str, Any] = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in POSITIONS}

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        # a filter that changes begins at the top again
        return str(super().get_query_string(new_params, [*(remove or ()), *POSITIONS]))

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        self._request = request
        if not self._is_read:
            self.query, self._is_read = searches.term_of(request, self.query), True
        rows: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        return rows.order_by(*self.key.names()).defer(*self.model_admin.list_deferred)

    @property
    def key(self) -> Order:
        """By the moment of the period while one is chosen; by the primary key otherwise."""
        period = next((s for s in self.filter_specs if isinstance(s, PeriodFilter)), None)
        return Order(period.field if period is not None and period.is_active else "")

    @property
    def listing(self) -> Listing:
        chosen = [s for s in self.filter_specs if isinstance(s, ChoiceFilter) and s.is_active]
        narrows = any(spec.is_indexed for spec in chosen)
        # a search and a link from another page go by an index too
        is_found = bool(self.query) or any(n in self.params for n in self.model_admin.lookups)
        needs_window = bool(chosen) and not narrows and not is_found
        everything = self._within_period() if needs_window else None
        return Listing(self.queryset, self.key, self.list_per_page, everything)

    def _within_period(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = self.model._default_manager.all()
        for spec in self.filter_specs:
            if isinstance(spec, PeriodFilter):
                rows = spec.queryset(self._request, rows)
        return rows

    def get_results(self, request: HttpRequest) -> None:
        listing = self.listing
        try:
            older = read_position(request.GET.get(OLDER, ""), listing.order)
            newer = read_position(request.GET.get(NEWER, ""), listing.order)
        except ValueError as error:
            raise IncorrectLookupParameters(str(error)) from error
        self.page = listing.newer(newer) if newer is not None else listing.older(older)
        if newer is not None and self.page.newer is None and not self.page.is_cut:
            # the top: a whole page, and not what is left over
            self.page = listing.older(None)
        self.result_list = self.page.rows
        self.result_count = len(self.page.rows)
        self.full_result_count = None
        self.show_full_result_count = False
        self.show_admin_actions = bool(self.page.rows)
        self.can_show_all = self.multi_page = False

    @property
    def older_link(self) -> str:
        return self._link(OLDER, self.page.older)

    @property
    def newer_link(self) -> str:
        return self._link(NEWER, self.page.newer)

    def _link(self, name: str, place: Any) -> str:
        return self.get_query_string({name: place.text()}) if place is not None else ""


class LargeListAdmin(ExportAdmin):
    """Base of the lists over rows that grow with the shop."""

    change_list_template = "admin/cart_recovery/large_list.html"
    show_full_result_count = False
    # a count per filter is a count over everything
    show_facets = ShowFacets.NEVER
    list_per_page = 50
    # an order by any column would read the whole table
    sortable_by = ()
    ordering = ["-pk"]
    #: columns that the list does not show and that are long
    list_deferred: tuple[str, ...] = ()
    #: what links from other pages may ask for, each by an index: `?contact=5`
    lookups: tuple[str, ...] = ()
    #: what names persons -> what shows instead to readers without the permission
    masked: ClassVar[Mapping[str, str]] = {}

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        if request.method == "POST" and SEARCHED in request.POST:
            return self._search(request)
        given = urlencode(
            {n: str(v) for n, v in request.GET.items() if n not in (*POSITIONS, "e")}
        )  # fmt: skip
        context = {
            **(extra_context or {}),
            "may_tell": request.user.has_perm(SEE_STORIES),
            "export_link": f"export.csv?{given}" if self.csv_fields else "",
            "window": WINDOW,
        }
        return super().changelist_view(request, context)

    def _search(self, request: HttpRequest) -> HttpResponse:
        """Lead to the list of what is looked for, with the filters that were chosen."""
        if not self.has_view_or_change_permission(request):
            raise PermissionDenied
        query = request.GET.copy()
        for name in (*POSITIONS, SEARCH_VAR, ERROR_FLAG):
            query.pop(name, None)
        if key := searches.keep(request, request.POST[SEARCHED]):
            query[SEARCH_VAR] = key
        return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetChangeList

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Nothing but the filters that show: `?email__startswith=a` would tell what is masked."""
        named = {name for f in self.get_list_filter(request) for name in _parameters(f)}
        return lookup in named or lookup in self.lookups

    def get_list_display(self, request: HttpRequest) -> Any:
        return self._shown(request, super().get_list_display(request))

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._shown(request, super().get_fields(request, obj))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, *self.masked.values()] if not may_see_persons(request) else fields

    def _shown(self, request: HttpRequest, names: Any) -> list[Any]:
        if may_see_persons(request):
            return list(names)
        return [self.masked.get(name, name) for name in names]


class ReadOnlyAdmin(LargeListAdmin):
    """Rows that the app writes and that staff only look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def _parameters(list_filter: Any) -> tuple[str, ...]:
    if isinstance(list_filter, type) and issubclass(list_filter, PeriodFilter):
        return (PeriodFilter.SINCE, PeriodFilter.UNTIL)
    return (getattr(list_filter, "parameter_name", "") or f"{list_filter}__exact",)
