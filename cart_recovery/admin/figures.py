"""The reports: the dashboard at a URL of its own, and its figures as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import (
    HttpRequest,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from cart_recovery.admin import periods
from cart_recovery.admin.access import SEE_REPORTS
from cart_recovery.admin.dashboard import today
from cart_recovery.admin.lists import ReadOnlyAdmin
from cart_recovery.admin.naming import Names
from cart_recovery.admin.pages import PagesAdmin
from cart_recovery.admin.spreadsheets import BOM, file_response, row_writer
from cart_recovery.models import DailyFigure

ROWS: Final = 2000


@admin.register(DailyFigure)
class DailyFigureAdmin(PagesAdmin, ReadOnlyAdmin):
    """No list of rows: in its place stands the dashboard, so that whoever may see nothing but the
    reports has a way in."""

    pages = (("export/", "export_view", SEE_REPORTS),)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> Any:
        if not self.has_view_permission(request):
            raise PermissionDenied
        return self.page(request, "dashboard_page.html", title=_("Dashboard"))

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The days' figures of the period as CSV, as the reader's spreadsheet expects it."""
        asked = periods.read(request.GET.dict(), today())
        if asked.error:
            # the dashboard says what is wrong
            back = reverse("admin:app_list", args=[self.opts.app_label])
            return HttpResponseRedirect(f"{back}?{request.GET.urlencode()}")
        period = asked.period
        rows = DailyFigure.objects.filter(day__gte=period.since, day__lte=period.until)
        return file_response(_lines(rows), f"cart-recovery-{period.since}-{period.until}.csv")


def _lines(rows: Any) -> Iterator[str]:
    """Written while the answer is on its way, when the request's language is no longer set."""
    names, language = Names(), get_language()
    headers = [
        _("Day"), _("Measure"), _("Campaign"), _("Step"), _("Variant"), _("Channel"),
        _("Language"), _("How many"), _("Amount"), _("Currency"),
    ]  # fmt: skip
    write = row_writer()

    def lines() -> Iterator[str]:
        yield BOM + write(headers)
        for row in rows.order_by("day", "measure", "pk").iterator(chunk_size=ROWS):
            with translation.override(language):
                line = write(_cells(row, names))
            yield line

    return lines()


def _cells(row: DailyFigure, names: Names) -> list[object]:
    # as few digits as it has, and none for what is no money
    amount = row.amount.normalize() if row.currency else ""
    return [
        row.day.isoformat(), row.get_measure_display(), names.campaign(row.campaign_key),
        names.step(row.step_key), names.variant(row.variant_key), names.channel(row.channel),
        names.language(row.language), row.count, amount, row.currency,
    ]  # fmt: skip
