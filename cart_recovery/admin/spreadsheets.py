"""CSV files as the reader's spreadsheet expects them: streamed, with no cell that runs."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any, Final

from django.http import StreamingHttpResponse
from django.utils import timezone
from django.utils.formats import get_format, number_format
from django.utils.translation import gettext_lazy as _

#: a cell that begins like this is a formula to spreadsheets
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
#: how Excel knows that a file is UTF-8
BOM: Final = "\ufeff"

WriteRow = Callable[[Iterable[object]], str]


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def row_writer() -> WriteRow:
    """Makes a line of cells. Where numbers have a comma, columns are parted by semicolons."""
    delimiter = ";" if get_format("DECIMAL_SEPARATOR") == "," else ","
    writer: Any = csv.writer(_Echo(), delimiter=delimiter)
    return lambda cells: str(writer.writerow([safe(cell) for cell in cells]))


def safe(value: object) -> object:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        return number_format(f"{value:f}", use_l10n=True, force_grouping=False)
    if isinstance(value, dt.datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M:%S")
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def file_response(lines: Iterable[str], name: str) -> StreamingHttpResponse:
    """The file as a download, sent while it is written."""
    return StreamingHttpResponse(
        lines,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
