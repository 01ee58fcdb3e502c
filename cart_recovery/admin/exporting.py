"""What a list shows as a CSV file: streamed, in the order of the list, with its filters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Field, Model
from django.http import (
    HttpRequest,
    HttpResponseBase,
    HttpResponseRedirect,
)
from django.urls import URLPattern, path, reverse
from django.utils import timezone, translation
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.access import may_see_persons
from cart_recovery.admin.bases import AnyModelAdmin
from cart_recovery.admin.keyset import Listing
from cart_recovery.admin.pages import page_view, url_name
from cart_recovery.admin.spreadsheets import BOM, file_response, row_writer

#: rows in memory at a time
CHUNK: Final = 1_000

Mask = Callable[[Any, str], str]
Told = tuple[Any, Callable[[Any], Any]]


class ExportAdmin(AnyModelAdmin):
    """A list with an export. `csv_fields` are attributes, also of related rows: `step.position`."""

    csv_fields: tuple[str, ...] = ()
    #: related rows that `csv_fields` needs and the list does not
    csv_related: tuple[str, ...] = ()
    #: field of `csv_fields` -> how it shows to readers without the permission (row, text) -> text
    csv_masked: ClassVar[Mapping[str, Mask]] = {}
    #: field of `csv_fields` -> its heading and the cell of a row, where those of the field itself do
    #: not tell enough, or are the words of another app
    csv_told: ClassVar[Mapping[str, Told]] = {}

    def get_urls(self) -> list[URLPattern]:
        if not self.csv_fields:
            return super().get_urls()
        permission = f"{self.opts.app_label}.view_{self.opts.model_name}"
        view = page_view(self, "export_view", permission)
        return [path("export.csv", view, name=url_name(self, "export_view")), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        """The list as it is filtered in the URL, all pages of it."""
        try:
            changelist: Any = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(self._list_url())
        listing = changelist.listing
        if self.csv_related:
            listing = replace(listing, rows=listing.rows.select_related(*self.csv_related))
        masked = {} if may_see_persons(request) else self.csv_masked
        name = f"{self.opts.model_name}-{timezone.localdate().isoformat()}.csv"
        return file_response(lines_of(listing, self.csv_fields, masked, self.csv_told), name)

    def _list_url(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")


def lines_of(
    listing: Listing,
    fields: tuple[str, ...],
    masked: Mapping[str, Mask],
    told: Mapping[str, Told],
) -> Iterator[str]:
    """The file line by line. Language and zone are those of the request, which has ended by then."""
    language, zone = translation.get_language(), timezone.get_current_timezone()
    write = row_writer()
    model = listing.rows.model
    yield BOM + write([_heading(model, name, told) for name in fields])
    for rows in _chunks(listing):
        with translation.override(language), timezone.override(zone):
            lines = [write([_cell(row, name, masked, told) for name in fields]) for row in rows]
        yield "".join(lines)


def _chunks(listing: Listing) -> Iterator[list[Any]]:
    """All rows, so many at a time: each chunk begins after the last row of the one before."""
    chunked = Listing(listing.rows, listing.order, CHUNK)
    place = None
    while True:
        page = chunked.older(place)
        if page.rows:
            yield page.rows
        if page.older is None:
            return
        place = page.older


def _heading(model: type[Model], path: str, told: Mapping[str, Told]) -> str:
    return capfirst(str(told[path][0])) if path in told else heading(model, path)


def heading(model: type[Model], path: str) -> str:
    """The name of the field; of a field of a related row the name of the relation."""
    title: Any = path
    for name in path.split("."):
        field = _field(model, name.removesuffix("_id"))
        if field is None:
            title = _("number")
        elif field.related_model is not None:
            title, model = field.verbose_name, field.related_model
        elif "." not in path:
            title = field.verbose_name
    return capfirst(str(title))


def _field(model: type[Model], name: str) -> Field[Any, Any] | None:
    try:
        field = model._meta.get_field(name)
    except FieldDoesNotExist:
        return None
    return field if isinstance(field, Field) else None


def _cell(row: Any, path: str, masked: Mapping[str, Mask], told: Mapping[str, Told]) -> Any:
    if path in told:
        return told[path][1](row)
    value: Any = row
    owner: Any = row
    name = path
    for name in path.split("."):
        owner, value = value, getattr(value, name, None)
        if value is None:
            return ""
    label = getattr(owner, f"get_{name}_display", None)
    if label is not None:
        value = label()
    if path in masked:
        value = masked[path](row, str(value))
    return value
