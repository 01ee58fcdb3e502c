"""Ratings of the service, and what staff have to look after."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cart_recovery.admin.access import CLOSE_TASKS, may_see_persons
from cart_recovery.admin.filters import ChoiceFilter, choice_filter, period_filter
from cart_recovery.admin.links import admin_link_by_key
from cart_recovery.admin.lists import ReadOnlyAdmin
from cart_recovery.admin.pages import PagesAdmin
from cart_recovery.admin.persons import PersonSearchAdmin
from cart_recovery.admin.states import badge
from cart_recovery.contacts.masking import DOTS
from cart_recovery.models import RatingSource, ServiceRating, StaffTask, StaffTaskKind
from cart_recovery.shop.reviews import order_path


def contact_cell(row: Any) -> SafeString | str:
    """A link to whoever the row is about."""
    title = _("Contact %(pk)s") % {"pk": row.contact_id}
    return admin_link_by_key("cart_recovery", "contact", row.contact_id, title)


def order_cell(row: Any) -> SafeString | str:
    """A link to the order where staff work on it."""
    if row.order is None:
        return "-"
    path = order_path(row.order.number)
    return format_html('<a href="{}">{}</a>', path, row.order.number) if path else row.order.number


@admin.register(ServiceRating)
class ServiceRatingAdmin(PersonSearchAdmin, ReadOnlyAdmin):
    list_display = [
        "pk", "rated_at", "rating_badge", "source", "comment", "contact_link", "order_link",
    ]  # fmt: skip
    list_filter = [
        period_filter("rated_at"),
        choice_filter("score", _("rating"), [(str(score), str(score)) for score in range(11)]),
        choice_filter("source", _("how it came"), RatingSource.choices),
    ]
    lookups = ("contact",)
    masked = {"comment": "masked_comment"}
    list_select_related = ["order"]
    readonly_fields = [
        "rating_badge", "source", "comment", "contact_link", "order_link", "rated_at", "changed_at",
    ]  # fmt: skip
    fields = [*readonly_fields]
    csv_fields = (
        "pk", "rated_at", "score", "best", "worst", "source", "comment", "contact_id", "order_id",
        "changed_at",
    )  # fmt: skip
    csv_masked = {"comment": lambda _row, text: DOTS if text else ""}

    @admin.display(description=_("rating"))
    def rating_badge(self, rating: ServiceRating) -> SafeString:
        words = _("%(score)s (best: %(best)s, worst: %(worst)s)") % {
            "score": rating.score, "best": rating.best, "worst": rating.worst,
        }  # fmt: skip
        return badge("bad" if rating.is_low else "good", words)

    @admin.display(description=_("comment"))
    def masked_comment(self, rating: ServiceRating) -> str:
        """People write names and numbers into it."""
        return DOTS if rating.comment else ""

    @admin.display(description=_("contact"))
    def contact_link(self, rating: ServiceRating) -> SafeString | str:
        return contact_cell(rating)

    @admin.display(description=_("order"))
    def order_link(self, rating: ServiceRating) -> SafeString | str:
        return order_cell(rating)


class OpenFilter(ChoiceFilter):
    title = _("state")
    parameter_name = "state"
    indexed_values = ("open",)

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("to be done")), ("closed", _("done"))]

    def condition(self, value: str) -> Q:
        return Q(closed_at__isnull=value == "open")


class CloseForm(forms.Form):
    note = forms.CharField(
        label=_("what was done"), max_length=2000, widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("For the record: what the customer was told, what was mended."),
    )  # fmt: skip


@admin.register(StaffTask)
class StaffTaskAdmin(PagesAdmin, PersonSearchAdmin, ReadOnlyAdmin):
    """Tasks come from what customers do; staff end them with a word on what was done."""

    pages = (("<int:key>/close/", "close_view", CLOSE_TASKS),)
    change_form_template = "admin/cart_recovery/stafftask/change_form.html"
    list_display = ["opened_at", "state_badge", "kind", "contact_link", "order_link", "note"]
    list_filter = [
        OpenFilter, period_filter("opened_at"),
        choice_filter("kind", _("kind"), StaffTaskKind.choices),
    ]  # fmt: skip
    lookups = ("contact",)
    masked = {"note": "masked_note", "said": "masked_said"}
    list_select_related = ["order"]
    readonly_fields = [
        "state_badge", "kind", "said", "contact_link", "order_link", "opened_at", "closed_at",
        "closed_by", "note",
    ]  # fmt: skip
    fields = [*readonly_fields]
    csv_fields = (
        "pk", "kind", "opened_at", "closed_at", "contact_id", "order_id", "note",
    )  # fmt: skip
    csv_masked = {"note": lambda _row, text: DOTS if text else ""}

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        may_close = row is not None and not row.closed_at and request.user.has_perm(CLOSE_TASKS)
        context = {**(extra_context or {}), "may_close": may_close}
        return super().change_view(request, object_id, form_url, context)

    def close_view(self, request: HttpRequest, key: int) -> HttpResponse:
        """End a task: what was done is asked for and kept, with who did it."""
        task = self.row(key)
        form = CloseForm(request.POST if request.method == "POST" else None)
        listed = reverse("admin:cart_recovery_stafftask_changelist")
        if task.closed_at is not None:
            self.message_user(request, _("This is done already."), messages.WARNING)
            return HttpResponseRedirect(listed)
        if request.method == "POST" and form.is_valid():
            task.closed_at, task.closed_by = timezone.now(), request.user
            task.note = f"{task.note}\n{form.cleaned_data['note']}".strip()
            task.save(update_fields=["closed_at", "closed_by", "note"])
            self.log_change(request, task, str(_("The task was done.")))
            self.message_user(request, _("The task was done."), messages.SUCCESS)
            return HttpResponseRedirect(f"{listed}?state=open")
        return self.page(
            request, "stafftask/close.html", title=_("Done with this"), original=task, form=form,
            said=self.said(task) if may_see_persons(request) else self.masked_said(task),
            order=order_cell(task), contact=contact_cell(task),
        )  # fmt: skip

    @admin.display(description=_("state"))
    def state_badge(self, task: StaffTask) -> SafeString:
        return badge("good", _("done")) if task.closed_at else badge("wait", _("to be done"))

    @admin.display(description=_("what the customer said"))
    def said(self, task: StaffTask) -> str:
        rating = self._rating(task)
        return "-" if rating is None else _said(rating.score, rating.comment)

    @admin.display(description=_("what the customer said"))
    def masked_said(self, task: StaffTask) -> str:
        rating = self._rating(task)
        return "-" if rating is None else _said(rating.score, DOTS if rating.comment else "")

    @admin.display(description=_("note"))
    def masked_note(self, task: StaffTask) -> str:
        return DOTS if task.note else ""

    @admin.display(description=_("contact"))
    def contact_link(self, task: StaffTask) -> SafeString | str:
        return contact_cell(task)

    @admin.display(description=_("order"))
    def order_link(self, task: StaffTask) -> SafeString | str:
        return order_cell(task)

    @staticmethod
    def _rating(task: StaffTask) -> ServiceRating | None:
        if task.order_id is None or task.kind != StaffTaskKind.LOW_RATING:
            return None
        return ServiceRating.objects.filter(order=task.order_id).first()


def _said(score: int, comment: str) -> str:
    return f"{score}: {comment}" if comment else str(score)
