"""Actions on several rows: asked first, row by row, and kept in Django's log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from cart_recovery.admin.pages import PagesAdmin
from cart_recovery.admin.states import badge

#: rows of one action; a page of the list has fewer
MOST: Final = 500


@dataclass(frozen=True, slots=True)
class Outlook:
    """What will happen to a row. `obstacle`: why nothing will, or ""."""

    row: Model
    effect: object
    obstacle: object = ""


class BulkAdmin(PagesAdmin):
    """A list whose actions show what they will do before they do it."""

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> Any:
        """On ticked rows only: "all rows that match" may be a million of them."""
        post = request.POST.copy()
        post["select_across"] = "0"
        post.setlist(ACTION_CHECKBOX_NAME, post.getlist(ACTION_CHECKBOX_NAME)[:MOST])
        request.POST = post  # type: ignore[assignment]  # a copy of what it was
        return super().response_action(request, queryset, *args, **kwargs)

    def is_confirmed(self, request: HttpRequest) -> bool:
        return request.POST.get("confirmed") == "yes"

    def ask(
        self,
        request: HttpRequest,
        outlooks: Sequence[Outlook],
        *,
        action: str,
        title: object,
        question: object,
    ) -> HttpResponse:
        """The page that says what will happen to each row. Its form calls the same action again."""
        count = sum(not outlook.obstacle for outlook in outlooks)
        return self.page(
            request, "bulk.html", title=title, question=question, button=title, action=action,
            lines=[{"title": str(o.row), "badge": _badge(o)} for o in outlooks],
            keys=[o.row.pk for o in outlooks], count=count, back=request.get_full_path(),
        )  # fmt: skip

    def log_bulk(self, request: HttpRequest, rows: Sequence[Model], what: object) -> None:
        """One entry per row that was changed, in one statement."""
        if rows:
            LogEntry.objects.log_actions(
                user_id=request.user.pk, queryset=rows, action_flag=CHANGE,  # type: ignore[arg-type]  # any rows
                change_message=str(what),
            )  # fmt: skip


def _badge(outlook: Outlook) -> SafeString:
    if outlook.obstacle:
        return badge("gone", outlook.obstacle)
    return badge("good", outlook.effect)
